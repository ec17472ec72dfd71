"""The queue and its jobs: a plain no where it is full, an end for every work, nothing lost when the service stops."""

import http.client
import json
import threading
import time

import numpy as np
import pytest

from nonloc.image.write import encode
from nonloc.interfaces.service.limits import Limits
from nonloc.interfaces.service.metrics import Metrics
from nonloc.interfaces.service.problems import Problem
from nonloc.interfaces.service.queue import Queue
from nonloc.interfaces.service.work import header_of
from nonloc.verbs.options import Options


def until(true, seconds=30):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def long(make_picture):
    """A picture that takes seconds with bm3d in tiles of 24."""
    return encode(make_picture(height=400, width=400), "png")


def test_a_full_queue_says_when_to_come_again(start, noisy):
    running = start(Limits(queue=2, grace=0))
    held = running.hold(3)
    answer = running.quick(noisy)
    assert (answer.status_code, answer.json()["type"]) == (429, "/problems/busy")
    assert int(answer.headers["retry-after"]) >= 1
    assert running.http.get("/readyz").status_code == 503
    assert running.http.get("/healthz").status_code == 200
    assert running.metric("nonloc_queue_length") == 2
    assert running.metric("nonloc_jobs_in_progress") == 1
    for work in held:
        work.go.set()
    until(lambda: running.http.get("/readyz").status_code == 200)
    assert running.quick(noisy).status_code == 200


def test_a_refusal_reaches_a_client_that_is_still_sending(start):
    running = start(Limits(queue=0, grace=0))
    work = running.hold()[0]
    connection = http.client.HTTPConnection(running.address.removeprefix("http://"), timeout=30)
    connection.request("POST", "/v1/restore", bytes(10 << 20))  # which reads nothing before all is sent
    assert connection.getresponse().status == 429
    connection.close()
    work.go.set()


def test_a_long_work_becomes_a_job_with_progress_and_result(start, make_picture):
    running = start(Limits(wait=0.1, grace=0), options=Options(tile=24))
    long = encode(make_picture(height=120, width=120, channels=1), "png")
    answer = running.post("denoise", long, method="bm3d", sigma="20")
    assert answer.status_code == 202, answer.text
    job = answer.headers["location"]
    assert answer.json()["state"] in ("waiting", "working")
    until(lambda: running.http.get(job).json()["done"] > 0)
    early = running.http.get(f"{job}/result")
    assert (early.status_code, early.json()["type"]) == (409, "/problems/not-finished")
    assert int(early.headers["retry-after"]) >= 1
    until(lambda: running.http.get(job).json()["state"] == "done", 120)
    status, results = running.http.get(job).json(), [running.http.get(f"{job}/result") for _ in range(2)]
    assert status["record"]["method"] == "bm3d"
    assert results[0].headers["content-type"] == status["media"] == "image/png"
    assert results[0].content == results[1].content != long


def test_who_asks_for_it_gets_a_job_at_once(served, noisy):
    held = served.hold()[0]
    answer = served.quick(noisy, {"prefer": "respond-async"})
    assert (answer.status_code, answer.headers["preference-applied"]) == (202, "respond-async")
    assert answer.json()["state"] == "waiting"
    waited = served.quick(noisy, {"prefer": "wait=1"})
    assert (waited.status_code, waited.headers["preference-applied"]) == (202, "wait=1")
    held.go.set()
    for job in (answer.headers["location"], waited.headers["location"]):
        until(lambda job=job: served.http.get(job).json()["state"] == "done")
        assert served.http.get(f"{job}/result").content == served.quick(noisy).content


def test_a_job_is_cancelled_while_it_waits_and_while_it_runs(start, long, noisy):
    running = start(options=Options(tile=24))
    jobs = [
        running.post("denoise", long, {"prefer": "respond-async"}, method="bm3d").headers["location"] for _ in range(2)
    ]
    until(lambda: running.http.get(jobs[0]).json()["done"] > 0)
    for job in reversed(jobs):
        assert running.http.delete(job).json()["state"] == "cancelled"
        assert running.service.queue.length == 0  # its place is free at once
        assert running.http.get(f"{job}/result").status_code == 410
    assert running.quick(noisy).status_code == 200  # the worker is free again
    assert running.files() == []
    assert running.http.get(jobs[0]).json()["done"] < 1
    assert running.metric("nonloc_job_failures_total", reason="cancelled") == 2


def test_a_result_is_deleted_when_it_is_asked_for(served, noisy):
    job = served.quick(noisy, {"prefer": "respond-async"}).headers["location"]
    until(lambda: served.http.get(job).json()["state"] == "done")
    assert served.http.delete(job).json()["state"] == "done"
    assert served.files() == []
    assert served.http.get(f"{job}/result").status_code == 410


