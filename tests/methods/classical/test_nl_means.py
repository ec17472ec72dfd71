import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonloc.degradation import GaussianNoise
from nonloc.methods.classical import nl_means as module
from nonloc.methods.classical.nl_means import NLMeans, nl_means
from nonloc.methods.registry import card, create

sides = st.integers(1, 11)  # smaller than window and patch, too: that is where borders go wrong


def definition(u, std, patch, window, h):
    """The equations of the module, pixel by pixel."""
    f, r = patch // 2, window // 2
    _, height, width = u.shape
    around = np.pad(u.astype(np.float64), [(0, 0), (f, f), (f, f)], mode="symmetric")
    patches = np.lib.stride_tricks.sliding_window_view(around, (patch, patch), (1, 2))
    out = np.empty(u.shape)
    for y, x in np.ndindex(height, width):
        near = (slice(None), slice(max(0, y - r), y + r + 1), slice(max(0, x - r), x + r + 1))
        d2 = np.mean((patches[near] - patches[:, y, x][:, None, None]) ** 2, (0, 3, 4))
        w = np.exp(-np.maximum(d2 - 2 * std**2, 0) / h**2)
        out[:, y, x] = (w * u[near]).sum((1, 2)) / w.sum()
    return out


@given(
    channels=st.sampled_from([1, 3]),
    height=sides,
    width=sides,
    patch=st.sampled_from([1, 3, 5, 7]),
    window=st.sampled_from([3, 5, 9, 35]),
    std=st.sampled_from([0.01, 0.1, 0.3]),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_its_definition(channels, height, width, patch, window, std, seed):
    u = np.random.default_rng(seed).random((channels, height, width), dtype=np.float32)
    expected = definition(u, std, patch, window, 0.7 * std)
    np.testing.assert_allclose(nl_means(u, std, patch, window, 0.7 * std), expected, atol=2e-5)


def test_equals_its_definition_over_several_strips(monkeypatch):
    monkeypatch.setattr(module, "STRIP", 4)
    u = np.random.default_rng(0).random((3, 19, 14), dtype=np.float32)
    np.testing.assert_allclose(nl_means(u, 0.2, 3, 13, 0.15), definition(u, 0.2, 3, 13, 0.15), atol=2e-5)


def test_strips_change_no_bit(monkeypatch):
    u = np.random.default_rng(0).random((1, 40, 70), dtype=np.float32)
    expected = nl_means(u, 0.2, 5, 13, 0.15)
    for strip in (1, 7, 16):
        monkeypatch.setattr(module, "STRIP", strip)
        np.testing.assert_array_equal(nl_means(u, 0.2, 5, 13, 0.15), expected)


def test_a_tile_changes_no_bit():
    u = np.random.default_rng(0).random((1, 60, 90), dtype=np.float32)
    whole, reach = nl_means(u, 0.2, 5, 13, 0.15), 6 + 2
    part = nl_means(np.ascontiguousarray(u[:, 11:50, 23:80]), 0.2, 5, 13, 0.15)
    inner = part[:, reach:-reach, reach:-reach]
    np.testing.assert_array_equal(inner, whole[:, 11 + reach : 50 - reach, 23 + reach : 80 - reach])


def test_a_repeated_pattern_is_averaged_over_its_repeats():
    rng = np.random.default_rng(0)
    pattern = np.tile(rng.random((5, 5)), (12, 12)).astype(np.float32)
    noisy = pattern + (10 / 255 * rng.standard_normal(pattern.shape)).astype(np.float32)
    restored = create("nl-means", channels=1, sigma=10).restore(noisy[None, None], GaussianNoise(10))[0, 0]
    assert np.mean((restored - pattern) ** 2) < 0.35 * np.mean((noisy - pattern) ** 2)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sigma", [1, 15, 30, 31, 60, 85, 100])
def test_the_rule_stays_within_the_card(sigma, channels):
    arguments = card("nl-means").arguments
    patch, window, h = NLMeans.rule(sigma, channels)
    assert patch in arguments["patch"].choices
    assert window in arguments["window"].choices
    assert arguments["h"].range[0] <= h <= arguments["h"].range[1]
