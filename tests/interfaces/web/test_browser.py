"""The page in a real browser: what a visitor sees, does and gets."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest
from web_page import LONG, add, canvas, expect, restore, saved, settled

from nonloc.image.write import encode, write_pages
from nonloc.interfaces.cli import main

pytestmark = pytest.mark.slow


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
