"""The service as a client uses it: the same bytes as everywhere else, and what it tells beside them."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest

import nonloc
from nonloc.image.image import Metadata
from nonloc.image.write import encode, write, write_pages
from nonloc.interfaces.cli import main

WIENER = "wiener-deconvolution"


def contents(make_picture):
    facts = Metadata(exif=b"II*\0\x08\0\0\0\0\0\0\0\0\0", resolution=(300, 300, "inch"))
    return {
        "colour.png": encode(make_picture(metadata=facts), "png"),
        "deep.tif": encode(make_picture(np.uint16), "tiff"),
        "gray.png": encode(make_picture(np.uint16, channels=1), "png"),
        "lossy.jpg": encode(make_picture(), "jpeg"),
    }


def by_command(tmp_path, name, content, *words):
    """What the command line writes for the same bytes."""
    source, out = tmp_path / name, tmp_path / f"by-command-{name}"
    source.write_bytes(content)
    assert main([*words, str(source), "-o", str(out), "-q"]) == 0
    return out.read_bytes()


def by_page(running, name, content, **settings):
    """What a visitor of the page downloads."""
    base = f"/api/sessions/{running.http.post('/api/sessions').json()['session']}"
    sent = running.http.post(f"{base}/pictures", params={"name": name}, content=content).json()
    asked = until(lambda: running.http.post(f"{base}/works", json={"picture": sent["id"], **settings}), 200)
    return until(lambda: running.http.get(f"{base}/works/{asked.json()['id']}/file"), 200).content


def until(ask, status, seconds=60):
    end = time.monotonic() + seconds
    while (answer := ask()).status_code != status:
        assert time.monotonic() < end, answer.text
        time.sleep(0.05)
    return answer


@pytest.mark.parametrize("name", ["colour.png", "deep.tif", "gray.png", "lossy.jpg"])
def test_python_command_line_service_and_page_give_the_same_bytes(name, start, tmp_path, make_picture):
    running, content = start(page=True), contents(make_picture)[name]
    answer = running.post("denoise", content, method="gaussian", sigma="18", strength=0.7)
    assert answer.status_code == 200, answer.text
    words = ("denoise", "--method", "gaussian", "--sigma", "18", "--strength", "0.7")
    assert answer.content == by_command(tmp_path, name, content, *words)
    assert answer.content == by_page(running, name, content, method="gaussian", sigma="18", strength=0.7)
    restored = nonloc.denoise(tmp_path / name, method="gaussian", sigma=18, strength=0.7)
    assert answer.content == write(restored, tmp_path / f"by-python-{name}").read_bytes()
    assert answer.content != content


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_five_routes_make_five_equal_files(start, tmp_path, make_picture):
    for package in ("ray", "pyarrow", "fsspec"):
        pytest.importorskip(package, reason="the fifth route needs: pip install 'nonloc[cluster]'")
    running, content = start(page=True), contents(make_picture)["deep.tif"]
    settings = {"method": "gaussian", "sigma": "18"}
    words = ("denoise", "--method", "gaussian", "--sigma", "18")
    by = {
        "command line": by_command(tmp_path, "deep.tif", content, *words),
        "service": running.post("denoise", content, **settings).content,
        "page": by_page(running, "deep.tif", content, **settings),
    }
    restored = nonloc.denoise(tmp_path / "deep.tif", method="gaussian", sigma=18)
    by["Python"] = write(restored, tmp_path / "by-python.tif").read_bytes()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "deep.tif").write_bytes(content)
    command = [sys.executable, "-m", "nonloc", *words, "in", "-r", "-o", "out", "--cluster", "ray", "-j", "1", "-q"]
    home = os.environ | {"HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, cwd=tmp_path, env=home, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    by["cluster"] = (tmp_path / "out" / "deep.tif").read_bytes()
    assert len(set(by.values())) == 1, {route: hashlib.sha256(data).hexdigest()[:8] for route, data in by.items()}


@pytest.mark.parametrize(
    ("verb", "options", "words"),
    [
        ("restore", {}, ()),
        ("upscale", {"factor": "1.5", "method": "bicubic"}, ("--factor", "1.5", "--method", "bicubic")),
        ("deblur", {"kernel": "gaussian:1.2", "method": WIENER}, ("--kernel", "gaussian:1.2", "--method", WIENER)),
        ("repair", {"damage": "impulses", "set": "size=5"}, ("--damage", "impulses", "--set", "size=5")),
        ("denoise", {"method": "gaussian", "format": "tiff", "ensemble": "8"}, ("--method", "gaussian")),
    ],
)
def test_every_verb_is_the_command_lines(verb, options, words, served, tmp_path, noisy):
    if verb == "repair":
        known = served.http.get("/v1/methods", params={"name": "adaptive-median"}).json()[0]["arguments"]
        options = {**options, "set": f"{next(iter(known))}={next(iter(known.values()))['default']}"}
        words = (*words[:-1], options["set"])
    if "ensemble" in options:
        words = (*words, "--ensemble", options["ensemble"])
    answer = served.post(verb, noisy, **options)
    assert answer.status_code == 200, answer.text
    (source := tmp_path / "in.png").write_bytes(noisy)
    out = tmp_path / ("out.tif" if "format" in options else "out.png")
    assert main([verb, str(source), *words, "-o", str(out), "-q"]) == 0
    assert answer.content == out.read_bytes()


def test_all_pages_of_a_file_come_back(served, tmp_path, make_picture):
    pages = [make_picture(np.uint16, channels=1, sigma=sigma) for sigma in (0, 15, 30)]
    content = write_pages(pages, tmp_path / "stack.tif").read_bytes()
    answer = served.post("denoise", content, method="gaussian")
    assert answer.content == by_command(tmp_path, "again.tif", content, "denoise", "--method", "gaussian")


def test_an_answer_tells_what_was_done_and_its_checksum(served, noisy):
    answer = served.post("denoise", noisy, method="gaussian", sigma="20")
    assert answer.headers["content-type"] == "image/png"
    record = json.loads(answer.headers["nonloc-record"])
    assert (record["method"], record["degradation"]) == ("gaussian", "gaussian:20")
    digest = base64.b64encode(hashlib.sha256(answer.content).digest()).decode()
    assert answer.headers["repr-digest"] == f"sha-256=:{digest}:"
    assert served.http.get(answer.headers["nonloc-job"]).json()["record"]["method"] == "gaussian"
    assert served.files() == []  # nothing of the picture is kept


def test_the_format_is_what_the_client_accepts(served, noisy):
    for headers, media in (
        ({"accept": "image/tiff"}, "image/tiff"),
        ({"accept": "image/webp;q=0.5, image/bmp"}, "image/bmp"),
        ({"accept": "*/*"}, "image/png"),
    ):
        answer = served.quick(noisy, headers)
        assert (answer.status_code, answer.headers["content-type"]) == (200, media)
    answer = served.quick(noisy, {"accept": "text/html"})
    assert answer.status_code == 406
    assert "image/png" in answer.json()["do"]


def test_an_estimate_is_that_of_python(served, tmp_path, noisy):
    (path := tmp_path / "in.png").write_bytes(noisy)
    answer = served.post("estimate", noisy)
    assert answer.json() == json.loads(json.dumps(nonloc.estimate(path).as_dict()))


def test_methods_are_the_cards(served):
    names = {card["name"] for card in served.http.get("/v1/methods", params={"task": "denoise"}).json()}
    assert names == set(nonloc.methods(task="denoise"))
    assert "/" not in json.dumps(served.http.get("/v1/methods", params={"name": "gaussian"}).json()[0].get("path", ""))


def test_the_page_is_there_unless_it_is_left_off(start):
    assert "Drop pictures here" in start(page=True).http.get("/").text
    assert start().http.get("/").status_code == 404


def test_metrics_can_be_read_and_count(served, noisy):
    from prometheus_client.parser import text_string_to_metric_families as parse

    served.quick(noisy)
    served.post("denoise", b"nothing")
    families = {family.name: family for family in parse(served.http.get("/metrics").text)}
    assert {
        "nonloc_http_requests", "nonloc_http_request_duration_seconds", "nonloc_run_duration_seconds",
        "nonloc_pixels_processed", "nonloc_queue_length", "nonloc_queue_wait_seconds", "nonloc_jobs_in_progress",
        "nonloc_job_failures", "nonloc_input_bytes", "nonloc_memory_peak_bytes", "nonloc_build_info",
    } <= set(families)  # fmt: skip
    assert served.metric("nonloc_pixels_processed_total") == 64 * 64
    assert served.metric("nonloc_http_requests_total", task="repair", status="200") == 1
    assert served.metric("nonloc_http_requests_total", task="denoise", status="415") == 1
    assert served.metric("nonloc_run_duration_seconds_count", method="adaptive-median", device="cpu") == 1
    assert served.metric("nonloc_input_bytes_total") == len(noisy) + len(b"nothing")
    assert served.metric("nonloc_memory_peak_bytes") > 1e7
