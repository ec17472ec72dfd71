"""The page in a real browser, for everyone: by keyboard, by name, on a telephone, by dropping."""

import io
import re

import numpy as np
import pytest
from PIL import Image as Pillow
from web_page import LONG, add, expect, restore, saved, settled

from nonloc.image.write import encode

pytestmark = pytest.mark.slow


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


def test_a_canvas_says_what_it_shows(visit, noisy):
    page = visit()
    add(page, noisy)
    restore(page)
    label = page.locator("#canvas").get_attribute("aria-label")
    assert "night.tif" in label
    assert "Before on the left, after on the right" in label
    shot = Pillow.open(io.BytesIO(page.screenshot()))
    assert shot.size == (1280, 800)
