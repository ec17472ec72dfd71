"""The page in a real browser: what a visitor sees, does and gets."""

import base64
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request

import numpy as np
import pytest
from PIL import Image as Pillow

from nonloc.image.write import encode, write_pages
from nonloc.interfaces.cli import main

pytestmark = pytest.mark.slow

playwright = pytest.importorskip("playwright.sync_api", reason="needs: pip install playwright")
uvicorn = pytest.importorskip("uvicorn", reason="needs: pip install 'nonloc[web]'")
expect = playwright.expect

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
LONG = 90_000  # milliseconds that a slow machine may take


@pytest.fixture(scope="module")
def browser():
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
    from nonloc.interfaces.web.app import build
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


def add(page, *paths):
    page.locator("#files").set_input_files([str(path) for path in paths])
    expect(page.locator("#strip .sub", has_text="looking")).to_have_count(0, timeout=LONG)
    expect(page.locator("#plan")).not_to_be_empty(timeout=LONG)


def restore(page):
    page.get_by_role("button", name="Restore", exact=True).click()
    expect(page.locator("#download")).to_be_visible(timeout=LONG)
    settled(page)


def canvas(page, selector="#canvas"):
    """The pixels of a canvas, (h, w, 4)."""
    coded = page.locator(selector).evaluate("c => c.toDataURL('image/png')")
    return np.asarray(Pillow.open(io.BytesIO(base64.b64decode(coded.partition(",")[2]))).convert("RGBA"))


def saved(page, click):
    with page.expect_download(timeout=LONG) as coming:
        click()
    return coming.value.suggested_filename, open(coming.value.path(), "rb").read()


