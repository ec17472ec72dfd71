"""The benchmark: figures that are had again, rows that are not measured twice, refusals that are told."""

import csv

import numpy as np
import pytest

from nonloc import engine
from nonloc.benchmark import Results, bench
from nonloc.benchmark.draws import Track, noisy
from nonloc.datasets import load
from nonloc.degradation import GaussianNoise
from nonloc.errors import Cancelled, SigmaOutOfRange, UnknownMethod, UsageError
from nonloc.image.image import Image
from nonloc.metrics import im2uint8, psnr, ssim


class Counting:
    """The engine, and how many pictures went through it."""

    def __init__(self):
        self.plans, self.images = [], []

    def __call__(self, plan, image):
        self.plans.append(plan)
        self.images.append(image)
        return engine.run(plan, image)

    @property
    def pictures(self):
        return sum(image.height > 64 for image in self.images)  # the warm-up sees a crop of 64


@pytest.fixture
def measure(small_root, tmp_path):
    def call(*methods, **options):
        given = {"sigmas": [25], "every": 4, "results": tmp_path / "results", "root": small_root, **options}
        return bench(given.pop("sets", ["set12"]), methods or ["gaussian"], **given)

    return call


def test_a_row_is_what_the_engine_gives_by_the_rules(measure, small_root):
    row = measure(sigmas=[25]).rows[1]
    picture = load("set12", root=small_root)[4]
    clean = picture.pixels8()
    damaged = noisy(clean, picture.path.name, 25, Track("matlab4"))
    restored, _ = engine.run(engine.Plan("gaussian", GaussianNoise(25)), Image(damaged, scale=1.0))
    assert row.picture == "05"
    assert row.psnr == pytest.approx(psnr(clean, im2uint8(restored.samples), data_range=255), abs=1e-6)
    assert row.psnr_float == pytest.approx(psnr(clean / 255, restored.samples, data_range=1), abs=1e-6)
    assert row.ssim == pytest.approx(ssim(clean, im2uint8(restored.samples), data_range=255), abs=1e-8)
    assert row.psnr_input == pytest.approx(psnr(clean, im2uint8(damaged), data_range=255), abs=1e-6)
    assert row.pixels == 72 * 80


def test_a_second_call_runs_nothing_and_finds_the_same_digits(measure):
    first, again = Counting(), Counting()
    found = measure("gaussian", "nl-means", run=first)
    same = measure("gaussian", "nl-means", run=again)
    assert first.pictures == 6
    assert again.images == []
    assert same.rows == found.rows
    assert same.reused == 6


def test_measured_afresh_it_gives_the_same_digits(measure):
    found, again = measure(), measure(fresh=True)
    assert again.reused == 0
    assert [(r.psnr, r.psnr_float, r.ssim) for r in again.rows] == [(r.psnr, r.psnr_float, r.ssim) for r in found.rows]


def test_only_what_is_missing_is_measured(measure):
    measure(every=6)
    counting = Counting()
    found = measure(every=3, run=counting)
    assert [row.picture for row in found.rows] == ["01", "04", "07", "10"]
    assert counting.pictures == 2


