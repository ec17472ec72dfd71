"""How well the level of noise is estimated, and what `denoise` does to clean pictures.

    NONLOC_DATA=... python benchmarks/noise_estimation.py [EVERY]

Prints, for BSD68 (gray) and CBSD68 (colour), float and clip8: mean absolute error in percent of sigma, bias, worst
case, share of levels inside the interval, CPU seconds a picture; then the change of the clean colour pictures. EVERY
takes each n-th picture only.
"""

import sys
import time
import zlib

import numpy as np

import nonloc
from nonloc.datasets import load
from nonloc.degradation import Clip8, GaussianNoise
from nonloc.estimation import estimate_noise

LEVELS = (5, 10, 15, 25, 50, 75)


def main(every: int) -> None:
    print("set     input   sigma    MAE %   bias   worst  inside  CPU s")
    for name, clipped in ((n, c) for n in ("bsd68", "cbsd68") for c in (False, True)):
        pictures = load(name)[::every]
        for sigma in LEVELS:
            errors, inside, start = [], [], time.process_time()
            for picture in pictures:
                clean = np.atleast_3d(picture.pixels8()).transpose(2, 0, 1) / 255
                rng = np.random.default_rng([1, zlib.crc32(picture.name.encode())])
                noisy = GaussianNoise(sigma).apply(clean, rng)
                if clipped:
                    noisy = Clip8().apply(noisy, rng)
                found = estimate_noise(noisy.astype(np.float32), step=1 / 255 if clipped else None)
                errors.append(found.sigma - sigma)
                inside.append(found.low <= sigma <= found.high)
            seconds = (time.process_time() - start) / len(pictures)
            error = np.array(errors)
            percent, worst = 100 * np.abs(error).mean() / sigma, error[np.abs(error).argmax()]
            print(
                f"{name:<7} {'clip8' if clipped else 'float':<6} {sigma:>5} {percent:8.2f} {error.mean():+6.2f}"
                f" {worst:+7.2f} {100 * np.mean(inside):5.0f} % {seconds:6.2f}"
            )
    changes, touched = [], 0
    for picture in load("cbsd68")[::every]:
        clean = picture.pixels8()
        out, report = nonloc.denoise(clean, return_report=True)
        touched += report.changed
        changes.append(np.sqrt(np.square(out.astype(float) - clean).mean()))
    print(
        f"clean CBSD68 through denoise: RMS change {np.mean(changes):.3f} levels on average, {max(changes):.2f} at most"
    )
    print(f"{touched} of {len(changes)} were changed at all")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