def settled(page):
    """The page when all that its canvases show has come and is drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    expect(page.locator("canvas[aria-busy=true]")).to_have_count(0, timeout=LONG)
    return page


def test_a_picture_is_diagnosed_restored_and_saved_as_the_command_line_does(visit, noisy, tmp_path):
    page = visit()
    add(page, noisy)
    expect(page.locator("#diagnosis")).to_contain_text("sigma 2")
    expect(page.locator("#plan")).to_contain_text("nonloc-s")
    restore(page)
    name, content = saved(page, page.locator("#download").click)
    out = tmp_path / "cli.tif"
    assert main(["restore", str(noisy), "-o", str(out), "-q"]) == 0
    assert (name, content) == ("night-restored.tif", out.read_bytes())
    page.locator("#strength").fill("60")
    name, content = saved(page, page.locator("#download").click)
    assert main(["restore", str(noisy), "--strength", "0.6", "-o", str(out), "--overwrite", "-q"]) == 0
    assert content == out.read_bytes()


def test_the_divider_shows_before_on_its_left_and_after_on_its_right(visit, noisy):
    page = visit()
    add(page, noisy)
    before = canvas(settled(page))
    page.select_option("#method", "gaussian")
    restore(page)
    both = canvas(page)
    page.get_by_role("radio", name="After").check(force=True)
    after = canvas(settled(page))
    middle = before.shape[1] // 2
    np.testing.assert_array_equal(both[:, : middle - 1], before[:, : middle - 1])
    np.testing.assert_array_equal(both[:, middle + 1 :], after[:, middle + 1 :])
    assert (before != after).mean() > 0.05
    page.get_by_role("radio", name="Slider").check(force=True)
    divider = page.get_by_role("slider", name="Divider")
    divider.focus()
    page.keyboard.press("Home")
    assert divider.get_attribute("aria-valuenow") == "0"
    np.testing.assert_array_equal(canvas(settled(page)), after)
    page.keyboard.press("End")
    np.testing.assert_array_equal(canvas(settled(page)), before)
    page.keyboard.press("ArrowLeft")
    assert divider.get_attribute("aria-valuenow") == "98"
    box = page.locator("#view").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.98, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 60)
    page.mouse.up()
    assert divider.get_attribute("aria-valuenow") == "25"


def test_at_100_percent_each_pixel_is_one_and_16_bits_are_shown_right(visit, tmp_path, make_picture):
    image = make_picture(np.uint16, height=1300, width=1700)
    path = tmp_path / "large.tif"
    path.write_bytes(encode(image, "tiff"))
    page = visit()
    add(page, path)
    assert page.locator("#zoom").inner_text() != "100 %"
    page.locator("#zoom-whole").click()
    expect(page.locator("#zoom")).to_have_text("100 %")
    seen = canvas(settled(settled(page)))[..., :3]
    high, wide = seen.shape[:2]
    eight = np.rint(image.samples / 257).astype(np.uint8)
    top, left = round(650 - high / 2), round(850 - wide / 2)
    places = [eight[y : y + high, x : x + wide] for y in (top, top - 1) for x in (left, left - 1)]
    assert any((place == seen).all() for place in places)
    page.locator("#canvas").focus()
    page.keyboard.press("0")
    expect(page.locator("#zoom")).not_to_have_text("100 %")
    page.keyboard.press("1")
    page.keyboard.press("+")
    expect(page.locator("#zoom")).to_have_text("150 %")
    page.keyboard.press("ArrowRight")
    assert (canvas(settled(page))[..., :3] != seen).any()


def test_what_was_removed_is_shown_around_grey(visit, noisy):
    page = visit()
    add(page, noisy)
    page.select_option("#method", "gaussian")
    restore(page)
    page.get_by_role("radio", name="Removed").check(force=True)
    settled(page)
    expect(page.locator("#under")).to_contain_text("Input minus result")
    seen = canvas(page)
    inside = seen[seen[..., 3] == 255][:, :3].astype(float)
    assert abs(inside.mean() - 128) < 3
    assert 15 < inside.std() < 90
    page.locator("#strength").fill("0")
    assert canvas(settled(page))[..., :3][seen[..., 3] == 255].std() == 0


def test_methods_stand_side_by_side_with_their_times(visit, noisy):
    page = visit()
    add(page, noisy)
    page.get_by_role("radio", name="Methods").click(force=True)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    for box in dialog.get_by_role("checkbox").all():
        box.set_checked(box.get_attribute("value") in ("nl-means", "gaussian", "wavelet"))
    dialog.get_by_role("button", name="Run them").click()
    expect(page.locator(".pane")).to_have_count(4)
    expect(page.locator(".pane .over:not([hidden])")).to_have_count(0, timeout=LONG)
    for caption in page.locator(".pane .caption span").all_inner_texts()[1:]:
        assert re.fullmatch(r"\d+(\.\d+)? s", caption)
    settled(page)
    seen = [canvas(page, f".pane:nth-child({n}) canvas") for n in range(1, 5)]
    assert all((a != b).any() for i, a in enumerate(seen) for b in seen[:i])
    page.locator(".pane:nth-child(2) canvas").focus()
    page.keyboard.press("1")
    page.keyboard.press("+")
    settled(page)
    assert all((canvas(page, f".pane:nth-child({n}) canvas") != seen[n - 1]).any() for n in range(1, 5))
    page.get_by_role("button", name="Use nl-means").click()
    expect(page.locator("#method")).to_have_value("nl-means")
    expect(page.locator("#download")).to_be_visible()


def test_work_can_be_cancelled_and_tried_again(visit, tmp_path, make_picture):
    path = tmp_path / "slow.png"
    path.write_bytes(encode(make_picture(height=320, width=320), "png"))
    page = visit(options={"tile": 24})
    add(page, path)
    page.select_option("#method", "bm3d")
    page.get_by_role("button", name="Restore", exact=True).click()
    expect(page.locator("#running")).to_be_visible()
    expect(page.locator("#progress")).to_have_attribute("value", re.compile(r"0\.\d+"), timeout=LONG)
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.locator("#outcome")).to_contain_text("Cancelled")
    expect(page.locator("#download")).to_be_hidden()
    page.select_option("#method", "gaussian")
    restore(page)


def test_bad_files_are_told_and_the_good_ones_go_on(visit, noisy, tmp_path):
    bad = tmp_path / "broken.jpg"
    bad.write_bytes(b"\xff\xd8\xff\xe0" + b"nonsense" * 50)
    page = visit()
    add(page, noisy, bad)
    page.get_by_role("button", name="broken.jpg").click()
    expect(page.locator("#problem")).to_contain_text("broken.jpg")
    expect(page.locator("#problem")).to_contain_text("take another copy")
    page.get_by_role("button", name="Restore all").click()
    button = page.get_by_role("button", name="Download all (1) as zip")
    expect(button).to_be_enabled(timeout=LONG)
    name, content = saved(page, button.click)
    assert name == "nonloc-restored.zip"
    assert b"night-restored.tif" in content


def test_a_file_that_is_too_large_is_told(visit, noisy):
    from nonloc.interfaces.web.studio import Limits

    page = visit(options={"limits": Limits(upload=1000)})
    page.locator("#files").set_input_files(str(noisy))
    expect(page.get_by_role("alert")).to_contain_text("night.tif")
    expect(page.get_by_role("alert")).to_contain_text("nonloc restore")
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator("#alerts .problem")).to_have_count(0)


def test_pages_are_turned(visit, tmp_path, make_picture):
    pages = [make_picture(np.uint16, channels=1, sigma=s, height=150, width=150) for s in (5, 20, 40)]
    path = write_pages(pages, tmp_path / "stack.tif")
    page = visit()
    add(page, path)
    page.select_option("#method", "gaussian")
    restore(page)
    first = canvas(page)
    page.get_by_role("button", name="Next page").click()
    page.get_by_role("button", name="Next page").click()
    expect(page.locator("#page-number")).to_have_text("Page 3 of 3")
    expect(page.locator("#outcome")).to_contain_text("Page 3: restored", timeout=LONG)
    assert (canvas(settled(page)) != first).any()


def test_everything_can_be_done_by_keyboard(visit, noisy):
    page = visit()
    page.on("filechooser", lambda chooser: None)  # early: a listener is heard of a moment after it is asked for

    def tab_to(selector):
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.locator(selector).evaluate("e => e === document.activeElement"):
                return
        raise AssertionError(f"{selector} is not reached by Tab")

    tab_to("#choose")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(str(noisy))
    expect(page.locator("#plan")).not_to_be_empty(timeout=LONG)
    expect(page.locator("#restore")).to_be_enabled(timeout=LONG)
    tab_to("#restore")
    page.keyboard.press("Enter")
    expect(page.locator("#download")).to_be_visible(timeout=LONG)
    tab_to("#divider")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#divider")).to_have_attribute("aria-valuenow", "52")
    tab_to("#download")
    assert saved(page, lambda: page.keyboard.press("Enter"))[0] == "night-restored.tif"
    tab_to("#modes input:checked")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tag-left")).to_have_text("Before")
    tab_to("#more summary")
    page.keyboard.press("Enter")
    expect(page.locator("#command")).to_have_text("nonloc restore night.tif")


def test_every_control_has_a_name(visit, noisy):
    page = visit()
    add(page, noisy, noisy)
    restore(page)
    for role in ("button", "link", "slider", "radio", "combobox", "textbox", "img", "checkbox", "progressbar"):
        for control in page.get_by_role(role).all():
            named = control.evaluate(
                "e => e.getAttribute('aria-label') || [...(e.labels ?? [])].map(l => l.textContent).join() "
                "|| e.textContent"
            )
            assert named.strip(), control.evaluate("e => e.outerHTML")
    assert page.locator("html").get_attribute("lang") == "en"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_light_and_in_dark(scheme, visit, noisy):
    page = visit(390, 844, scheme, has_touch=True, is_mobile=True, device_scale_factor=2)
    add(page, noisy)
    page.get_by_role("button", name="Restore", exact=True).tap()
    expect(page.locator("#download")).to_be_visible(timeout=LONG)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, re.findall(r"\d+", ground)[:3])) < 80) == (scheme == "dark")
    page.get_by_role("button", name="Switch between light and dark").tap()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != ground


def test_pictures_can_be_dropped_and_a_reload_keeps_them(visit, make_picture):
    page = visit()
    data = list(encode(make_picture(np.uint16), "tiff"))
    drop = """([bytes, type]) => { const t = new DataTransfer();
        t.items.add(new File([new Uint8Array(bytes)], 'dropped.tif'));
        document.body.dispatchEvent(new DragEvent(type, {dataTransfer: t, bubbles: true, cancelable: true})); }"""
    page.evaluate(drop, [data, "dragenter"])
    page.evaluate(drop, [data, "drop"])
    expect(page.locator("#name")).to_have_text("dropped.tif", timeout=LONG)
    expect(page.locator("#plan")).not_to_be_empty(timeout=LONG)
    page.reload()
    expect(page.locator("#name")).to_have_text("dropped.tif", timeout=LONG)
    settled(page)
    page.get_by_role("button", name="Remove this picture").click()
    expect(page.get_by_role("button", name="Choose pictures")).to_be_visible()


def test_a_picture_that_is_dropped_before_the_page_is_ready_is_taken(visit, noisy):
    first = visit()
    page = first.context.new_page()  # another tab, which has no session yet
    held = []
    page.route("**/api/sessions", lambda route: held.append(route))  # the answer that the page cannot begin without
    with page.expect_request("**/api/sessions"):
        page.goto(first.url)
    page.locator("#files").set_input_files(str(noisy))
    expect(page.locator("#status")).to_have_text("Adding night.tif")
    assert held, "the page has no session yet"
    held[0].continue_()
    expect(page.locator("#name")).to_have_text("night.tif", timeout=LONG)
    expect(page.locator("#plan")).not_to_be_empty(timeout=LONG)
    assert page.locator("#alerts .problem").count() == 0


def test_the_command_serves_and_takes_its_files_along_when_it_ends(tmp_path):
    program = "from nonloc.interfaces.cli.web import command; command(port=0, browser=False)"
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env
    )
    try:
        address = re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())[0]
        for _ in range(50):
            try:
                answer = urllib.request.urlopen(address).read()
                break
            except OSError:
                time.sleep(0.1)
        assert b"Drop pictures here" in answer
        assert len(list(tmp_path.iterdir())) == 1
    finally:
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[0]
    assert list(tmp_path.iterdir()) == []
    assert "Traceback" not in said


def test_a_canvas_says_what_it_shows(visit, noisy):
    page = visit()
    add(page, noisy)
    restore(page)
    label = page.locator("#canvas").get_attribute("aria-label")
    assert "night.tif" in label
    assert "Before on the left, after on the right" in label
    shot = Pillow.open(io.BytesIO(page.screenshot()))
    assert shot.size == (1280, 800)
