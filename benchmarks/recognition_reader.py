"""Plates with letters, and two readers of them that are trained on nothing: one knows the places, one looks for shapes.

Source: both are ours. `read_places` is the correlation with known shapes that finds a signal in white noise (Turin, IRE
Trans. Inf. Theory 6(3), 1960, DOI 10.1109/TIT.1960.1057571). `read_shapes` goes the way of programs that read scanned
pages: a threshold (Otsu, IEEE Trans. SMC 9(1), 1979, DOI 10.1109/TSMC.1979.4310076), connected parts, comparison of
shapes.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"  # as on plates, without I, O and Q
COUNT, PITCH, HEIGHT = 7, 24, 18  # letters on a plate; from one to the next, and their height, in pixels
FONT_SIZE = 25  # of the font that Pillow brings along
SHAKE = 2  # how far, in pixels, a plate may lie from where it is expected
PLATE = (36, COUNT * PITCH + 16)
PICTURE = (96, 256)
GRID = (24, 16)  # shapes are compared at this size
SPECK = 8  # connected parts of fewer pixels are dust


@cache
def letter(character: str) -> np.ndarray:
    """How much ink each pixel of a cell (HEIGHT + 4, PITCH) has, in [0, 1], the letter in its middle."""
    cell = Image.new("L", (4 * PITCH, 4 * HEIGHT))
    pen = ImageDraw.Draw(cell)
    pen.text((PITCH, HEIGHT), character, font=ImageFont.load_default(FONT_SIZE), fill=255)
    ink = np.asarray(cell.crop(cell.getbbox()), np.float32) / 255
    spare = np.array([HEIGHT + 4, PITCH]) - ink.shape
    return np.pad(ink, [(n // 2, n - n // 2) for n in spare])


def draw(text: str, rng: np.random.Generator, contrast: float = 0.3) -> np.ndarray:
    """A dull picture (96, 256), in [0, 1], with a plate near its middle, whose letters are darker by `contrast`."""
    height, width = PICTURE
    picture = np.linspace(0.25, 0.4, width, dtype=np.float32) * np.linspace(1, 0.6, height, dtype=np.float32)[:, None]
    (top, left), (dy, dx) = corner(), rng.integers(-SHAKE, SHAKE + 1, 2)
    plate = picture[top + dy :, left + dx :][: PLATE[0], : PLATE[1]]
    plate[:] = 0.35 + contrast / 2
    for i, character in enumerate(text):
        plate[7:, 8 + i * PITCH :][: HEIGHT + 4, :PITCH] -= contrast * letter(character)
    return picture


def corner() -> tuple[int, int]:
    """Where the plate begins when nothing shakes."""
    return (PICTURE[0] - PLATE[0]) // 2, (PICTURE[1] - PLATE[1]) // 2


def text_of(rng: np.random.Generator) -> str:
    return "".join(rng.choice(list(LETTERS), COUNT))


def read_places(picture: np.ndarray) -> str:
    """At each of the COUNT places the letter that correlates best, moved by up to SHAKE pixels."""
    top, left = corner()
    shapes = np.stack([standard(letter(c)) for c in LETTERS])
    found = ""
    for i in range(COUNT):
        y, x = top + 7 - SHAKE, left + 8 + i * PITCH - SHAKE
        near = picture[y : y + HEIGHT + 4 + 2 * SHAKE, x : x + PITCH + 2 * SHAKE]
        cells = np.lib.stride_tricks.sliding_window_view(near, (HEIGHT + 4, PITCH)).reshape(-1, HEIGHT + 4, PITCH)
        match = np.einsum("lyx,pyx->lp", shapes, np.stack([standard(-cell) for cell in cells]))
        found += LETTERS[int(match.max(1).argmax())]
    return found


def read_shapes(picture: np.ndarray) -> str:
    """Dark parts by Otsu's threshold, joined where one is above the other, each the letter whose shape is nearest.

    It knows the font and about how large letters are, not where they stand nor how many there are. It drops dust.
    """
    top, left = corner()
    inside = picture[top + 4 : top + PLATE[0] - 4, left + 4 : left + PLATE[1] - 4]
    found = [shape_of(part) for part in parts(inside < otsu(inside))]
    shapes = np.stack([shape_of(letter(c) > 0.5) for c in LETTERS])
    return "".join(LETTERS[int(np.einsum("lyx,yx->l", shapes, one).argmax())] for one in found)


def otsu(values: np.ndarray) -> float:
    """The threshold that parts values into two classes with the largest variance between them."""
    counts, edges = np.histogram(values, 256)
    middles = (edges[:-1] + edges[1:]) / 2
    below = counts.cumsum()
    above = below[-1] - below
    first = (counts * middles).cumsum()
    means = first / np.maximum(below, 1), (first[-1] - first) / np.maximum(above, 1)
    return float(edges[1 + int((below * above * (means[0] - means[1]) ** 2).argmax())])


def parts(ink: np.ndarray) -> list[np.ndarray]:
    """Masks of what may be letters, left to right."""
    marks, _ = ndimage.label(ink, np.ones((3, 3)))
    areas = np.bincount(marks.ravel())
    ink = ink & (areas >= SPECK)[marks]
    columns, count = ndimage.label(ink.any(0))  # what is above one another is one letter
    masks = []
    for i in range(1, count + 1):
        where = np.flatnonzero(columns == i)
        pieces = max(1, round(len(where) / PITCH))  # letters that touch
        for piece in np.array_split(ink[:, where], pieces, axis=1):
            rows = np.flatnonzero(piece.any(1))
            if len(rows) >= HEIGHT // 2:
                masks.append(piece[rows[0] : rows[-1] + 1])
    return masks


def shape_of(mask: np.ndarray) -> np.ndarray:
    """The mask at the size GRID, its proportions kept, in the middle, of mean 0 and norm 1."""
    ys, xs = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    tight = Image.fromarray(np.uint8(255 * mask[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1]))
    factor = min(GRID[0] / tight.height, GRID[1] / tight.width)
    size = max(1, round(tight.width * factor)), max(1, round(tight.height * factor))
    ink = np.asarray(tight.resize(size, Image.Resampling.BILINEAR), np.float32)
    spare = np.array(GRID) - ink.shape
    return standard(np.pad(ink, [(n // 2, n - n // 2) for n in spare]))


def standard(values: np.ndarray) -> np.ndarray:
    """Of mean 0 and norm 1; what is everywhere alike stays 0."""
    centred = values - values.mean()
    return centred / max(float(np.linalg.norm(centred)), 1e-6)


def errors(found: str, text: str) -> int:
    """Letters to change, to add and to take away, at least, to have `text` (Levenshtein's distance)."""
    row = list(range(len(text) + 1))
    for i, mine in enumerate(found, 1):
        previous, row[0] = row[0], i
        for j, true in enumerate(text, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (mine != true))
    return row[-1]
