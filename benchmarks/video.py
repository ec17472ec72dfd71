"""What looking at neighbouring frames is worth: a pan, a static scene and a cut, with noise of sigma 20.

    python benchmarks/video.py [--frames 9] [--size 640x360]

The scenes are mosaics of training photographs, panned by fractions of a pixel. Each clip is written as a file: FFV1 in
full colour, and H.264 4:2:0 at crf 5, as most clips are. `nonloc denoise` restores it frame by frame and by the default
for clips; the result is decoded and compared with the clean clip, written in the same colours without loss. Noise is of
R, G and B, before the clip is written; the first and last two frames, which lack neighbours, are not counted.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from scipy.ndimage import shift

from nonloc.image.read import read
from nonloc.jobs.clip import run_clip
from nonloc.jobs.inputs import Input
from nonloc.jobs.names import Names
from nonloc.verbs.task import Task

SIGMA, STEP = 20, (0.4, 1.3)  # pixels a frame, down and to the right
CODECS = {"rgb": ("ffv1", "yuv444p", {}), "420": ("libx264", "yuv420p", {"crf": "5"})}


def mosaic(height: int, width: int, first: int) -> np.ndarray:
    """Photographs side by side, float32 (H, W, 3), at least that large."""
    paths = sorted((Path(os.environ["NONLOC_DATA"]) / "train" / "photos").iterdir())
    down, across = -(-height // 256), -(-width // 256)
    pick = [paths[(first + 7 * i) % len(paths)] for i in range(down * across)]
    pictures = [np.moveaxis(np.broadcast_to(read(path).pixels(), (3, 256, 256)), 0, -1) for path in pick]
    rows = [np.concatenate(pictures[r * across : (r + 1) * across], 1) for r in range(down)]
    return np.concatenate(rows, 0)


def scene(kind: str, count: int, height: int, width: int) -> list[np.ndarray]:
    """Clean frames, float (H, W, 3)."""
    room = 16 + int(max(STEP) * count)
    wide = [mosaic(height + room, width + room, first) for first in (1, 50)]

    def seen(picture: np.ndarray, y: float, x: float) -> np.ndarray:
        top, left = int(y), int(x)
        part = picture[top : top + height + 12, left : left + width + 12]
        moved = shift(part, (top - y, left - x, 0), order=5, mode="nearest")
        return np.clip(moved[4 : 4 + height, 4 : 4 + width], 0, 1)

    if kind == "pan":
        return [seen(wide[0], STEP[0] * t, STEP[1] * t) for t in range(count)]
    if kind == "static":
        return [seen(wide[0], 0, 0)] * count
    return [seen(wide[2 * t // count], 0, 0) for t in range(count)]


def write(frames: list[np.ndarray], path: Path, kind: str, seed: int | None = None) -> None:
    """Write a clip, with noise if a seed is given."""
    codec, pix_fmt, options = CODECS[kind] if seed is not None else ("ffv1", CODECS[kind][1], {})
    rng = np.random.default_rng(seed)
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25, options=options)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pix_fmt
        for number, frame in enumerate(frames):
            noisy = frame if seed is None else frame + SIGMA / 255 * rng.standard_normal(frame.shape)
            eight = np.rint(np.clip(noisy, 0, 1) * 255).astype(np.uint8)
            made = av.VideoFrame.from_ndarray(eight).reformat(format=pix_fmt, interpolation=0x4 | 0x40000 | 0x6000)
            made.pts, made.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(made))
        out.mux(stream.encode(None))


def decode(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def psnr(found: np.ndarray, clean: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((found / 255 - clean / 255) ** 2)))


def flicker(frames: list[np.ndarray]) -> float:
    """Mean over pixels of the standard deviation over time."""
    return float(np.stack(frames).std(0, dtype=np.float64).mean())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--frames", type=int, default=9)
    parser.add_argument("--size", default="640x360")
    parser.add_argument("--kinds", nargs="+", default=["static", "pan", "cut"])
    parser.add_argument("--colour", nargs="+", default=list(CODECS))
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    for kind in given.kinds:
        clean = scene(kind, given.frames, height, width)
        for colour in given.colour:
            with tempfile.TemporaryDirectory() as name:
                source, pure = Path(name) / "noisy.mkv", Path(name) / "clean.mkv"
                write(clean, source, colour, seed=7)
                write(clean, pure, colour)
                truth = decode(pure)
                rows = {"noisy": (0.0, decode(source))}
                for method in ("nonloc-s", None):
                    task = Task("denoise", "denoised", {"sigma": str(SIGMA), "method": method})
                    target = Path(name) / f"{method}.mkv"
                    start = time.perf_counter()
                    run_clip(Input(source), task, Names(str(target), "file", "denoise", "denoised"))
                    rows[method or "temporal"] = (time.perf_counter() - start, decode(target))
            for label, (seconds, frames) in rows.items():
                each = [psnr(a, b) for a, b in zip(frames, truth, strict=True)]
                told = f"{kind:6} {colour:3} {label:8} {np.mean(each[2:-2]):.2f} dB, least {min(each):.2f}"
                still = f", flicker {flicker(frames):.2f}" if kind == "static" else ""
                print(f"{told}{still}, {seconds / len(frames):.2f} s a frame", flush=True)


if __name__ == "__main__":
    main()
