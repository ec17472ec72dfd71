"""The napari plugin: what napari calls, called as napari calls it; with napari itself where it is installed."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import tifffile

import nonloc
from nonloc.errors import NonlocError
from nonloc.interfaces import napari as plugin
from nonloc.testing import sample

MANIFEST = Path(nonloc.__file__).parent / "napari.yaml"


@pytest.fixture
def stack():
    noisy = [sample(40, 50, 1, seed=i).samples for i in range(3)]
    return np.stack([(page.clip(0, 1) * 65535).round().astype(np.uint16) for page in noisy])


def test_a_stack_of_pages_is_one_layer_as_it_is_stored(tmp_path, stack):
    tifffile.imwrite(tmp_path / "cells.tif", stack, photometric="minisblack")
    read = plugin.reader(str(tmp_path / "cells.tif"))
    [(data, arguments, kind)] = read(str(tmp_path / "cells.tif"))
    np.testing.assert_array_equal(data, stack)
    assert data.dtype == np.uint16
    assert (arguments, kind) == ({"name": "cells", "rgb": False}, "image")


def test_colour_is_told_and_pages_of_many_sizes_are_many_layers(tmp_path):
    samples = (sample(20, 30, 3).samples.clip(0, 1) * 255).astype(np.uint8)
    nonloc.write(nonloc.Image(samples, scale=1 / 255), tmp_path / "colour.png")
    assert plugin.reader([str(tmp_path / "colour.png")])([str(tmp_path / "colour.png")])[0][1]["rgb"]
    with tifffile.TiffWriter(tmp_path / "two.tif") as file:
        for side in (20, 30):
            file.write(np.zeros((side, side), np.uint8), photometric="minisblack")
    assert [data.shape for data, _, _ in plugin.layers(str(tmp_path / "two.tif"))] == [(20, 20), (30, 30)]


def test_what_is_no_picture_is_left_to_other_readers(tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    assert plugin.reader(str(tmp_path / "text.png")) is None
    assert plugin.reader(str(tmp_path / "missing.png")) is None


def test_each_plane_is_what_python_gives_and_says_what_was_done(stack):
    out, said = plugin.restored(stack, False, sigma="25", method="gaussian")
    assert out.dtype == np.uint16
    for page, plane in zip(stack, out, strict=True):
        np.testing.assert_array_equal(plane, nonloc.denoise(page, sigma=25, method="gaussian"))
    assert len(said) == 3
    assert all("gaussian" in text for text in said)


def test_measured_numbers_go_from_their_least_to_their_greatest():
    counts = sample(40, 50, 1).samples.astype(np.float32) * 4000
    out, _ = plugin.restored(counts, False, sigma="25", method="gaussian")
    assert out.dtype == np.float32
    assert 0 < np.abs(out - counts).mean() < 1000


def test_the_damage_is_found_out_where_nothing_is_said():
    clean = np.full((40, 50, 3), 128, np.uint8)
    out, said = plugin.restored(clean, True)
    np.testing.assert_array_equal(out, clean)
    assert len(said) == 1


def test_a_line_is_no_picture():
    with pytest.raises(NonlocError, match="two at least"):
        plugin.restored(np.zeros(5), False)


def test_every_command_of_the_manifest_exists():
    names = [line.split(": ")[1] for line in MANIFEST.read_text().splitlines() if "python_name" in line]
    assert len(names) == 2
    for name in names:
        module, function = name.split(":")
        assert callable(getattr(import_module(module), function))


def test_napari_takes_the_manifest():
    manifest = pytest.importorskip("npe2", reason="napari is not installed").PluginManifest.from_file(MANIFEST)
    assert [command.id for command in manifest.contributions.commands] == ["nonloc.read", "nonloc.restore"]
