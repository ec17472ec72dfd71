"""The transform is held to the average over shifts of the decimated one, which is what cycle spinning is."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nonloc.methods.filters import wavelet
from nonloc.methods.filters.wavelet import HIGH, LEVELS, LOW, SYM4, shrink


def test_the_wavelet_is_orthonormal_and_has_four_vanishing_moments():
    h = np.array(SYM4)
    for shift in range(0, 8, 2):
        assert abs(np.sum(h[shift:] * h[: 8 - shift]) - (shift == 0)) < 1e-10
    g = h[::-1] * np.array([1, -1] * 4)
    for moment in range(4):
        assert abs(np.sum(g * np.arange(8.0) ** moment)) < 1e-8
    np.testing.assert_allclose(np.sqrt(2) * HIGH, g, atol=1e-7)


@given(height=st.integers(1, 20), width=st.integers(1, 20), seed=st.integers(0, 99))
def test_nothing_shrunk_is_the_picture_itself(height, width, seed):
    u = np.random.default_rng(seed).random((height, width), dtype=np.float32)
    np.testing.assert_allclose(shrink(u, 1e-9, 9), u, atol=2e-6)


def definition(u, std, window):
    """Cycle spinning, shift by shift, on a periodic picture: decimated transform, shrinkage, inverse, mean of all.

    The variance that a coefficient is judged by is the one around it over all shifts, so that comes first.
    """
    n = 1 << LEVELS
    variances = [_variances(u.astype(np.float64), level, window) for level in range(LEVELS)]
    total = np.zeros(u.shape)
    for sy, sx in np.ndindex(n, n):
        a, bands = np.roll(u.astype(np.float64), (-sy, -sx), (0, 1)), []
        for level in range(LEVELS):
            a, details = _analyse(a)
            step = 2 << level
            for k, b in enumerate(details):
                around = np.roll(variances[level][k], (-sy, -sx), (0, 1))[::step, ::step]
                t = std**2 / np.sqrt(np.maximum(around - std**2, 1e-20))
                b -= np.clip(b, -t, t)
            bands.append(details)
        while bands:
            a = _synthesise(a, bands.pop())
        total += np.roll(a, (sy, sx), (0, 1))
    return total / n**2


def _matrix(n):
    """Orthonormal: the first half gives the low band, the second the high one; periodic."""
    h = np.array(SYM4)
    g = h[::-1] * np.array([1, -1] * 4)
    m = np.zeros((n, n))
    for i in range(n // 2):
        for k in range(8):
            m[i, (2 * i + k) % n] += h[k]
            m[n // 2 + i, (2 * i + k) % n] += g[k]
    return m


def _analyse(a):
    h, w = a.shape
    c = _matrix(h) @ a @ _matrix(w).T
    h, w = h // 2, w // 2
    return c[:h, :w].copy(), [c[:h, w:].copy(), c[h:, :w].copy(), c[h:, w:].copy()]


def _synthesise(a, details):
    c = np.block([[a, details[0]], [details[1], details[2]]])
    return _matrix(c.shape[0]).T @ c @ _matrix(c.shape[1])


def _variances(u, level, window):
    """The mean square of the coefficients around each, in steps of the band, for the three bands of a level."""
    for j in range(level):
        u = _filter(_filter(u, SYM4, 1 << j, 0), SYM4, 1 << j, 1)
    d, g = 1 << level, np.array(SYM4)[::-1] * np.array([1, -1] * 4)
    mean, found = np.ones(window) / window, []
    for rows, columns in ((SYM4, g), (g, SYM4), (g, g)):
        b = _filter(_filter(u, rows, d, 0), columns, d, 1) ** 2
        found.append(_filter(_filter(b, mean, d, 0, -(window // 2) * d), mean, d, 1, -(window // 2) * d))
    return found


def _filter(a, taps, step, axis, first=0):
    return sum(t * np.roll(a, -(first + k * step), axis) for k, t in enumerate(taps))


def test_equals_cycle_spinning_over_all_shifts(monkeypatch):
    u = np.random.default_rng(0).random((64, 64), dtype=np.float32)
    u[20:, 30:] += 1
    pad = np.pad
    monkeypatch.setattr(wavelet.np, "pad", lambda a, width, mode: pad(a, width, mode="wrap"))
    np.testing.assert_allclose(shrink(u, 0.3, 9), definition(u, 0.3, 9), atol=2e-5)


def test_low_and_high_filters_keep_the_energy_together():
    w = np.linspace(0, np.pi, 50)
    k = np.arange(8)
    response = [np.abs(np.exp(-1j * np.outer(w, k)) @ f) ** 2 for f in (LOW, HIGH)]
    np.testing.assert_allclose(sum(response), 1, atol=1e-6)
