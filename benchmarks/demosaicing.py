"""What plug-and-play gains in demosaicing: PSNR on colour sets, beside interpolation and Malvar's.

    NONLOC_DATA=... python benchmarks/demosaicing.py [--sets kodak24] [--every 1]

Mosaics RGGB of 8-bit pictures, without noise; results rounded to 8 bits, PSNR over all channels, without a rim of 8
pixels. `bilinear` averages neighbours of the same colour; `malvar` corrects green by the other colours and lets red and
blue follow it. Prints the table of docs/resolution.md.
"""

from __future__ import annotations

import argparse
import time

import marked
import numpy as np
import torch

from nonloc.datasets import load
from nonloc.degradation.demosaic import demosaic as interpolated
from nonloc.degradation.demosaic import mosaic
from nonloc.methods.deconvolution.pnp_demosaic import demosaic
from nonloc.metrics import im2uint8, psnr

RIM = 8
WAYS = {
    "bilinear": lambda raw: np.moveaxis(interpolated(raw, corrected=False), 0, -1),
    "malvar": lambda raw: np.moveaxis(interpolated(raw), 0, -1),
    "pnp": demosaic,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=["kodak24"])
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in options.sets:
        rows = []
        for picture in load(name)[:: options.every]:
            clean = picture.pixels8("rgb")
            raw, row = mosaic(np.moveaxis(clean, -1, 0).astype(np.float32) / 255), []
            for way in WAYS.values():
                began = time.process_time()
                out = im2uint8(way(raw))
                inner = (slice(RIM, -RIM), slice(RIM, -RIM))
                row += [psnr(clean[inner], out[inner], data_range=255), time.process_time() - began]
            rows.append(row)
            print(picture.name, *(f"{value:.2f}" for value in row), flush=True)
        found = np.array(rows)
        gain = found[:, 4] - found[:, 2]
        print(marked.table(
            [f"{name}, {len(found)}", "PSNR", "CPU s"],
            [[way, f"{found[:, 2 * i].mean():.2f}", f"{found[:, 2 * i + 1].mean():.2f}"] for i, way in enumerate(WAYS)],
        ))  # fmt: skip
        print(f"pnp over malvar: {gain.mean():+.2f} dB, least {gain.min():+.2f}", flush=True)


if __name__ == "__main__":
    main()
