"""What the page shows of a picture: 8 bits, upright, in sRGB, in halving sizes, cut into squares when asked for.

Everything lies in files of the work's own folder and is mapped, so that a scan of 200 megapixels takes no more memory
than a snapshot. What is shown is for eyes only; results are never made from it.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...image.exif import orientation
from ...image.image import Image
from .colour import Colours

SQUARE = 512  # side of what is sent at a time
STRIP = 256  # rows that are worked on at a time
MARK = np.array([92.0, 16.0, 8.0], np.float32)  # red that is laid over gray
DARK = 0.1  # a picture whose 99.5 % quantile is below this, such as 12 bits in 16, is shown brighter
LOOKED_AT = 400_000  # samples for quantiles


@dataclass(frozen=True)
class Window:
    """The pixels shown as black and white; told is None for 0 and 1, as they are."""

    low: float = 0.0
    high: float = 1.0
    told: str | None = None


def find_window(picture: Image) -> Window:
    """0 to 1, or the range of the data where most of it would be black or beyond white."""
    step = max(1, round((picture.height * picture.width / LOOKED_AT) ** 0.5))
    some = np.asarray(picture.samples[::step, ::step], np.float64)
    some = some[np.isfinite(some)]
    if not some.size:
        return Window()
    values = some * picture.scale + picture.offset
    low, mostly, high = np.quantile(values, [0.001, 0.995, 0.999])
    deep = picture.dtype.itemsize > 1
    if not deep or high - low < 1e-9 or (mostly >= DARK and low >= -0.5 and high <= 1.5):
        return Window()
    stored = [(v - picture.offset) / picture.scale for v in (low, high)]
    return Window(low, high, f"stored values {stored[0]:.4g} to {stored[1]:.4g} are shown as black to white")


class Pyramid:
    """A picture in halving sizes, as files `NAME-0.npy`, `NAME-1.npy` ... (h, w, 1 or 3), bytes."""

    def __init__(self, paths: list[Path]):
        self.paths = paths
        # (width, height) of each level
        self.sizes = [np.load(path, mmap_mode="r").shape[1::-1] for path in paths]

    def square(self, level: int, column: int, row: int) -> np.ndarray | None:
        """One square of a level, smaller at the right and lower edge; None where there is none."""
        if not (0 <= level < len(self.paths) and row >= 0 and column >= 0):
            return None
        whole = np.load(self.paths[level], mmap_mode="r")  # each time: hundreds of open files are too many
        part = whole[row * SQUARE : (row + 1) * SQUARE, column * SQUARE : (column + 1) * SQUARE]
        return part if part.size else None


def build(picture: Image, folder: Path, window: Window) -> Pyramid:
    """Make the pyramid of a picture."""
    colours = Colours(picture)
    turn = orientation(picture.metadata.exif)
    first, stored = _first(folder, "shown", picture, turn, colours.channels, "u1")
    for rows in _strips(picture.height):
        pixels = np.nan_to_num(picture.pixels(rows), nan=0.0, posinf=1.0, neginf=0.0)
        pixels = (pixels - window.low) / (window.high - window.low)
        eight = colours.shown(pixels)
        if picture.alpha is not None:
            eight = over_squares(eight, np.asarray(picture.alpha[rows]), rows.start)
        stored[rows] = eight
    return Pyramid(_halve(first, folder, "shown"))


@dataclass(frozen=True)
class Removed:
    """Input minus result. std: of all of it, 0-255 scale. span: the difference that the byte 127 stands for.

    structure: cells of `cell` pixels, as shown, where structure was removed, (h, w) bool; None where nobody knows.
    """

    pyramid: Pyramid
    span: float
    std: float
    structure: np.ndarray | None = None
    cell: int = 1

    def square(self, level: int, column: int, row: int, gain: float) -> np.ndarray | None:
        """One square as bytes around 128, times `gain`."""
        part = self.pyramid.square(level, column, row)
        if part is None:
            return None
        gray = np.clip(np.rint(part.astype(np.float32) * (self.span * gain * 255 / 127)) + 128, 0, 255)
        if self.structure is None or not self.structure.any():
            return gray.astype(np.uint8)
        at = (row * SQUARE + np.arange(gray.shape[0]), column * SQUARE + np.arange(gray.shape[1]))
        y, x = (np.minimum((i << level) // self.cell, n - 1) for i, n in zip(at, self.structure.shape, strict=True))
        marked = self.structure[np.ix_(y, x)][..., np.newaxis]
        return np.where(marked, 0.6 * gray + MARK, gray).astype(np.uint8)

    @property
    def gain(self) -> int:
        """A power of two that makes the difference well seen: two of its deviations fill the range."""
        wanted = 127.5 / max(2 * self.std, 1e-3)
        return int(2 ** np.clip(np.floor(np.log2(max(wanted, 1))), 0, 6))


def build_removed(
    before: Image, after: Image, folder: Path, window: Window, structure: np.ndarray | None = None, cell: int = 1
) -> Removed:
    """Make the pyramid of what was removed, from the full depth of both; structure: cells as in the file."""
    colours = Colours(before)
    turn = orientation(before.metadata.exif)
    width = window.high - window.low

    def difference(rows: slice) -> np.ndarray:
        parts = (colours.plain(np.nan_to_num(picture.pixels(rows))) for picture in (before, after))
        return (next(parts) - next(parts)) / width

    count, square, largest = 0, 0.0, 0.0
    for rows in _strips(before.height):
        d = difference(rows)
        count, square = count + d.size, square + float(np.square(d, dtype=np.float64).sum())
        largest = max(largest, float(np.quantile(np.abs(d[::2, ::2]), 0.9995)))
    span = float(2 ** np.ceil(np.log2(min(max(largest, 1 / 1024), 1))))
    first, stored = _first(folder, "removed", before, turn, colours.channels, "i1")
    for rows in _strips(before.height):
        stored[rows] = np.clip(np.rint(difference(rows) * (127 / span)), -127, 127)
    std = 255 * (square / max(count, 1)) ** 0.5
    if structure is not None:
        shown = np.zeros(structure.shape if turn < 5 else structure.shape[::-1], bool)
        upright(shown, turn)[:] = structure
        structure = shown
    return Removed(Pyramid(_halve(first, folder, "removed")), span, std, structure, cell)


def upright(shown: np.ndarray, turn: int) -> np.ndarray:
    """An array as the camera stored it, seen through one (h, w, ...) that is shown upright: a view, and writable.

    turn: 1 to 8 as EXIF counts them.
    """
    mirrored, upside = turn in (2, 3, 6, 7), turn in (3, 4, 7, 8)
    view = shown[:: -1 if upside else 1, :: -1 if mirrored else 1]
    return view.swapaxes(0, 1) if turn >= 5 else view


def over_squares(eight: np.ndarray, alpha: np.ndarray, top: int) -> np.ndarray:
    """Bytes (h, w, C) over the usual light squares, as far as alpha (h, w) lets them through."""
    most = np.iinfo(alpha.dtype).max if alpha.dtype.kind in "ui" else 1
    opaque = (alpha.astype(np.float32) / most)[..., np.newaxis]
    y, x = np.ogrid[top : top + eight.shape[0], : eight.shape[1]]
    ground = np.where((y // 12 + x // 12) % 2, np.float32(205), np.float32(235))[..., np.newaxis]
    return np.rint(eight * opaque + ground * (1 - opaque)).astype(np.uint8)


def png(square: np.ndarray) -> bytes:
    """Bytes (h, w, 1 or 3) as a PNG file, packed quickly rather than well."""
    from PIL import Image as Pillow

    stream = io.BytesIO()
    plain = np.ascontiguousarray(square[..., 0] if square.shape[2] == 1 else square)
    Pillow.fromarray(plain).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def _first(folder: Path, name: str, picture: Image, turn: int, channels: int, dtype: str) -> tuple[Any, np.ndarray]:
    """The file of the full size, and the view of it that has the picture's own rows."""
    size = (picture.height, picture.width) if turn < 5 else (picture.width, picture.height)
    folder.mkdir(exist_ok=True)
    made = _file(folder / f"{name}-0.npy", dtype, (*size, channels))
    return made, upright(made, turn)


