"""Degradations as text, and what they do to pixels."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nonloc.degradation import (
    CameraNoise,
    Clip8,
    GaussianLevels,
    GaussianNoise,
    Mixture,
    PoissonGaussian,
    RandomSequence,
    Sequence,
    parse,
)
from nonloc.degradation.text import parse_fixed
from nonloc.errors import DegradationError

levels = st.floats(0, 100).map(lambda value: float(f"{value:g}"))


@given(levels, st.booleans())
def test_a_fixed_degradation_reads_back(sigma, rounded):
    made = Sequence((GaussianNoise(sigma), Clip8())) if rounded else GaussianNoise(sigma)
    assert parse(str(made)) == made


@given(levels)
def test_camera_noise_reads_back_as_what_it_is(sigma):
    assert parse(str(CameraNoise(sigma))) == CameraNoise(sigma) != GaussianNoise(sigma)


def test_noise_that_grows_with_the_light_reads_back_beside_others():
    text = "0.5*poisson-gaussian:0.001..0.1,0..10 | 0.5*gaussian:0..75 + 0.4*clip8"
    recipe = parse(text)
    assert str(recipe) == text
    rng = np.random.default_rng(0)
    drawn = [type(recipe.steps[0].sample(rng)) for _ in range(200)]
    assert 60 < drawn.count(PoissonGaussian) < 140
    assert parse_fixed("poisson-gaussian:0.02,5 + clip8").noise == PoissonGaussian(0.02, 5).noise


@given(levels, levels, st.sampled_from([0.25, 0.4, 0.5]))
def test_a_distribution_reads_back(a, b, share):
    low, high = sorted((a, b))
    made = RandomSequence((Mixture(((1 - share, GaussianLevels(low, high)), (share, GaussianNoise(a)))), Clip8()))
    assert parse(str(made)) == made


def test_the_recipe_of_the_default_denoiser_means_what_it_says():
    recipe = parse("0.9*gaussian:0..75 | 0.1*gaussian:0..3 + 0.4*clip8")
    rng = np.random.default_rng(0)
    drawn = [recipe.sample(rng) for _ in range(4000)]
    sigmas = np.array([d.noise.sigma for d in drawn])
    clipped = np.mean([Clip8() in getattr(d, "steps", ()) for d in drawn])
    assert sigmas.max() <= 75
    assert abs(clipped - 0.4) < 0.03
    # 10 % from 0..3 and 4 % of the others
    assert abs(np.mean(sigmas < 3) - (0.1 + 0.9 * 3 / 75)) < 0.03


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("gausian:25", "nearest is 'gaussian'"),
        ("gaussian:", "no number"),
        ("gaussian:-1", "no range"),
        ("gaussian:9..3", "no range"),
        ("camera:0..9", "one level"),
        ("poisson-gaussian:0.1,x", "no level"),
        ("clip8:3", "takes no value"),
        ("2*clip8", "no probability"),
        ("0.7*gaussian:1 | 0.7*gaussian:2", "add to more than 1"),
        ("", "not known"),
        ("gaussian:nan", "no number"),
    ],
)
def test_a_wrong_text_says_what_is_wrong(text, found):
    with pytest.raises(DegradationError, match=found):
        parse(text)


def test_a_random_one_is_refused_where_one_level_is_needed():
    with pytest.raises(DegradationError, match="random"):
        parse_fixed("gaussian:0..75")


def test_noise_has_the_level_it_says():
    noisy = GaussianNoise(25).apply(np.full((3, 200, 200), 0.5), np.random.default_rng(0))
    assert noisy.std() * 255 == pytest.approx(25, rel=0.01)


def test_clip8_gives_values_that_a_file_can_hold():
    pixels = np.linspace(-0.5, 1.5, 999).reshape(1, 1, -1)
    out = Clip8().apply(pixels, None) * 255
    np.testing.assert_allclose(out, np.rint(out), atol=1e-9)
    assert out.min() == 0
    assert out.max() == 255


def test_arrays_and_tensors_are_damaged_alike():
    pixels = np.random.default_rng(1).random((1, 6, 7))

    class Same:
        """The same numbers for both kinds of array."""

        def __init__(self, kind):
            self.kind = kind

        def standard_normal(self, size):
            return self.kind(np.random.default_rng(2).standard_normal(size))

    both = Sequence((GaussianNoise(40), Clip8()))
    array = both.apply(pixels, Same(np.asarray))
    tensor = both.apply(torch.from_numpy(pixels), Same(torch.from_numpy))
    np.testing.assert_allclose(tensor.numpy(), array, atol=1e-12)
    assert both.apply(pixels.astype(np.float32), Same(np.asarray)).dtype == np.float32
