"""The classical methods against a known blur: their definitions, and that each does what it is for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.signal import convolve2d
from shake_kernels import SIZES, eight, shake

from nonloc.degradation import GaussianBlur, GaussianNoise, KernelBlur, Sequence
from nonloc.errors import UsageError
from nonloc.methods.deconvolution import constrained_least_squares as cls
from nonloc.methods.deconvolution import richardson_lucy as rl
from nonloc.methods.deconvolution import tv_deconvolution as tv
from nonloc.methods.deconvolution import unsupervised_wiener as uns
from nonloc.methods.deconvolution import wiener_deconvolution as wiener
from nonloc.methods.deconvolution.known_blur import gradient, laplacian, quadratic, scene, twice
from nonloc.methods.registry import create

NAMES = (
    "constrained-least-squares",
    "richardson-lucy",
    "tv-deconvolution",
    "unsupervised-wiener",
    "wiener-deconvolution",
)
KERNEL = shake(1, 15)
STD = 0.01


def picture(side=96, seed=0):
    """Disks, stripes and soft texture, in [0.1, 0.9]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    clean = 0.4 + 0.1 * np.sin(y / 2.5) * (x > side / 2)
    for _ in range(12):
        cy, cx, radius = rng.random(3) * (side, side, side / 5)
        clean = np.where(np.hypot(y - cy, x - cx) < radius, 0.1 + 0.8 * rng.random(), clean)
    return clean


def shot(kernel=KERNEL, std=STD, side=96, seed=0):
    """What lies in the camera's view, and what it measures: surroundings are unknown to it."""
    r = len(kernel) // 2
    wide = picture(side + 2 * r, seed)
    noise = np.random.default_rng(seed).standard_normal((side, side))
    return wide[r:-r, r:-r], convolve2d(wide, kernel, "valid") + std * noise


def quality(clean, restored, rim=1):
    error = (restored - clean)[..., rim:-rim, rim:-rim]
    return -10 * np.log10(max(np.square(error).mean(), 1e-12))


def dense(kernel, height, width):
    """H as a matrix, circular, from its definition."""
    r, s = kernel.shape[0] // 2, kernel.shape[1] // 2
    matrix = np.zeros((height * width, height * width))
    for i in range(height):
        for j in range(width):
            for (a, b), value in np.ndenumerate(kernel):
                matrix[i * width + j, (i + r - a) % height * width + (j + s - b) % width] += value
    return matrix


sides = st.integers(1, 12)


@given(sides, sides, st.integers(0, 99))
def test_the_adjoint_of_the_masked_blur_is_its_adjoint(height, width, seed):
    rng = np.random.default_rng(seed)
    s = scene(rng.random((2, height, width)), rng.random((5, 5)))
    x, y = rng.standard_normal((2, 2, *s.seen.shape))
    assert np.vdot(s.forward(x), y) == pytest.approx(np.vdot(x, s.adjoint(y)), rel=1e-9, abs=1e-9)


def test_the_masked_blur_is_a_convolution_that_sees_what_lies_beyond_the_borders():
    s = scene(np.zeros((1, 20, 17)), KERNEL)
    x = np.random.default_rng(0).random(s.start.shape)
    (top, left), r = (part.start for part in s.inside), len(KERNEL) // 2
    wide = x[0, top - r : top + 20 + r, left - r : left + 17 + r]
    np.testing.assert_allclose(s.cut(s.forward(x))[0], convolve2d(wide, KERNEL, "valid"), atol=1e-12)


@given(st.integers(2, 9), st.integers(2, 9))
def test_differences_in_the_spectrum_are_differences(height, width):
    x = np.random.default_rng(0).random((height, width))
    down, right = np.roll(x, -1, 0) - x, np.roll(x, -1, 1) - x
    around = down - np.roll(down, 1, 0) + right - np.roll(right, 1, 1)
    power = np.abs(np.fft.rfft2(x)) ** 2 * twice(width) / x.size
    assert (power * gradient(height, width)).sum() == pytest.approx((down**2 + right**2).sum())
    assert (power * laplacian(height, width)).sum() == pytest.approx((around**2).sum())


