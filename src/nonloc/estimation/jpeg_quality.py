"""The quality that a JPEG was saved with, read from its quantisation tables.

Source: ITU-T T.81, annex K.1, tables K.1 and K.2, which the Independent JPEG Group's libjpeg scales by
S = 5000 / Q below a quality Q of 50, else 200 - 2 Q, to (S T + 50) / 100, rounded down, between 1 and 255. The tables
of other programs are compared with these by how coarse they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from ..degradation.quantisation import CHROMA, LUMA
from ..degradation.quantisation import table as libjpeg_table
from ..image.image import Image


@dataclass(frozen=True)
class JpegQuality:
    """How strongly a JPEG was compressed.

    quality: of its first channel, 1 to 100, as libjpeg and Pillow count; not a whole number only where it is not exact.
    chroma: the same of the others, None for a gray picture.
    exact: whether all tables are exactly those of libjpeg; else the quality is the one whose tables are as coarse.
    step: mean quantisation step of the first channel, in levels of 255; 1 is hardly any loss.
    subsampled: whether the others have fewer pixels than the first.
    """

    quality: float
    chroma: float | None
    exact: bool
    step: float
    subsampled: bool

    def __str__(self) -> str:
        about = "" if self.exact else "about "
        return f"JPEG of quality {about}{self.quality:.0f}" + (", chroma halved" if self.subsampled else "")


def jpeg_quality(picture: Image) -> JpegQuality | None:
    """What the tables that `picture` was read with say; None for a picture that comes from no JPEG."""
    tables = picture.metadata.tags.get("jpeg.tables")
    if not tables:
        return None
    sampling = picture.metadata.tags.get("jpeg.sampling", ())
    # libjpeg takes the table of chroma only for a picture in luminance and chroma
    second = "luma" if picture.metadata.tags.get("jpeg.rgb") or len(tables) != 3 else "chroma"
    kinds = ["luma", *[second] * (len(tables) - 1)]
    exact = [exact_qualities(table, kind) for table, kind in zip(tables, kinds, strict=True)]
    common = set.intersection(*exact)  # near 1, several qualities have the same chroma
    qualities = [float(max(common))] * len(tables) if common else list(map(table_quality, tables, kinds))
    return JpegQuality(
        quality=qualities[0],
        chroma=min(qualities[1:], default=None),
        exact=all(exact),
        step=float(np.mean(tables[0])),
        subsampled=any(across < sampling[0][0] or down < sampling[0][1] for across, down in sampling[1:]),
    )


def exact_qualities(table: Sequence[int], kind: str) -> set[int]:
    """The qualities of which libjpeg has exactly this `table`: one, or none, or several near 1 and 100."""
    return {int(i) + 1 for i in np.flatnonzero((libjpeg_tables(kind) == np.array(table)).all(1))}


def table_quality(table: Sequence[int], kind: str = "luma") -> float:
    """The quality of a `table` of 64 steps, in natural order; the highest where several have it.

    Another program's table gets the quality between those of libjpeg's two tables whose mean logarithm of a step is
    next below and above its own.
    """
    if same := exact_qualities(table, kind):
        return float(max(same))
    coarseness = np.log(libjpeg_tables(kind)).mean(1)[::-1]  # grows as quality falls from 100 to 1
    given = np.log(np.maximum(table, 1)).mean()
    return round(float(np.interp(given, coarseness, np.arange(100, 0, -1))), 1)


@cache
def libjpeg_tables(kind: str) -> np.ndarray:
    """The tables of qualities 1 to 100, for 'luma' or 'chroma': (100, 64), natural order."""
    standard = LUMA if kind == "luma" else CHROMA
    return np.stack([libjpeg_table(standard, quality).ravel() for quality in range(1, 101)])