def _file(path: Path, dtype: Any, shape: tuple[int, ...]) -> Any:
    """A mapped file that has its place on the disk: writing into a hole of a full disk would end the process."""
    made = np.lib.format.open_memmap(path, "w+", dtype, shape)
    if hasattr(os, "posix_fallocate"):
        with open(path, "r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return made


def _halve(level: Any, folder: Path, name: str) -> list[Path]:
    """Add the smaller levels: means of 2 x 2, until one square holds it. The files of all levels."""
    paths = [folder / f"{name}-0.npy"]
    while max(level.shape[:2]) > SQUARE:
        paths.append(folder / f"{name}-{len(paths)}.npy")
        height, width = (max(1, side // 2) for side in level.shape[:2])
        small = _file(paths[-1], level.dtype, (height, width, level.shape[2]))
        for rows in _strips(height):
            part = level[2 * rows.start : 2 * rows.stop, : 2 * width].astype(np.int16)
            total = part[0::2] + part[1::2] if len(part) > 1 else 2 * part
            total = total[:, 0::2] + total[:, 1::2] if width * 2 <= level.shape[1] else 2 * total
            small[rows] = (total + 2) // 4
        level = small
    return paths


def _strips(height: int) -> list[slice]:
    return [slice(top, min(top + STRIP, height)) for top in range(0, height, STRIP)]
