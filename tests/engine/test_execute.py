"""Any method on any picture, through a method that shows what the engine does."""

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

from nonloc.degradation import GaussianNoise
from nonloc.engine import Plan, prepare, run
from nonloc.engine.memory import choose_tile, predict
from nonloc.errors import Cancelled, MemoryLimit, UsageError
from nonloc.image.image import Image
from nonloc.methods.base import ArrayMethod
from nonloc.methods.card import Card


def card(**fields) -> Card:
    given = {
        "name": "probe",
        "title": "Probe",
        "task": "denoise",
        "family": "test",
        "fidelity": "ours",
        "fidelity_why": "a test",
        "cls": "none:None",
        "handles": (),
        "channels": (1, 3),
        "advice": "",
        "path": Path("probe.toml"),
        "halo_exact": 2,
        **fields,
    }
    return Card(**given)


class Box(ArrayMethod):
    """The mean over 5 x 5, so that a missing halo shows; remembers the shapes it saw."""

    def __init__(self, **fields):
        super().__init__(card(**fields))
        self.seen = []

    def restore(self, pixels, degradation):
        self.seen.append(pixels.shape)
        return uniform_filter(pixels, (0, 0, 5, 5), mode="nearest")


class Hungry(Box):
    """Runs out of memory above a size."""

    def restore(self, pixels, degradation):
        if pixels.shape[-1] > 100:
            raise MemoryError
        return super().restore(pixels, degradation)


class Mean(ArrayMethod):
    """Subtracts the mean of the whole picture, which only `measure` can see."""

    def __init__(self):
        super().__init__(card(halo_exact=0))

    def measure(self, pixels, degradation):
        return float(pixels.mean())

    def restore(self, pixels, degradation):
        return pixels - np.float32(degradation)


def picture(height=90, width=70, dtype=np.float32, channels=3):
    rng = np.random.default_rng(0)
    samples = rng.random((height, width, channels))
    if dtype != np.float32:
        return Image((samples * 255).astype(dtype), scale=1 / 255)
    return Image(samples.astype(np.float32), scale=1.0)


@pytest.mark.parametrize("tile", [16, 33, "auto"])
@pytest.mark.parametrize("batch", [1, 3])
def test_tiles_and_batches_change_nothing(tile, batch):
    image = picture()
    whole = run(Plan(Box(), tile=None), image)[0].samples
    tiled = run(Plan(Box(), tile=tile, batch=batch), image)[0].samples
    np.testing.assert_array_equal(whole, tiled)


def test_sizes_are_padded_to_the_multiple_of_the_card():
    method = Box(multiple=8, grid=8, minimum=24)
    run(Plan(method, tile=None), picture(17, 70))
    assert method.seen == [(1, 3, 24, 72)]


def test_ensemble_of_a_symmetric_method_equals_the_method():
    image = picture(40, 24)
    one, *more = (run(Plan(Box(multiple=8, grid=8), ensemble=n, tile=None), image)[0].samples for n in (1, 2, 4, 8))
    for several in more:
        np.testing.assert_allclose(one, several, atol=1e-6)


class Leaning(ArrayMethod):
    """Adds more to the right and to the bottom, so that turned views differ."""

    def __init__(self):
        super().__init__(card())

    def restore(self, pixels, degradation):
        return pixels + np.linspace(-0.4, 0.4, pixels.shape[-1]) + np.linspace(-0.2, 0.2, pixels.shape[-2])[:, None]


@pytest.mark.parametrize("count", [2, 4, 8])
def test_an_ensemble_evens_out_what_depends_on_the_direction(count):
    image = picture(24, 24)
    one, several = (run(Plan(Leaning(), ensemble=n, tile=None), image)[0].samples for n in (1, count))
    assert np.abs(one - image.samples).max() > 0.5
    np.testing.assert_allclose(several, image.samples, atol=1e-6)


def test_ensemble_in_tiles_equals_the_ensemble_of_the_whole():
    image = picture(45, 51)
    whole, tiled = (run(Plan(Box(grid=3), ensemble=8, tile=t), image)[0].samples for t in (None, 12))
    np.testing.assert_allclose(whole, tiled, atol=1e-6)


def test_what_was_measured_on_the_whole_reaches_each_tile():
    image = picture()
    out = run(Plan(Mean(), tile=20), image)[0].samples
    np.testing.assert_allclose(out, image.samples - image.samples.mean(), atol=1e-5)


def test_integers_are_rounded_and_clipped():
    image = picture(20, 20, np.uint8)
    out = run(Plan(Mean()), image)[0]
    assert out.samples.dtype == np.uint8
    expected = np.clip(np.rint((image.samples / 255 - np.mean(image.samples / 255)) * 255), 0, 255)
    assert np.abs(out.samples.astype(int) - expected).max() <= 1


