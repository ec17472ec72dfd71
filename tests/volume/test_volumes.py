"""Volumes through a verb: one level, slabs that leave no trace, and all that a file must get back."""

import json
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from scipy.ndimage import binary_erosion

import nonloc
from nonloc.degradation import GaussianNoise, Rician
from nonloc.engine import Plan
from nonloc.errors import UsageError
from nonloc.estimation.noise import estimate_any_noise
from nonloc.image.image import Image
from nonloc.interfaces.cli import main
from nonloc.verbs import volume as volumes
from nonloc.verbs.files import process
from nonloc.verbs.task import Task
from nonloc.verbs.verify import verify

nibabel = pytest.importorskip("nibabel")


def ball(depth=12, height=48, width=40):
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in (depth, height, width)), indexing="ij")
    radius = np.sqrt(x * x + y * y + z * z)
    return (np.where(radius < 0.85, 0.6, 0.0) + np.where(radius < 0.5, 0.25, 0)).astype(np.float32)


def noisy(clean, sigma, seed=0):
    return clean + np.float32(sigma / 255) * np.random.default_rng(seed).standard_normal(clean.shape, np.float32)


def as_nifti(samples, path):
    """Slices (D, H, W), or volumes (T, D, H, W), as a file whose pages they are."""
    nibabel.save(nibabel.Nifti1Image(samples.T, np.diag([1, 1, 2, 1.0])), path)
    return path


def from_nifti(path):
    return np.asanyarray(nibabel.load(path).dataobj).T


def denoised(source, target, **settings):
    task = Task("denoise", settings=settings)
    return process(source, target, task.planner, task=task)


@pytest.mark.parametrize("method", ["bm4d", "nl-means-3d"])
def test_slabs_leave_no_trace(method, monkeypatch):
    pages = [Image(page, 1.0) for page in noisy(ball(100, 24, 21), 20)]
    arguments = {"window": 3} if method == "nl-means-3d" else {}
    plan = Plan(method, GaussianNoise(20), arguments)

    def run():
        return np.stack([after.samples for _, after, _ in volumes.restore_volume(iter(pages), plan)])

    whole = run()
    monkeypatch.setattr(volumes, "thickness", lambda *_: 24)
    seen = []
    monkeypatch.setattr(volumes, "run", lambda *a, **k: seen.append(a[1].channels) or volumes_run(*a, **k))
    np.testing.assert_allclose(run(), whole, atol=1e-5)
    assert len(seen) >= 2
    assert max(seen) < 100


volumes_run = volumes.run


def test_a_slab_is_as_thick_as_the_memory_allows():
    page = Image(np.zeros((512, 512), np.uint16), 1 / 65535)
    thin, thick = (
        volumes.thickness(Plan("nl-means-3d", GaussianNoise(5), memory=memory), page, 10, 1)
        for memory in (1 << 30, 4 << 30)
    )
    assert 30 <= thin < thick
    assert (thick + 20) * page.samples.size * 30 < 4 << 30


@pytest.mark.parametrize("method", ["bm4d", "nl-means-3d"])
def test_a_stack_is_restored_as_a_volume(tmp_path, method):
    clean = 1000 * ball()
    samples = (1000 * noisy(ball(), 20)).astype(np.float32)
    source = as_nifti(samples, tmp_path / "brain.nii")
    outcome = denoised(source, tmp_path / "out.nii", method=method, sigma="78dn")
    assert len(outcome.pages) == len(samples)
    errors = [np.square(a - clean).mean() for a in (samples, from_nifti(outcome.output))]
    assert errors[1] < errors[0] / 4
    assert outcome.record.size == (48, 40, 12)
    assert np.array_equal(nibabel.load(outcome.output).affine, nibabel.load(source).affine)


@pytest.mark.slow
def test_the_command_line_restores_a_tiff_stack_and_a_file_of_several_volumes(tmp_path):
    samples = (200 * noisy(np.clip(ball(6), 0.1, 0.9), 10)).clip(0, 255).astype(np.uint8)
    tifffile.imwrite(tmp_path / "stack.tif", samples, photometric="minisblack")
    assert (
        main(
            [
                "denoise",
                str(tmp_path / "stack.tif"),
                "--method",
                "nl-means-3d",
                "--sigma",
                "10",
                "-o",
                str(tmp_path / "o.tif"),
            ]
        )
        == 0
    )
    alone = tifffile.imread(tmp_path / "o.tif")
    assert alone.shape == samples.shape
    clean = 200 * np.clip(ball(6), 0.1, 0.9)
    assert np.square(alone - clean).mean() < np.square(samples - clean).mean() / 2
    # two times of one volume: the second is as if the first were not there
    times = np.stack([samples[::-1], samples])
    for name, data in (("two", times), ("one", samples)):
        source = as_nifti(data, tmp_path / f"{name}.nii")
        assert (
            main(["denoise", str(source), "-m", "bm4d", "--sigma", "8", "-o", str(tmp_path / f"{name}-out.nii")]) == 0
        )
    two, one = (from_nifti(tmp_path / f"{name}-out.nii") for name in ("two", "one"))
    np.testing.assert_array_equal(two[1], one)


def test_one_level_is_estimated_for_all_slices(tmp_path):
    samples = noisy(ball(27), 15)
    samples[:3], samples[-3:] = 0.5, 0.5  # the ends are empty
    source = as_nifti(samples, tmp_path / "a.nii")
    outcome = denoised(source, tmp_path / "b.nii", method="nl-means-3d")
    levels = {page.degradation for page in outcome.pages}
    assert len(levels) == 1
    found = float(levels.pop().removeprefix("gaussian:"))
    spread = np.diff(np.percentile(samples, [0.1, 99.9]))[0]  # of which black and white are made
    assert abs(found * spread / 15 - 1) < 0.15
    assert "slices spread evenly" in outcome.record.diagnosis


