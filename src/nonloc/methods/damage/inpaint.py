"""Inpaint: fills lost places from what is known around them; nothing else changes.

Source: thin places as in `smooth_fill` (biharmonic), holes as in `exemplar_fill` (Wexler, Shechtman and Irani, DOI
10.1109/TPAMI.2007.60). Ours: the choice between them by how deep a lost place is.
"""

from __future__ import annotations

import numpy as np

from ...degradation import Degradation
from ...errors import UsageError
from ..base import ArrayMethod
from .exemplar_fill import exemplar_fill
from .smooth_fill import TOUCH, smooth_fill

DEEP = 6.0  # pixels from the known; deeper, a smooth fill is seen as a blot where the picture has texture


class Inpaint(ArrayMethod):
    """Fills the places that the degradation calls missing.

    mode: 'smooth', 'exemplar' (made of patches of the picture), or 'auto': smooth where no lost pixel lies deeper than
    6 pixels from the known, exemplar for the others.
    """

    def __init__(self, card, weights=None, mode: str = "auto"):
        super().__init__(card, weights)
        self.mode = mode

    def restore(self, pixels: np.ndarray, degradation: Degradation | None):
        """`pixels`, float32 (B, C, H, W), filled, and {'mask': bool (B, C, H, W), what was filled}.

        UsageError where the degradation names no lost places, or their mask has another size than the picture.
        """
        missing = degradation.missing if degradation is not None else None
        if missing is None:
            raise UsageError(
                f"{self.card.name} without a mask",
                "it must be told which places are lost",
                "Give a mask of the picture's size, true where it is lost; scratches finds thin damage by itself",
            )
        lost = np.asarray(missing.mask, bool)
        if lost.shape != pixels.shape[2:]:
            raise UsageError(
                f"{self.card.name} with a mask of {lost.shape[1]} x {lost.shape[0]}",
                f"the picture has {pixels.shape[3]} x {pixels.shape[2]} pixels",
                "Give a mask of the picture's size",
            )
        out = np.stack([fill(np.asarray(picture, np.float32), lost, self.mode) for picture in pixels])
        return out, {"mask": np.broadcast_to(lost, pixels.shape).copy()}


def fill(pixels: np.ndarray, lost: np.ndarray, mode: str = "auto") -> np.ndarray:
    """`pixels`, float32 (C, H, W), with the `lost` places, bool (H, W), filled in that mode."""
    from scipy.ndimage import distance_transform_edt, label

    if mode == "smooth" or not lost.any():
        return smooth_fill(pixels, lost)
    if mode == "exemplar":
        return exemplar_fill(pixels, lost)
    pieces, count = label(lost, TOUCH.astype(int))
    deep = np.zeros(count + 1, bool)
    deep[pieces[(distance_transform_edt(lost) > DEEP) & lost]] = True
    holes = deep[pieces] & lost
    out = smooth_fill(pixels, lost)
    return exemplar_fill(out, holes) if holes.any() else out
