"""The contract checks: what every method promises, for whoever writes one.

    from nonloc import testing

    @pytest.mark.parametrize("check", testing.CHECKS, ids=lambda check: check.__name__)
    def test_my_method_keeps_its_promises(check):
        check("my-method")

Each check takes a method's name, runs it through the engine on small noisy pictures, and raises AssertionError in
words. All are about the method as users meet it: through its card, the registry and `engine.run`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

from .degradation import Degradation, Downscale, GaussianNoise, Missing, parse_fixed
from .engine import Plan, run
from .errors import CardError, SigmaOutOfRange
from .image.image import Image
from .methods.registry import card, create

ROUNDING = 2e-5  # one-pass methods in float32
ROUNDING_RECURRENT = 1e-4


def sample(height: int = 97, width: int = 130, channels: int = 1, sigma: float = 25, seed: int = 0) -> Image:
    """A noisy synthetic float picture: ramps, stripes, disks and a little texture; neither clipped nor rounded."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    clean = 0.3 + 0.3 * x / max(width, 2) + 0.15 * np.sin(y / 3) * (x > width / 2)
    clean += 0.25 * (np.hypot(y - height / 2, x - width / 3) < min(height, width) / 4)
    planes = [np.roll(clean, 3 * c, axis=1) * (1 - 0.1 * c) for c in range(channels)]
    noisy = np.stack(planes, -1) + sigma / 255 * rng.standard_normal((height, width, channels))
    return Image((noisy[..., 0] if channels == 1 else noisy).astype(np.float32), scale=1.0)


# what a method is told that handles it, when it is run here; others are told noise in the middle of their range
TOLD = {"blur": "motion:5,20 + gaussian:2", "salt-and-pepper": "salt-and-pepper:0.2", "jpeg": "jpeg:20"}


# arguments with which methods that take minutes are run here
QUICK = {"zs-n2n": {"steps": 60}}