def test_a_row_of_another_code_does_not_count(measure, tmp_path):
    measure()
    file = tmp_path / "results/set12.csv"
    lines = list(csv.reader(file.open(newline="")))
    for line in lines[1:]:
        line[1] = "0123456789ab"
    with file.open("w", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows(lines)
    counting = Counting()
    found = measure(run=counting)
    assert counting.pictures == 3
    assert len(file.read_text().splitlines()) == 7  # the old rows stay in the file
    assert Results.read(tmp_path / "results").rows == found.rows  # and are not shown


def test_stopped_and_started_again_it_goes_on(measure):
    seen = []
    with pytest.raises(Cancelled, match="2 of 3"):
        measure(progress=seen.append, cancel=lambda: len(seen) == 2)
    counting = Counting()
    assert len(measure(run=counting).rows) == 3
    assert counting.pictures == 1


def test_progress_counts_every_picture(measure):
    events = []
    measure("gaussian", "nl-means", sigmas=[15, 25], progress=events.append)
    assert [(event.done, event.total) for event in events] == [(i, 12) for i in range(1, 13)]


def test_methods_meet_the_same_noise_and_are_told_of_it(measure):
    counting = Counting()
    measure("gaussian", "nl-means", run=counting, every=12, regime="clip8")
    one, other = (image.samples for image in counting.images if image.height > 64)
    np.testing.assert_array_equal(one, other)
    assert {str(plan.degradation) for plan in counting.plans} == {"gaussian:25 + clip8"}


def test_arguments_and_the_eight_views_make_other_rows(measure):
    counting = Counting()
    found = measure("nl-means", "nl-means:patch=7", "nl-means:ensemble=8", every=12, run=counting)
    assert [row.method for row in found.rows] == ["nl-means", "nl-means:patch=7", "nl-means:ensemble=8"]
    assert found.rows[0].psnr != found.rows[1].psnr
    assert [plan.ensemble for plan in counting.plans] == [1, 1, 1, 1, 8, 8]


def test_what_a_method_refuses_is_told_and_the_rest_goes_on(measure):
    events = []
    found = measure("nl-means", "gaussian", sigmas=[25, 500], every=12, progress=events.append)
    assert {(row.method, row.sigma) for row in found.rows} == {("nl-means", 25), ("gaussian", 25)}
    assert len(found.refused) == 2
    assert "nl-means at sigma 500" in found.refused[0]
    assert [event.refused for event in events if event.refused] == found.refused
    assert events[-1].total == events[-1].done == 2


def test_when_nothing_could_be_run_the_refusal_is_the_error(measure):
    with pytest.raises(SigmaOutOfRange):
        measure("nl-means", sigmas=[500])


def test_several_draws_are_rows_of_their_own(measure):
    found = measure(track="numpy:0..2", every=12)
    assert [row.track for row in found.rows] == ["numpy:0", "numpy:1", "numpy:2"]
    assert len({row.psnr for row in found.rows}) == 3


def test_real_pairs_get_no_noise_and_a_level_that_the_user_tells(measure, small_root):
    counting = Counting()
    found = measure(sets=["polyu40"], sigmas=[12], every=10, run=counting)
    pictures = load("polyu40", part="score", root=small_root)[::10]
    assert [row.picture for row in found.rows] == [picture.name for picture in pictures]
    assert {(row.track, row.regime, row.told) for row in found.rows} == {("real", "clip8", 12)}
    shown = next(image.samples for image in counting.images if image.height > 64)
    np.testing.assert_array_equal(im2uint8(shown), pictures[0].noisy8())


def test_without_a_level_real_pairs_are_told_what_is_estimated(measure, small_root):
    noise = pytest.importorskip("nonloc.estimation.noise")
    found = measure(sets=["polyu40"], sigmas=None, every=30)
    shown = load("polyu40", part="score", root=small_root)[0].noisy8()
    planes = np.moveaxis(shown / np.float32(255), -1, 0).astype(np.float32)
    assert found.rows[0].sigma is None
    assert found.rows[0].told == pytest.approx(noise.estimate_noise(planes, step=1 / 255).sigma, abs=0.01)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"sets": ["set21"]}, UsageError),
        ({"track": "numpy"}, UsageError),
        ({"regime": "clip"}, UsageError),
        ({"every": 0}, UsageError),
        ({"sets": []}, UsageError),
    ],
)
def test_wrong_words_are_told_before_anything_runs(measure, tmp_path, options, error):
    with pytest.raises(error):
        measure(**options)
    assert not (tmp_path / "results").exists()


def test_an_unknown_method_or_argument_is_told_before_anything_runs(measure, tmp_path):
    with pytest.raises(UnknownMethod, match="nl-means"):
        measure("gaussian", "nlmeans")
    with pytest.raises(UsageError, match="no value"):
        measure("gaussian:ensemble")
    assert not (tmp_path / "results").exists()