def test_what_is_neither_gray_nor_colour_is_restored_channel_by_channel_and_said():
    image = picture(40, 30, channels=4)
    out, record = run(Plan("gaussian", GaussianNoise(20)), image)
    for c in range(4):
        alone = run(Plan("gaussian", GaussianNoise(20)), Image(image.samples[..., c].copy(), scale=1.0))[0]
        np.testing.assert_array_equal(out.samples[..., c], alone.samples)
    assert "each of the 4 channels" in record.fallbacks[0]


def test_a_method_that_sees_far_gets_the_fast_halo_where_the_exact_one_does_not_fit():
    far, image = Box(halo_exact=300, halo_8bit=2, bytes_per_pixel=1000), picture(700, 700, channels=1)
    small = 2 * predict(far, picture(70, 70, channels=1), Plan(far), None, 0)
    assert prepare(Plan(far, memory=small, halo="fast"), image)[1].halo == 2
    with pytest.raises(MemoryLimit, match="--halo fast"):
        prepare(Plan(far, memory=small, halo="exact"), image)
    out, record = run(Plan(far, memory=small), image)
    assert record.halo == 2
    assert "do not fit" in record.fallbacks[0]
    np.testing.assert_array_equal(out.samples, run(Plan(Box()), image)[0].samples)


def test_a_method_that_sees_far_gets_the_fast_halo_where_the_exact_one_is_most_of_the_work():
    far, image = Box(halo_exact=150, halo_8bit=2, bytes_per_pixel=500), picture(800, 800, channels=1)
    memory = predict(far, image, Plan(far), 64, 150) + (1 << 20)
    exact = prepare(Plan(far, memory=memory, halo="exact"), image)[1]
    chosen = prepare(Plan(far, memory=memory), image)[1]
    assert (exact.halo, chosen.halo) == (150, 2)
    assert "times the work" in chosen.fallbacks[0]


def test_a_method_for_gray_pictures_is_given_the_channels_of_a_colour_picture_one_by_one():
    image, gray_only = picture(40, 30), Box(channels=(1,))
    out, record = run(Plan(gray_only), image)
    np.testing.assert_array_equal(out.samples, run(Plan(Box()), image)[0].samples)
    assert gray_only.seen == [(1, 1, 40, 30)] * 3
    assert "probe restores gray pictures: each of the 3 channels" in record.fallbacks[0]


def test_progress_counts_every_tile():
    told = []
    run(Plan(Box(), tile=30), picture(), progress=told.append)
    assert [event.done for event in told] == list(range(10))
    assert {event.total for event in told} == {9}


def test_cancel_stops_before_the_next_tile():
    method = Box()
    with pytest.raises(Cancelled):
        run(Plan(method, tile=30), picture(), cancel=lambda: len(method.seen) >= 2)
    assert len(method.seen) == 2


def test_memory_that_runs_out_is_met_with_smaller_tiles_and_recorded():
    image = picture(300, 300)
    out, record = run(Plan(Hungry(), tile=None), image)
    np.testing.assert_array_equal(out.samples, run(Plan(Box(), tile=None), image)[0].samples)
    assert record.fallbacks
    assert record.tile == 75


def test_a_plan_that_cannot_keep_its_memory_is_refused_with_the_figure():
    with pytest.raises(MemoryLimit, match="MiB are needed"):
        prepare(Plan(Box(), memory=100 << 20), picture())


def test_less_memory_means_smaller_tiles_that_fit():
    method = Box(bytes_per_pixel=4000)
    image = Image(np.zeros((3000, 4000, 3), np.uint8), scale=1 / 255)
    sizes = []
    for memory in (1 << 30, 2 << 30, 4 << 30):
        plan = Plan(method, memory=memory)
        side = choose_tile(method, image, plan, 2, 1)
        assert predict(method, image, plan, side, 2) <= memory
        sizes.append(side)
    assert sizes == sorted(sizes)
    assert choose_tile(method, image, Plan(method, memory=64 << 30), 2, 1) is None


def test_a_method_that_must_see_the_whole_picture_is_not_tiled():
    method = Box(tiles=False, tiles_why="it sorts all pixels", halo_exact=None)
    with pytest.raises(UsageError, match="sorts all pixels"):
        prepare(Plan(method, tile=16), picture())
    with pytest.raises(MemoryLimit, match="sorts all pixels"):
        prepare(Plan(method, memory=160 << 20), Image(np.zeros((4000, 4000), np.uint8), scale=1 / 255))


@pytest.mark.parametrize(
    "wrong", [{"tile": 0}, {"tile": "big"}, {"halo": "none"}, {"ensemble": 3}, {"device": "abacus"}]
)
def test_a_wrong_plan_is_refused(wrong):
    with pytest.raises(UsageError):
        prepare(Plan("nonloc-s" if "device" in wrong else Box(), **wrong), picture())
