"""One picture of a set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import ImageError
from .gray import rgb2gray


@dataclass(frozen=True)
class DatasetPicture:
    """name: of the file, without ending. path: the clean picture. noisy: its real noisy partner, or None.

    licence: of this one file where the set has a table of attributions, else the set's.
    """

    name: str
    path: Path
    noisy: Path | None = None
    licence: str = ""

    def pixels8(self, colour: str | None = None) -> np.ndarray:
        """The clean picture, uint8 (H, W) or (H, W, 3).

        colour: None as the file is; 'gray' by MATLAB's rgb2gray; 'rgb' repeats a gray picture three times.
        """
        return _read(self.path, colour)

    def noisy8(self, colour: str | None = None) -> np.ndarray:
        """The noisy partner, like `pixels8`; ImageError when there is none."""
        if self.noisy is None:
            raise ImageError(f"the noisy {self.name}", "this set has clean pictures only", "Add noise to it")
        return _read(self.noisy, colour)


def _read(path: Path, colour: str | None) -> np.ndarray:
    from PIL import Image

    try:
        with Image.open(path) as file:
            mode, samples = file.mode, np.array(file)
    except OSError as error:
        raise ImageError(f"{path.name}", f"it cannot be read ({error})", "Fetch the file again") from error
    if mode not in ("L", "RGB"):
        raise ImageError(f"{path.name}", f"its pixels are {mode}", "A set holds 8-bit gray and RGB pictures only")
    if colour == "gray":
        return rgb2gray(samples)
    if colour == "rgb" and samples.ndim == 2:
        return np.repeat(samples[..., np.newaxis], 3, axis=-1)
    return samples