def told(name: str, image: Image) -> Degradation:
    """Something that the card says the method handles."""
    found = card(name)
    if "downscale" in found.handles:
        return Downscale(factor(name))
    if "missing" in found.handles:
        mask = np.zeros((image.height, image.width), bool)
        mask[2:4, 1 : image.width // 2], mask[image.height // 2 :, image.width // 3 : image.width // 3 + 5] = True, True
        return Missing(mask)
    for kind, text in TOLD.items():
        if kind in found.handles:
            return parse_fixed(text)
    return level(name)


def level(name: str) -> Degradation:
    """Noise in the middle of what the card allows, for running the method."""
    low, high = card(name).sigma or (25, 25)
    return GaussianNoise(float(np.clip(25, low, high)))


def factor(name: str) -> int:
    """How many times larger what comes back is, when the method is run here: 1 for all that do not enlarge."""
    found = card(name)
    return (found.factors or (2,))[0] if "downscale" in found.handles else 1


def restored(name: str, image: Image, **fields: object) -> np.ndarray:
    """The samples that the method gives back for `image` through the engine."""
    plan = Plan(name, told(name, image), QUICK.get(name, {}), **fields)  # type: ignore[arg-type]
    return np.asarray(run(plan, image)[0].samples)


def check_keeps_shape_and_dtype(name: str) -> None:
    """Any size from 1 x 1, each channel count on the card, float and 8 bit: the same comes back, all finite."""
    times = factor(name)
    for channels in card(name).channels:
        for height, width in ((1, 1), (1, 9), (7, 5), (33, 20)):
            picture = sample(height, width, channels)
            out = restored(name, picture)
            due = (times * height, times * width, *picture.samples.shape[2:])
            assert out.shape == due, f"{picture.samples.shape} became {out.shape}, not {due}"
            assert out.dtype == np.float32, f"float32 became {out.dtype}"
            assert np.isfinite(out).all(), f"values of a {height} x {width} picture are not finite"
        eight = (np.clip(sample(24, 24, channels).samples, 0, 1) * 255).round().astype(np.uint8)
        out = restored(name, Image(eight, scale=1 / 255))
        assert out.dtype == np.uint8, f"uint8 became {out.dtype}"


def check_leaves_input_untouched(name: str) -> None:
    """The caller's array is not written to."""
    for channels in card(name).channels:
        picture = sample(40, 40, channels)
        before = picture.samples.copy()
        restored(name, picture)
        assert np.array_equal(picture.samples, before), "the input was changed"


def check_is_deterministic(name: str) -> None:
    """The same input twice gives the same bytes."""
    for channels in card(name).channels:
        picture = sample(50, 61, channels)
        first, second = (hashlib.sha256(restored(name, picture).tobytes()).digest() for _ in range(2))
        assert first == second, "two runs gave different bytes"


def check_tiles_leave_no_trace(name: str) -> None:
    """A picture cut in tiles is restored as the whole picture is, to rounding; or the card says why not."""
    found = card(name)
    if not found.tiles:
        assert found.tiles_why, "the card says tiles = false without a reason"
        return
    bound = ROUNDING_RECURRENT if found.recurrent else ROUNDING
    halo = found.halo_exact or 0
    side = max(32, halo // 2)  # not hundreds of tiles that are nearly all rim
    size = (side + 2 * halo + 17, side + halo + 6)  # so that some halos end inside the picture
    if max(size) > 700:
        size = (201, 170)
    for channels in found.channels:
        picture = sample(*size, channels)
        whole, tiled = (restored(name, picture, tile=tile) for tile in (None, side))
        apart = np.abs(whole - tiled).max()
        assert apart <= bound, f"tiles differ from the whole picture by {apart:.2g} ({channels} channels)"


def check_fast_halo_is_below_half_a_level(name: str) -> None:
    """With the fast halo, tiles differ from the whole picture by less than half an 8-bit level."""
    found = card(name)
    if not found.tiles or found.halo_8bit is None:
        return
    for channels in found.channels:
        side = max(32, found.halo_8bit // 2)
        picture = sample(2 * found.halo_8bit + side + 38, found.halo_8bit + side + 38, channels)
        whole = restored(name, picture, tile=None)
        apart = np.abs(whole - restored(name, picture, tile=side, halo="fast")).max()
        assert apart < 0.5 / 255, f"fast tiles differ by {apart * 255:.2g} levels ({channels} channels)"


def check_halo_is_true(name: str) -> None:
    """No pixel depends on one further away than the card's halo (and its grid)."""
    found = card(name)
    if not found.tiles or found.halo_exact is None:
        return
    reach = found.halo_exact + max(found.grid, found.multiple)
    side = 2 * reach + 24
    if side > 700:
        return
    for channels in found.channels:
        picture = sample(side, side, channels)
        changed = picture.samples.copy()
        changed[:4, :4] += 0.4  # a corner; what is beyond its reach must not move
        moved = np.abs(restored(name, picture) - restored(name, picture.with_samples(changed)))
        times = factor(name)
        far = moved[times * (4 + reach) :, times * (4 + reach) :]
        assert far.size
        assert far.max() <= ROUNDING, f"a pixel moved {far.max():.2g} beyond the halo"


def check_refuses_what_the_card_excludes(name: str) -> None:
    """A sigma or a channel count outside the card is an error, never ignored."""
    found = card(name)
    if found.sigma is not None:
        try:
            create(name, channels=found.channels[0], sigma=found.sigma[1] + 1, factor=factor(name))
        except SigmaOutOfRange:
            pass
        else:
            raise AssertionError(f"sigma {found.sigma[1] + 1:g} was accepted")
    try:
        create(name, channels=7)
    except CardError:
        return
    raise AssertionError("7 channels were accepted")


def check_removes_noise(name: str) -> None:
    """A denoiser of white noise brings a smooth noisy picture nearer to the clean one."""
    found = card(name)
    if found.task != "denoise" or "gaussian" not in found.handles:
        return
    for channels in found.channels:
        noisy, clean = (sample(96, 96, channels, sigma=sigma) for sigma in (level(name).noise.sigma, 0))
        before, after = (
            float(np.square(samples - clean.samples).mean()) for samples in (noisy.samples, restored(name, noisy))
        )
        assert after < before / 2, f"mean squared error went from {before:.2g} to {after:.2g}"


def check_strength_blends(name: str) -> None:
    """Half the strength is the mean of the picture and the restored one."""
    if factor(name) != 1:
        return
    picture = sample(40, 40, card(name).channels[0])
    half = restored(name, picture, strength=0.5)
    mean = (picture.samples + restored(name, picture)) / 2
    assert np.abs(half - mean).max() <= ROUNDING, "strength 0.5 is not the mean"


CHECKS: tuple[Callable[[str], None], ...] = (
    check_keeps_shape_and_dtype,
    check_leaves_input_untouched,
    check_is_deterministic,
    check_tiles_leave_no_trace,
    check_fast_halo_is_below_half_a_level,
    check_halo_is_true,
    check_refuses_what_the_card_excludes,
    check_removes_noise,
    check_strength_blends,
)