def test_what_is_late_ends_at_its_time_in_the_queue_and_at_work(start, long, noisy):
    running = start(Limits(timeout=1.5, grace=0), options=Options(tile=24))
    begun = time.monotonic()
    jobs = [running.post("denoise", long, {"prefer": "respond-async"}, method="bm3d").headers["location"]]
    answer = running.quick(noisy)
    assert (answer.status_code, answer.json()["type"]) == (504, "/problems/late")
    assert time.monotonic() - begun < 8
    until(lambda: running.http.get(jobs[0]).json()["state"] == "failed")
    assert running.http.get(f"{jobs[0]}/result").status_code == 504
    until(lambda: running.service.queue.busy_workers == 0)
    assert running.quick(noisy).status_code == 200
    assert running.files() == []


def test_a_client_that_goes_away_is_not_worked_for(start, long):
    import httpx

    running = start(options=Options(tile=24))
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{running.address}/v1/denoise?method=bm3d", content=long, timeout=1.5)
    until(lambda: running.service.queue.idle)
    assert [work.state for work in running.service.works.values()] == ["cancelled"]


def test_an_upload_that_stalls_gives_its_place_back(start):
    import socket

    running = start(Limits(queue=0, stall=0.3, grace=0))
    host, port = running.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as slow:
        slow.sendall(f"POST /v1/restore HTTP/1.1\r\nhost: {host}\r\ncontent-length: 1000\r\n\r\nabc".encode())
        assert running.service.queue.length <= 1
        slow.settimeout(20)
        assert b" 408 " in slow.recv(1000)
    assert running.service.queue.length == 0
    assert running.files() == []


def test_results_that_nobody_fetches_go_in_time_and_are_no_more_than_so_many(start, noisy):
    running = start(Limits(keep=0.5, held=1, grace=0))
    job = running.quick(noisy, {"prefer": "respond-async"}).headers["location"]
    assert running.quick(noisy).status_code == 429
    until(lambda: running.http.get(job).status_code == 404)
    assert running.files() == []
    assert running.quick(noisy).status_code == 200


def test_only_so_many_records_are_remembered(served, noisy, monkeypatch):
    monkeypatch.setattr("nonloc.interfaces.service.service.REMEMBERED", 2)
    jobs = [served.quick(noisy).headers["nonloc-job"] for _ in range(4)]
    assert [served.http.get(job).status_code for job in jobs] == [404, 404, 200, 200]


def test_two_workers_give_the_same_bytes_as_one(start, noisy, make_picture):
    running = start(workers=2)
    pictures = [encode(make_picture(seed=seed), "png") for seed in range(3)]
    expected = [running.post("denoise", one, method="nl-means", sigma="20").content for one in pictures]
    found: dict[int, bytes] = {}

    def ask(number):
        found[number] = running.client.denoise(pictures[number], method="nl-means", sigma=20).content

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(pictures))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number] for number in range(len(pictures))] == expected


def test_a_service_that_stops_finishes_what_it_accepted_and_takes_nothing_new(start, noisy):
    running = start(Limits(grace=20))
    held = running.hold()[0]
    job = running.quick(noisy, {"prefer": "respond-async"}).headers["location"]
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(running.quick(noisy)))
    waiting.start()
    until(lambda: running.service.queue.length == 2)
    running.runner.asked = 1
    until(lambda: running.service.draining)
    assert running.http.get("/readyz").json()["why"] == "it is stopping"
    refused = running.quick(noisy)
    assert (refused.status_code, refused.headers["connection"]) == (503, "close")
    assert int(refused.headers["retry-after"]) >= 1
    held.go.set()
    waiting.join(30)
    assert answers[0].status_code == 200
    until(lambda: running.http.get(job).json()["state"] == "done")
    assert running.thread.is_alive()  # the result of the job has not been fetched
    assert running.http.get(f"{job}/result").content == answers[0].content
    running.thread.join(15)
    assert not running.thread.is_alive()
    assert running.service.queue.accepted == running.service.queue.ended == 3
    assert not running.service._temporary.path.exists()


def test_a_place_is_taken_once_and_given_back():
    queue = Queue(1, 1, Metrics())
    queue.reserve()
    queue.reserve()
    with pytest.raises(Problem) as error:
        queue.reserve()
    assert error.value.kind == "busy"
    queue.release()
    queue.reserve()
    assert not queue.idle
    queue.release()
    queue.release()
    assert queue.idle
    queue.close()


def test_a_record_fits_into_a_header():
    record = {"method": "bm3d", "diagnosis": "é" * 3000, "considered": ["x" * 3000], "sigma": np.float64(2).item()}
    line = header_of(record)
    assert line.isascii()
    assert len(line) <= 4000
    assert json.loads(line)["method"] == "bm3d"
    assert json.loads(line)["left_out"] == ["considered", "diagnosis"]
    assert json.loads(header_of({"a": 1})) == {"a": 1}
