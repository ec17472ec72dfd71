"""A server of the page in this process, and someone who visits it, with a browser or without."""

import re
import shutil
import threading
import time
from dataclasses import dataclass

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="the page needs: pip install 'nonloc[web]'")
pytest.importorskip("httpx", reason="the test client needs httpx")

from fastapi.testclient import TestClient

from nonloc import testing
from nonloc.image.image import Image
from nonloc.image.write import encode
from nonloc.interfaces.web.app import build
from nonloc.interfaces.web.studio import Limits, Studio
from nonloc.verbs.options import Options

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
OVER = ("done", "failed", "cancelled")


def picture(dtype=np.uint8, channels=3, sigma=20, height=60, width=80, seed=0, **fields) -> Image:
    """A noisy picture of whole numbers."""
    white = np.iinfo(dtype).max
    samples = np.clip(testing.sample(height, width, channels, sigma, seed).samples, 0, 1) * white
    return Image(samples.round().astype(dtype), scale=1 / white, **fields)


@dataclass
class Visitor:
    """The page's side of the talk, without a browser."""

    client: TestClient
    base: str

    def get(self, path):
        return self.client.get(f"{self.base}/{path}")

    def state(self):
        return self.client.get(self.base).json()

    def send(self, content, name="in.png", headers=None):
        return self.client.post(f"{self.base}/pictures", params={"name": name}, content=content, headers=headers)

    def add(self, content, name="in.png"):
        """Bring a picture; what is known of it once it has been looked at."""
        sent = self.send(content, name)
        assert sent.status_code == 200, sent.text
        return self.until("pictures", sent.json()["id"], lambda it: it["state"] != "looking")

    def ask(self, picture, **settings):
        return self.client.post(f"{self.base}/works", json={"picture": picture["id"], **settings})

    def restore(self, picture, **settings):
        asked = self.ask(picture, **settings)
        assert asked.status_code == 200, asked.text
        return self.until("works", asked.json()["id"], lambda it: it["state"] in OVER)

    def until(self, kind, name, wanted, seconds=120):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = next((one for one in self.state()[kind] if one["id"] == name), None)
            if found is not None and wanted(found):
                return found
            time.sleep(0.02)
        raise AssertionError(f"{kind} {name} never came so far: {found}")

    def result(self, work):
        return self.get(f"works/{work['id']}/file").content


@pytest.fixture
def make_studio(tmp_path, monkeypatch):
    """Studios whose temporary files lie in a folder of the test."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    made = []

    def make(limits=None, clock=time.monotonic, **options):
        made.append(Studio(Options(**options), limits or Limits(), clock=clock))
        return made[-1]

    yield make
    for studio in made:
        studio.close()


@pytest.fixture
def make_visitor(make_studio):
    clients = []

    def make(studio=None, **options):
        client = TestClient(build(studio or make_studio(**options)), base_url="http://127.0.0.1:8765")
        client.__enter__()
        clients.append(client)
        return Visitor(client, f"/api/sessions/{client.post('/api/sessions').json()['session']}")

    yield make
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def visitor(make_visitor):
    return make_visitor()


@pytest.fixture
def make_picture():
    return picture


@pytest.fixture(scope="module")
def browser():
    from web_page import playwright

    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("needs the browser: apt-get install chromium")
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=found, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def serve(make_studio):
    """Start a server of this process on a free port; its address."""
    from web_page import uvicorn

    from nonloc.interfaces.web.serve import bound

    started = []

    def start(**options):
        listening = bound(0)
        server = uvicorn.Server(uvicorn.Config(build(make_studio(**options)), log_level="warning"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        started.append((server, thread, listening))
        return f"http://127.0.0.1:{listening.getsockname()[1]}/"

    yield start
    for server, thread, listening in started:
        server.should_exit = True
        thread.join(20)
        listening.close()


@pytest.fixture
def visit(browser, serve):
    """Open the page; afterwards no request has left the machine and nothing was complained of."""
    from web_page import expect

    opened = []

    def open_page(width=1280, height=800, scheme="light", options=None, **context):
        made = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, accept_downloads=True, **context
        )
        page, hosts, said = made.new_page(), set(), []
        made.on("request", lambda request: hosts.add(re.sub(r"^\w+://([^/]+)/.*", r"\1", request.url)))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        opened.append((made, hosts, said))
        address = serve(**(options or {}))
        page.goto(address)
        expect(page.get_by_role("button", name="Choose pictures")).to_be_visible()
        return page

    yield open_page
    for made, hosts, said in opened:
        made.close()
        assert {host.partition(":")[0] for host in hosts} <= {"127.0.0.1", "data", "blob"}
        assert [text for text in said if "422" not in text and "413" not in text] == []


@pytest.fixture
def noisy(tmp_path, make_picture):
    """A noisy 16-bit picture as a file."""
    path = tmp_path / "night.tif"
    path.write_bytes(encode(make_picture(np.uint16, sigma=25, height=240, width=320), "tiff"))
    return path
