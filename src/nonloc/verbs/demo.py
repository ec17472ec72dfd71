"""Restore the bundled sample and show before and after."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..degradation import Clip8, GaussianNoise, Sequence
from ..engine import Record
from ..image.read import read
from ..image.write import write
from .compare import Comparison, Entry, figure
from .denoise import denoise

SAMPLE = Path(__file__).parent.parent / "samples" / "harbour.png"
SIGMA = 25


@dataclass(frozen=True)
class Demo:
    """Where the pictures are, and what was gained. PSNR in dB against the clean sample."""

    noisy: Path
    restored: Path
    sheet: Path
    psnr_before: float
    psnr_after: float
    record: Record


def demo(folder: str | Path = ".", *, overwrite: bool = True) -> Demo:
    """Add noise of sigma 25 to the bundled sample as an 8-bit file holds it, restore it blind, write three pictures.

    `folder` gets nonloc-demo-noisy.png, nonloc-demo-restored.png, and nonloc-demo.png with both side by side at
    100 %. Raises ImageError when it cannot be written.
    """
    folder = Path(folder)
    clean = read(SAMPLE)
    rng = np.random.default_rng(0)
    damaged = Sequence((GaussianNoise(SIGMA), Clip8())).apply(clean.pixels().astype(np.float64), rng)
    noisy = clean.with_samples(clean.stored(damaged))
    restored, record = denoise(noisy, return_report=True)
    entry = Entry(record.method or "unchanged", restored, record, figure(restored, clean))
    comparison = Comparison(noisy, clean, SIGMA, (entry,))
    pictures = {"-noisy": noisy, "-restored": restored, "": comparison.sheet(360)}
    paths = {
        part: write(picture, folder / f"nonloc-demo{part}.png", overwrite=overwrite)
        for part, picture in pictures.items()
    }
    before, after = figure(noisy, clean), figure(restored, clean)
    assert before is not None
    assert after is not None
    return Demo(paths["-noisy"], paths["-restored"], paths[""], before, after, record)