@pytest.mark.parametrize("prior", [0.02, "laplacian"])
def test_the_solver_agrees_with_a_dense_solution(prior):
    rng = np.random.default_rng(0)
    kernel = np.array([[0, 0.1, 0], [0.3, 0.2, 0.1], [0, 0.1, 0.2]])
    s = scene(rng.random((1, 5, 7)), kernel)
    h, m = dense(kernel, *s.seen.shape), s.seen.ravel()
    p = np.eye(m.size) * 0.02
    spectrum = np.full(s.h.shape, 0.02)
    if prior == "laplacian":
        cross = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0.0]])
        matrix = dense(cross, *s.seen.shape)
        p, spectrum = 0.02 * matrix.T @ matrix, 0.02 * laplacian(*s.seen.shape)
    expected = np.linalg.solve(h.T @ (m[:, None] * h) + p, h.T @ s.y.ravel())
    b = s.h.conj() * np.fft.rfft2(s.y)
    found = np.fft.irfft2(quadratic(s, b, spectrum, 0 * b, steps=300, enough=1e-9), s=s.seen.shape)
    np.testing.assert_allclose(found.ravel(), expected, atol=1e-6)


def test_wiener_solves_a_row_as_algebra_does():
    rng = np.random.default_rng(0)
    kernel = np.zeros((5, 5))
    kernel[2] = [0.1, 0.2, 0.4, 0.2, 0.1]
    row = rng.random((1, 1, 16))
    s = scene(row, kernel, circular=True)
    h, y = dense(kernel, 1, 16), row.ravel() - row.mean()
    expected = np.linalg.solve(h.T @ h + 0.05 * np.eye(16), h.T @ y) + row.mean()
    np.testing.assert_allclose(wiener.wiener(s, 0.05).ravel(), expected, atol=1e-9)


def test_total_variation_finds_the_least_of_its_criterion():
    _, measured = shot(shake(1, 7), side=20)
    s, w = scene(measured[np.newaxis], shake(1, 7)), 2e-3

    def cost(x, rounding=1e-5):
        down, right = np.roll(x, -1, -2) - x, np.roll(x, -1, -1) - x
        length = np.sqrt(down**2 + right**2 + rounding**2)
        down, right = down / length, right / length
        slope = s.adjoint(s.forward(x) - s.y)
        slope += w * (np.roll(down, 1, -2) - down + np.roll(right, 1, -1) - right)
        return s.residual(x) / 2 + w * length.sum(), slope

    def flat(x):
        value, slope = cost(x.reshape(s.start.shape))
        return value, slope.ravel()

    least = minimize(flat, s.start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 3000, "maxfun": 5000}).fun
    assert cost(tv.total_variation(s, w))[0] < 1.03 * least


@pytest.mark.parametrize("name", NAMES)
def test_a_kernel_of_one_point_gives_the_picture_back(name):
    clean = picture(40)[np.newaxis, np.newaxis].astype(np.float32)
    told = Sequence((KernelBlur(np.pad([[1.0]], 2)), GaussianNoise(0)))
    least = 30 if name == "unsupervised-wiener" else 38  # which is not told that there is no noise, and sees some
    assert quality(clean, create(name, channels=1, sigma=0).restore(clean, told)) > least


@pytest.mark.parametrize("name", NAMES)
def test_sharpens_what_was_blurred(name):
    clean, measured = shot()
    told = Sequence((KernelBlur(KERNEL), GaussianNoise(255 * STD)))
    pixels = np.stack([measured] * 3)[np.newaxis].astype(np.float32)
    restored = create(name, channels=3, sigma=255 * STD).restore(pixels, told)
    assert quality(clean, restored, 7) > quality(clean, pixels, 7) + 1.5


@pytest.mark.parametrize("name", NAMES)
def test_asks_for_a_kernel(name):
    with pytest.raises(UsageError, match="needs a kernel"):
        create(name, channels=1, sigma=5).restore(np.zeros((1, 1, 8, 8), np.float32), GaussianNoise(5))


def test_unknown_borders_are_far_better_than_circular_ones():
    clean, measured = shot(std=0.004)
    lambda_ = cls.found(scene(measured[np.newaxis], KERNEL), 0.004)
    known, circular = (scene(measured[np.newaxis], KERNEL, circular) for circular in (False, True))
    assert quality(clean, cls.smooth(known, lambda_)[0][known.inside]) > 3 + quality(
        clean, cls.smooth(circular, lambda_)[0]
    )


