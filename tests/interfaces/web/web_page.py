"""The page in a real browser, as its tests use it: add, restore, look, save."""

import base64
import io

import numpy as np
import pytest
from PIL import Image as Pillow

playwright = pytest.importorskip("playwright.sync_api", reason="needs: pip install playwright")
uvicorn = pytest.importorskip("uvicorn", reason="needs: pip install 'nonloc[web]'")
expect = playwright.expect

LONG = 90_000  # milliseconds that a slow machine may take


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
