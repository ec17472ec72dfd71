"""How blind denoising serves camera pictures.

    NONLOC_DATA=... python benchmarks/camera_noise.py tune|score|clean|white|synthetic [EVERY] [METHOD]

tune, score: the gain of the method that `denoise` takes, or of METHOD, on each real pair of polyu40. clean: what
happens to clean pictures, as they are and halved. white: whether white noise is taken for correlated noise. synthetic:
simulated cameras. EVERY takes each n-th picture only. What tells noise is fitted by benchmarks/camera_noise_fit.py.
"""

import sys
import time
import zlib

import numpy as np
from camera_noise_fit import clean_cases, level_of, planes, shot

import nonloc
from nonloc.datasets import load
from nonloc.estimation import estimate_noise
from nonloc.estimation.correlated import estimate_correlated
from nonloc.metrics import psnr

METHOD: str | None = None


def shown(name: str, clean: np.ndarray, noisy: np.ndarray, telling: bool = True) -> tuple[float, float, bool]:
    """Gain in dB (the change, where both are the same), RMS change, and whether anything was done."""
    restored, record = nonloc.denoise(noisy, method=METHOD, return_report=True)
    change = float(np.sqrt(np.square(restored.astype(float) - noisy).mean()))
    gain = 0.0 if clean is noisy else psnr(clean, restored, data_range=255) - psnr(clean, noisy, data_range=255)
    if telling:
        print(f"{name:<44} {gain:+6.2f} dB  {record.diagnosis}", flush=True)
    return gain, change, bool(record.changed)


def measure_pairs(part: str, every: int) -> None:
    rows = [shown(p.name, p.pixels8(), p.noisy8()) for p in load("polyu40", part=part)[::every]]
    gains = np.array([gain for gain, _, _ in rows])
    done = sum(changed for _, _, changed in rows)
    print(f"{part}: mean gain {gains.mean():+.2f} dB, least {gains.min():+.2f}; {done} of {len(rows)} changed")
    rows = [shown(p.name, *[p.pixels8()] * 2, telling=False) for p in load("polyu40", part=part)[::every]]
    print(f"means of many shots: {sum(r[2] for r in rows)} changed, RMS {np.mean([r[1] for r in rows]):.2f} levels")


def measure_clean(every: int) -> None:
    rows: dict[str, list[tuple[float, float, bool]]] = {}
    for case in clean_cases(every):
        rows.setdefault(case.kind, []).append(shown(case.name, case.pixels, case.pixels, telling=False))
    for kind, found in rows.items():
        changes = np.array([change for _, change, _ in found])
        print(
            f"{kind:<18} {sum(r[2] for r in found):3d} of {len(found)} changed; RMS {changes.mean():.3f} levels on"
            f" average, {changes.max():.2f} at most"
        )


def measure_white(every: int) -> None:
    print("white noise on bsd32val: told level, share taken for correlated")
    for sigma in (2, 5, 10, 15, 25, 50):
        for clipped in (False, True):
            seen = []
            for picture in load("bsd32val")[::every]:
                rng = np.random.default_rng([2, zlib.crc32(picture.name.encode())])
                clean = planes(picture.pixels8("rgb"))
                noisy = clean + sigma / 255 * rng.standard_normal(clean.shape)
                noisy = np.rint(np.clip(noisy, 0, 1) * 255) / 255 if clipped else noisy
                found = estimate_correlated(noisy.astype(np.float32))
                seen.append((estimate_noise(noisy.astype(np.float32)).sigma, found.sigma))
            white, correlated = np.array(seen).T
            print(
                f"{sigma:>3} {'clip8' if clipped else 'float'}  white {white.mean():6.2f}, correlated seen in"
                f" {np.mean(correlated > 0):.2f}, more than 1.5 times white in {np.mean(correlated > 1.5 * white):.2f}"
            )


def measure_simulated(every: int) -> None:
    """Shots of which the fit saw others of the same kind; gains are against the file without noise and JPEG."""
    rows = []
    for index, picture in enumerate(load("bsd32val")[::every]):
        noisy, reference = shot(picture.pixels8("rgb"), np.random.default_rng([3, index]), noisy=True)
        level = level_of(noisy - reference)
        found = estimate_correlated(planes(noisy))
        gain, _, done = shown(f"{picture.name}, level {level:.1f}", np.rint(reference).astype(np.uint8), noisy)
        rows.append((level, found.sigma, gain, done))
    table = np.array(rows, float)
    seen, gain = table[:, 3].mean(), table[:, 2]
    print(f"simulated: {seen:.2f} seen, gain {gain.mean():+.2f} dB, least {gain.min():+.2f}")


def main() -> None:
    global METHOD
    what, every = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
    METHOD = sys.argv[3] if len(sys.argv) > 3 else None
    start = time.process_time()
    if what in ("tune", "score"):
        measure_pairs(what, every)
    else:
        {"clean": measure_clean, "white": measure_white, "synthetic": measure_simulated}[what](every)
    print(f"{time.process_time() - start:.0f} s CPU")


if __name__ == "__main__":
    main()