def test_constrained_least_squares_finds_nearly_the_best_smoothness():
    for seed, std in ((0, 0.01), (1, 0.03)):
        clean, measured = shot(std=std, seed=seed)
        s = scene(measured[np.newaxis], KERNEL)
        by_rule = [quality(clean, s.cut(cls.smooth(s, cls.found(s, std, rule)))[0], 7) for rule in ("freedom", "hunt")]
        best = max(quality(clean, s.cut(cls.smooth(s, 10**at))[0], 7) for at in np.arange(-4, 0, 0.25))
        assert by_rule[0] > best - 0.3
        assert by_rule[0] > by_rule[1]
        assert by_rule[0] > 0.5 + quality(clean, wiener.wiener(s, wiener.ratio(s, std))[0], 7)


def test_hunts_rule_leaves_a_residual_of_the_noise():
    _, measured = shot()
    s = scene(measured[np.newaxis], KERNEL)
    x = cls.smooth(s, cls.found(s, STD, "hunt"))
    assert s.residual(x) / s.measured == pytest.approx(STD**2, rel=0.05)


def test_richardson_lucy_stops_where_it_is_nearly_best():
    for seed, std in ((0, 0.01), (1, 0.03)):
        clean, measured = shot(std=std, seed=seed)
        s = scene(measured[np.newaxis], KERNEL)
        qualities = [quality(clean, s.cut(x)[0], 7) for _, (x, _) in zip(range(150), rl.estimates(s), strict=False)]
        stopped, step = rl.stopped(s, std)
        assert step < rl.MOST
        assert quality(clean, s.cut(stopped)[0], 7) > max(qualities) - 0.3


@pytest.mark.parametrize("weight", [0.0, 0.005])
def test_richardson_lucy_is_never_negative(weight):
    measured = np.random.default_rng(0).standard_normal((1, 1, 30, 30)).astype(np.float32)
    method = create("richardson-lucy", channels=1, arguments={"tv": weight, "iterations": 20})
    assert method.restore(measured, GaussianBlur(1.5)).min() >= 0


def test_richardson_lucy_keeps_the_light_where_all_of_it_is_measured():
    wide = np.zeros((1, 40, 40))
    wide[0, 15:25, 15:25] = picture(10)
    s = scene(wide, KERNEL, circular=True)
    x, _ = next(pair for i, pair in enumerate(rl.estimates(s)) if i == 10)
    assert x.sum() == pytest.approx(wide.sum(), rel=1e-6)


def test_total_variation_keeps_the_grain_of_richardson_lucy_down():
    clean, measured = shot(std=0.03)
    s = scene(measured[np.newaxis], KERNEL)
    plain, smoother = (next(p for i, p in enumerate(rl.estimates(s, t)) if i == 60)[0] for t in (0, 0.01))
    assert quality(clean, s.cut(smoother)[0], 7) > quality(clean, s.cut(plain)[0], 7) + 1


def test_unsupervised_wiener_agrees_with_scikit_image():
    restoration = pytest.importorskip("skimage.restoration")
    clean = picture(64)
    blurred = convolve2d(np.pad(clean, 7, "wrap"), KERNEL, "valid")
    measured = blurred + STD * np.random.default_rng(0).standard_normal(clean.shape)
    theirs, _ = restoration.unsupervised_wiener(measured, KERNEL, clip=False, rng=0)
    s = scene(measured[np.newaxis], KERNEL, circular=True)
    noise, smoothness = uns.precisions(s, np.random.default_rng(0))
    ours = quality(clean, cls.smooth(s, smoothness / noise)[0])
    assert ours == pytest.approx(
        max(quality(clean, theirs), quality(clean, np.roll(theirs, (-7, -7), (0, 1)))), abs=0.2
    )


def test_unsupervised_wiener_finds_the_level_of_the_noise():
    _, measured = shot(std=0.02)
    noise, _ = uns.precisions(scene(measured[np.newaxis], KERNEL), np.random.default_rng(0))
    assert noise**-0.5 == pytest.approx(0.02, rel=0.15)


def test_a_shake_is_a_kernel_that_the_seed_decides():
    for kernel, size in zip(eight(), SIZES, strict=True):
        assert kernel.shape == (size, size)
        assert kernel.min() >= 0
        assert kernel.sum() == pytest.approx(1)
        middle = np.arange(size) - size // 2
        np.testing.assert_allclose([kernel.sum(0) @ middle, kernel.sum(1) @ middle], 0, atol=1e-9)
    np.testing.assert_array_equal(shake(3, 15), shake(3, 15))
    assert not np.array_equal(shake(3, 15), shake(4, 15))