def test_nan_stay_where_they_were(tmp_path):
    samples = noisy(ball(), 10)
    samples[5, 10:20, 10:20] = np.nan
    samples[9, 0, 0] = np.inf
    source = as_nifti(samples, tmp_path / "a.nii")
    out = from_nifti(denoised(source, tmp_path / "b.nii", method="bm4d", sigma=10).output)
    np.testing.assert_array_equal(np.isnan(out), np.isnan(samples))
    np.testing.assert_array_equal(np.isinf(out), np.isinf(samples))
    assert not np.array_equal(out[6], samples[6])


@pytest.mark.parametrize("ending", [".nii", pytest.param(".nii.gz", marks=pytest.mark.slow), ".tif"])
def test_a_restored_volume_verifies(tmp_path, ending):
    samples = (50_000 * noisy(ball(6), 20)).clip(0, 65535).astype(np.uint16)
    source, target = tmp_path / f"a{ending}", tmp_path / f"b{ending}"
    if ending == ".tif":
        tifffile.imwrite(source, samples, photometric="minisblack")
    else:
        as_nifti(samples, source)
    for settings in ({"method": "bm4d", "sigma": "rician:3900dn"}, {"method": "nl-means-3d"}):
        target.unlink(missing_ok=True)
        denoised(source, target, **settings)
        found = verify(target, source)
        assert found.holds
        assert found.same_bytes
        assert found.steps[-1]["method"] == settings["method"]
    changed = (samples + 1).astype(np.uint16)
    if ending == ".nii":
        as_nifti(changed, source)
        assert not verify(target, source).holds


@pytest.mark.parametrize("method", ["bm4d", "nl-means-3d"])
def test_a_single_picture_is_refused(tmp_path, method):
    picture = noisy(ball()[6], 20)
    with pytest.raises(UsageError, match="bm3d or nl-means"):
        nonloc.denoise(picture, method=method, sigma=20)
    tifffile.imwrite(tmp_path / "a.tif", picture)
    assert main(["denoise", str(tmp_path / "a.tif"), "-m", method, "-o", str(tmp_path / "b.tif")]) != 0
    source = as_nifti(noisy(ball(), 20), tmp_path / "a.nii")
    with pytest.raises(UsageError, match="one page of several"):
        nonloc.denoise(source, method=method, sigma=20)


def test_slices_that_differ_are_no_volume():
    plan, first = Plan("bm4d", GaussianNoise(10)), Image(np.zeros((9, 9), np.uint8), 1 / 255)
    colour = Image(np.zeros((9, 9, 3), np.uint8), 1 / 255)
    for pages in ([first, replace(first, scale=1 / 99)], [first, Image(np.zeros((9, 8), np.uint8), 1 / 255)]):
        with pytest.raises(UsageError, match="differ"):
            list(volumes.restore_volume(pages, plan))
    with pytest.raises(UsageError, match="colour"):
        list(volumes.restore_volume([colour, colour], plan))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["nl-means", "nl-means-3d"])
def test_magnitudes_in_stored_numbers_and_seen(tmp_path, method):
    """Pages and volumes alike; where there is no signal, the mean of what comes out is within 1 % of white of none."""
    clean = ball(6, 96, 96)
    air = binary_erosion(clean == 0, iterations=3, border_value=1)
    samples = (1000 * Rician(13).apply(clean, np.random.default_rng(0))).astype(np.float32)
    source = as_nifti(samples, tmp_path / "a.nii")
    found = {}
    for text in ("rician:51dn", "rician:auto"):
        outcome = denoised(source, tmp_path / f"{text[7:]}.nii", method=method, sigma=text)
        found[text] = [page.degradation for page in outcome.pages]
        out = from_nifti(outcome.output)
        assert abs(out[air].mean()) < 10
        assert samples[air].mean() > 50
        assert np.square(out / 1000 - clean).mean() < np.square(samples / 1000 - clean).mean() / 4
    given = float(found["rician:51dn"][0].removeprefix("rician:").partition(",")[0])
    for text in found["rician:auto"]:
        assert abs(float(text.removeprefix("rician:").partition(",")[0]) / given - 1) < 0.06


def test_a_volume_without_background_is_refused_where_its_level_is_to_be_seen(tmp_path):
    source = as_nifti(noisy(0.5 + 0.4 * ball(6), 10), tmp_path / "a.nii")
    with pytest.raises(UsageError, match="no background"):
        denoised(source, tmp_path / "b.nii", method="bm4d", sigma="rician:auto")


def test_noise_far_beyond_white_is_estimated_without_an_end():
    """A stack whose few bright slices were not looked at for its white."""
    ramp = np.linspace(500, 1500, 64) + 50 * np.random.default_rng(0).standard_normal((64, 64))
    assert estimate_any_noise(ramp[None].astype(np.float32)).sigma > 1000


def test_the_report_tells_of_all_slices(tmp_path):
    source = as_nifti(noisy(ball(6), 20), tmp_path / "a.nii")
    task = Task("denoise", settings={"method": "nl-means-3d", "sigma": 20})
    process(source, tmp_path / "b.nii", task.planner, task=task, report=True)
    told = json.loads((tmp_path / "b.nii.json").read_text())
    assert len(told["pages"]) == 6
    assert told["method"] == "nl-means-3d"
