"""A service in this process on a free port, pictures to send, and work that takes exactly as long as a test wants."""

import threading
from dataclasses import dataclass

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the service needs: pip install 'nonloc[serve]'")
pytest.importorskip("prometheus_client", reason="the service needs: pip install 'nonloc[serve]'")
pytest.importorskip("httpx", reason="the tests' client is httpx")

import httpx

from nonloc import testing
from nonloc.image.image import Image
from nonloc.image.write import encode
from nonloc.interfaces.service.app import build
from nonloc.interfaces.service.client import Client
from nonloc.interfaces.service.limits import Limits
from nonloc.interfaces.service.runner import Runner
from nonloc.interfaces.service.service import Service
from nonloc.interfaces.service.work import DONE, Work
from nonloc.interfaces.sockets import bound
from nonloc.interfaces.web.studio import Studio
from nonloc.verbs.options import Options


def picture(dtype=np.uint8, channels=3, sigma=20, height=64, width=64, seed=0, **fields) -> Image:
    """A noisy picture of whole numbers."""
    white = np.iinfo(dtype).max
    samples = np.clip(testing.sample(height, width, channels, sigma, seed).samples, 0, 1) * white
    return Image(samples.round().astype(dtype), scale=1 / white, **fields)


class Held(Work):
    """A work that lasts until it is let go, and then is done."""

    def __init__(self, service):
        folder = service._temporary.path / f"held-{id(self)}"
        folder.mkdir()
        super().__init__(f"held{id(self)}", "denoise", folder, None, service.limits)
        self.begun, self.go = threading.Event(), threading.Event()
        self.told = {}

    def carry_out(self):
        self.begun.set()
        self.go.wait(60)
        self.settle(DONE)


@dataclass
class Running:
    service: Service
    runner: Runner
    thread: threading.Thread
    address: str
    http: httpx.Client

    @property
    def client(self) -> Client:
        return Client(self.address, token=self.service.token, patience=0)

    def post(self, verb, content, headers=None, **options):
        return self.http.post(f"/v1/{verb}", params=options, content=content, headers=headers)

    def quick(self, content, headers=None, **options):
        """The least work there is; most verbs look at the noise first, which takes half a second."""
        return self.post("repair", content, headers, damage="impulses", **options)

    def hold(self, count=1):
        """Works that keep the workers busy, and then the queue full."""
        works = [Held(self.service) for _ in range(count)]
        for work in works:
            self.service.queue.reserve()
            self.service.accept(work)
        works[0].begun.wait(20)
        return works

    def files(self):
        return [path for path in self.service._temporary.path.rglob("*") if path.is_file() and path.name != "alive"]

    def metric(self, name, **labels):
        return self.service.metrics.registry.get_sample_value(name, labels)


@pytest.fixture
def start(tmp_path, monkeypatch):
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    running = []

    def begin(limits=None, page=False, options=None, **given):
        options = options or Options()
        studio = Studio(options) if page else None
        service = Service(options, limits or Limits(grace=0), page=studio, **given)
        listening, ready = bound("127.0.0.1", 0, 0), threading.Event()
        runner = Runner(build(service, ready.set), service, lambda text: None)
        thread = threading.Thread(target=runner.run, args=([listening],))
        thread.start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        running.append(Running(service, runner, thread, address, httpx.Client(base_url=address, timeout=60)))
        assert ready.wait(30)
        return running[-1]

    yield begin
    for one in running:
        one.http.close()
        one.runner.asked += 2
        one.thread.join(30)
        one.service.close()


@pytest.fixture
def served(start):
    return start()


@pytest.fixture
def make_picture():
    return picture


@pytest.fixture
def noisy():
    """The bytes of a noisy 8-bit PNG."""
    return encode(picture(), "png")
