"""The picture of a comparison: crops at 100 % with captions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..image.image import Image
from ..metrics.psnr import im2uint8

if TYPE_CHECKING:
    from .compare import Comparison

GAP, CAPTION, PAPER, INK = 8, 34, 250, (20, 20, 20)


def draw_sheet(comparison: Comparison, size: int, centre: tuple[int, int] | None) -> Image:
    """The sheet as an 8-bit colour Image."""
    from PIL import Image as Pillow
    from PIL import ImageDraw, ImageFont

    from .compare import figure

    picture, truth = comparison.picture, comparison.reference
    size = min(size, picture.height, picture.width)
    rows, columns = crop(picture, size, centre)
    panels = [(picture, "input", _figure(figure(picture, truth)))]
    for entry in comparison.entries:
        if entry.picture is not None and entry.record is not None:
            lost = "" if not entry.structure else f", structure lost on {entry.structure:.1%}"
            panels.append((entry.picture, entry.method, f"{_figure(entry.psnr)}{entry.record.seconds:.2f} s{lost}"))
    if truth is not None:
        panels.append((truth, "reference", ""))
    across = min(len(panels), max(1, math.ceil(math.sqrt(len(panels) * 1.6))))
    down = math.ceil(len(panels) / across)
    cell = max(size, 120)
    sheet = Pillow.new("RGB", (across * (cell + GAP) + GAP, down * (size + CAPTION + GAP) + GAP), (PAPER, PAPER, PAPER))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for i, (panel, name, figures) in enumerate(panels):
        x, y = GAP + i % across * (cell + GAP), GAP + i // across * (size + CAPTION + GAP)
        sheet.paste(Pillow.fromarray(_rgb8(panel, rows, columns)), (x, y))
        draw.text((x, y + size + 2), name, fill=INK, font=font)
        draw.text((x, y + size + 17), figures, fill=INK, font=font)
    return Image(np.asarray(sheet).copy(), scale=1 / 255)


def crop(picture: Image, size: int, centre: tuple[int, int] | None) -> tuple[slice, slice]:
    """Rows and columns of a square of that side: around `centre` (y, x), or where there is most detail."""
    if centre is None:
        top, left = _most_detail(picture, size)
    else:
        top, left = centre[0] - size // 2, centre[1] - size // 2
    top = min(max(top, 0), picture.height - size)
    left = min(max(left, 0), picture.width - size)
    return slice(top, top + size), slice(left, left + size)


def _most_detail(picture: Image, size: int) -> tuple[int, int]:
    """Top left corner of the square whose 8 x 8 means vary most: noise is averaged away, edges are not."""
    gray = picture.pixels().mean(0)
    height, width = (side // 8 * 8 for side in gray.shape)
    if not (height and width):
        return 0, 0
    means = gray[:height, :width].reshape(height // 8, 8, width // 8, 8).mean((1, 3))
    detail = np.zeros_like(means)
    detail[:, 1:] += np.abs(np.diff(means, axis=1))
    detail[1:] += np.abs(np.diff(means, axis=0))
    side = max(1, min(size // 8, *means.shape))
    total = np.pad(detail.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    boxes = total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]
    top, left = np.unravel_index(boxes.argmax(), boxes.shape)
    return int(top) * 8, int(left) * 8


def _rgb8(picture: Image, rows: slice, columns: slice) -> np.ndarray:
    planes = im2uint8(picture.pixels(rows, columns))
    if len(planes) not in (1, 3):
        planes = planes[:1]
    return np.ascontiguousarray(np.broadcast_to(planes, (3, *planes.shape[1:])).transpose(1, 2, 0))


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.2f} dB  "
