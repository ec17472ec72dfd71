"""What repairing JPEGs gains: PSNR of the files as they are, smoothed, and restored by the network.

    NONLOC_DATA=... python benchmarks/jpeg_artefacts.py [--set set12] [--every 1] [--methods jpeg-smoothing nonloc-jpeg]

Files as users have them: written by Pillow (libjpeg), in colour with chroma at half the size, read back from the file,
repaired by `nonloc.repair`, which reads the quality from its tables. Prints the table of docs/repair.md.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import marked
import numpy as np
import PIL.Image
import torch

import nonloc
from nonloc.benchmark.protocol import protocol
from nonloc.metrics import im2uint8, psnr

QUALITIES = (10, 20, 30, 40)
LARGE = 512  # sides of Set12's larger pictures


def gains(clean: np.ndarray, quality: int, methods: list[str]) -> list[float]:
    """PSNR of the file and of what each method makes of it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "picture.jpg"
        PIL.Image.fromarray(clean).save(file, quality=quality)
        found = [psnr(clean, np.asarray(PIL.Image.open(file)), data_range=255)]
        for method in methods:
            out = nonloc.repair(file, damage="jpeg", method=method)
            found.append(psnr(clean, im2uint8(out.samples / 255), data_range=255))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="set12")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--methods", nargs="+", default=["jpeg-smoothing", "nonloc-jpeg"])
    options = parser.parse_args()
    torch.set_num_threads(1)
    pictures = [picture.pixels8() for picture in protocol(options.set).pictures(options.every)]
    groups = {"all": pictures, "512 x 512": [p for p in pictures if p.shape[:2] == (LARGE, LARGE)]}
    for title, group in groups.items():
        if group:
            found = {q: np.mean([gains(p, q, options.methods) for p in group], 0) for q in QUALITIES}
            lines = [
                [name, *(f"{found[q][i]:.2f}" for q in QUALITIES)]
                for i, name in enumerate(["as it is", *(f"`{method}`" for method in options.methods)])
            ]
            print(marked.table([f"{options.set}, {title}, {len(group)}", *map(str, QUALITIES)], lines), flush=True)


if __name__ == "__main__":
    main()
