"""The client that comes with the package."""

import json
import threading
import time

import pytest

import nonloc
from nonloc import errors
from nonloc.interfaces.service.client import Client, ServiceError
from nonloc.interfaces.service.limits import Limits


def test_a_file_goes_in_and_comes_out(served, tmp_path, noisy):
    (source := tmp_path / "in.png").write_bytes(noisy)
    answer = served.client.denoise(source, method="gaussian", sigma=20, arguments={})
    answer.save(tmp_path / "out.png")
    assert (tmp_path / "out.png").read_bytes() == served.post("denoise", noisy, method="gaussian", sigma="20").content
    assert answer.record["method"] == "gaussian"
    with pytest.raises(errors.ImageError, match="exists"):
        answer.save(tmp_path / "out.png")


def test_estimates_and_methods_are_those_of_the_package(served, tmp_path, noisy):
    (source := tmp_path / "in.png").write_bytes(noisy)
    assert served.client.estimate(source) == json.loads(json.dumps(nonloc.estimate(source).as_dict()))
    assert [card["name"] for card in served.client.methods(name="bm3d")] == ["bm3d"]


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"method": "bmd3"}, errors.UnknownMethod),
        ({"method": "gaussian", "sigma": "loud"}, errors.UsageError),
        ({"method": "gaussian", "arguments": {"colour": "red"}}, errors.CardError),
        ({"method": "gaussian", "sigma": 9000}, errors.NonlocError),
    ],
)
def test_an_error_is_the_one_that_the_verb_raises_here(options, kind, served, tmp_path, noisy):
    (source := tmp_path / "in.png").write_bytes(noisy)
    with pytest.raises(kind) as there:
        served.client.denoise(source, **options)
    with pytest.raises(kind) as here:
        nonloc.denoise(source, **options)
    assert type(there.value) is type(here.value)
    assert there.value.args[1] == here.value.args[1]


def test_files_and_addresses_that_are_none_are_told(served, tmp_path):
    with pytest.raises(errors.ImageError, match="rights"):
        served.client.restore(tmp_path / "none.png")
    with pytest.raises(errors.ImageError):
        served.client.restore(b"\x89PNG\r\n\x1a\nnonsense")
    with pytest.raises(errors.UsageError, match="http://"):
        Client("localhost")
    assert not Client("http://127.0.0.1:9").ready()


def test_a_job_is_waited_for_or_cancelled(served, noisy):
    held = served.hold()[0]
    client = served.client
    first, second = (client.submit("repair", noisy, damage="impulses") for _ in range(2))
    assert first.status()["state"] == "waiting"
    with pytest.raises(ServiceError, match="waiting"):
        first.result(timeout=0.1)
    assert second.cancel()["state"] == "cancelled"
    with pytest.raises(errors.Cancelled):
        second.result()
    held.go.set()
    assert first.result().content == served.quick(noisy).content


def test_an_answer_that_takes_long_is_waited_for(start, noisy):
    running = start(Limits(wait=0.1, grace=0))
    held = running.hold()[0]
    threading.Timer(0.5, held.go.set).start()
    assert running.client.repair(noisy, damage="impulses").content == running.quick(noisy).content


def test_a_full_service_is_asked_again(start, noisy):
    running = start(Limits(queue=0, grace=0))
    held = running.hold()[0]
    with pytest.raises(ServiceError, match="queue"):
        running.client.repair(noisy, damage="impulses")
    threading.Timer(0.5, held.go.set).start()
    begun = time.monotonic()
    patient = Client(running.address, patience=30)
    assert patient.repair(noisy, damage="impulses").content
    assert time.monotonic() - begun >= 1  # as Retry-After said


def test_the_token_is_shown(start, noisy):
    running = start(token="a secret")
    assert running.client.methods(name="bm3d")
    with pytest.raises(ServiceError, match="token"):
        Client(running.address, token="another").methods()
