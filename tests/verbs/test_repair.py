"""Repairing as users call it: the damage by its name, masks, and what was found."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

import nonloc
from nonloc.degradation import SaltAndPepper
from nonloc.errors import UsageError
from nonloc.testing import sample
from nonloc.verbs.repair import DAMAGES


@pytest.fixture(scope="module")
def clean():
    return (np.clip(sample(120, 140, 3, sigma=0).samples, 0, 1) * 255).round().astype(np.uint8)


@pytest.mark.parametrize("damage", [name for name in DAMAGES if name not in ("holes", "jpeg")])
def test_every_damage_has_a_method_that_runs_on_gray_and_colour(clean, damage):
    for picture in (clean, clean[..., 0]) if damage != "cast" else (clean,):
        out, record = nonloc.repair(picture, damage, return_report=True)
        assert out.shape == picture.shape
        assert out.dtype == np.uint8
        assert record.changed
        same = nonloc.repair(picture, damage, strength=0)
        assert np.array_equal(same, picture)


def test_only_lost_places_change_and_a_mask_comes_as_array_file_or_picture(clean, tmp_path):
    mask = np.zeros(clean.shape[:2], bool)
    mask[30:36, 20:90] = True
    broken = clean.copy()
    broken[mask] = 0
    Pil.fromarray(mask.astype(np.uint8) * 255).save(tmp_path / "mask.png")
    out, record = nonloc.repair(broken, mask=mask, return_report=True)
    assert np.array_equal(out[~mask], clean[~mask])
    assert (
        np.abs(out[mask].astype(int) - clean[mask]).mean() < np.abs(broken[mask].astype(int) - clean[mask]).mean() / 4
    )
    for other in (tmp_path / "mask.png", nonloc.read(tmp_path / "mask.png"), mask.astype(np.uint8) * 255):
        assert np.array_equal(nonloc.repair(broken, "holes", mask=other), out)
    assert "missing" in str(record)
    untouched, record = nonloc.repair(broken, mask=np.zeros_like(mask), return_report=True)
    assert np.array_equal(untouched, broken)
    assert not record.changed


def test_impulses_are_found_by_restore_and_repaired(clean):
    hit = SaltAndPepper(0.2).apply(np.moveaxis(clean / 255, -1, 0), np.random.default_rng(0))
    damaged = (np.moveaxis(hit, 0, -1) * 255).round().astype(np.uint8)
    out, record = nonloc.restore(damaged, return_report=True)
    assert record.method == "adaptive-median"
    before, after = (float(np.square(p.astype(float) - clean).mean()) for p in (damaged, out))
    assert after < before / 20


def test_a_gray_picture_has_no_cast(clean):
    out, record = nonloc.repair(clean[..., 0], "cast", return_report=True)
    assert np.array_equal(out, clean[..., 0])
    assert "no colour" in record.reason


def test_a_jpeg_is_repaired_by_the_quality_in_its_file(tmp_path):
    clean = nonloc.read(Path(nonloc.__file__).parent / "samples" / "harbour.png").samples[100:260, 200:400]
    Pil.fromarray(clean).save(tmp_path / "a.jpg", quality=12)
    out, record = nonloc.repair(tmp_path / "a.jpg", "jpeg", return_report=True)
    assert record.degradation == "jpeg:12"
    before, after = (
        float(np.square(np.asarray(p.samples, float) - clean).mean()) for p in (nonloc.read(tmp_path / "a.jpg"), out)
    )
    assert after < before
    again, report = nonloc.restore(tmp_path / "a.jpg", return_report=True)
    np.testing.assert_array_equal(again.samples, out.samples)
    assert "quality 12" in report.diagnosis
    assert "compression hides noise" in " ".join(report.warnings)
    with pytest.raises(UsageError, match="is none"):
        nonloc.repair(clean, "jpeg")


def test_a_jpeg_of_high_quality_is_left_alone(tmp_path):
    clean = nonloc.read(Path(nonloc.__file__).parent / "samples" / "harbour.png").samples[100:260, 200:400]
    Pil.fromarray(clean).save(tmp_path / "a.jpg", quality=97)
    for out, record in (
        nonloc.repair(tmp_path / "a.jpg", "jpeg", return_report=True),
        nonloc.restore(tmp_path / "a.jpg", return_report=True),
    ):
        assert not record.changed
        np.testing.assert_array_equal(out.samples, nonloc.read(tmp_path / "a.jpg").samples)


def test_the_report_shows_what_was_taken_for_damage(clean):
    scan = clean.copy()
    scan[10:110, 70:72] = 255
    _, record = nonloc.repair(scan, "scratches", return_report=True)
    assert record.found["mask"].shape == clean.shape[:2]
    assert record.found["mask"][20:100, 70:72].mean() > 0.8
    assert record.as_dict()["found"]["mask"] == pytest.approx(record.found["mask"].mean(), abs=1e-5)


def test_wrong_calls_are_told(clean):
    with pytest.raises(UsageError, match="no damage is named"):
        nonloc.repair(clean)
    with pytest.raises(UsageError, match="'rust' is not known"):
        nonloc.repair(clean, "rust")
    with pytest.raises(UsageError, match="as large as the picture"):
        nonloc.repair(clean, mask=np.ones((5, 5), bool))
    with pytest.raises(UsageError, match="mask says where"):
        nonloc.repair(clean, "holes")
    with pytest.raises(UsageError, match="found without one"):
        nonloc.repair(clean, "scratches", mask=np.ones(clean.shape[:2], bool))
    with pytest.raises(UsageError, match="against impulses"):
        nonloc.repair(clean, "impulses", method="clahe")
