"""Morphology: opening and closing, which take away what is smaller than an element, bright or dark.

Source: Serra, "Image Analysis and Mathematical Morphology", 1982; Sternberg, "Grayscale morphology", CVGIP 35(3),
1986, DOI 10.1016/0734-189X(86)90004-6. An opening darkens and a closing brightens; as a denoiser their mean is
taken, or the mean of their two orders.
"""

from __future__ import annotations

import numpy as np

from ...degradation import Degradation
from .sigma_driven import SigmaDriven
from .structuring import closing, element, opening


class Morphology(SigmaDriven):
    """One operation on every channel by itself; positions outside the picture do not exist.

    operation: 'mean' of opening and closing, 'mean-of-orders' of open-close and close-open, 'opening', 'closing'.
    shape: the element, 'square-2', 'disk-1', ... None takes `rule` for each.
    """

    def __init__(self, card, weights=None, operation: str | None = None, shape: str | None = None):
        super().__init__(card, weights)
        self.operation, self.shape = operation, shape

    @staticmethod
    def rule(sigma: float | None) -> tuple[str, str]:
        """(operation, shape) for noise of `sigma` (0-255 scale): best on gray training pictures at 5 to 100."""
        if sigma is None:
            return "mean-of-orders", "square-3"
        if sigma <= 30:
            return "mean", "square-2" if sigma <= 20 else "square-3"
        return "mean-of-orders", "square-3" if sigma <= 45 else "disk-2" if sigma <= 65 else "disk-3"

    def restore(self, pixels: np.ndarray, degradation: Degradation | None) -> np.ndarray:
        """Filtered copy of `pixels`, float32 (B, C, H, W)."""
        sigma = self.known_sigma(degradation)
        if sigma == 0 and self.operation is None and self.shape is None:
            return pixels.copy()
        operation, shape = self.rule(sigma)
        operation, offsets = self.operation or operation, element(self.shape or shape)
        return np.stack([[OPERATIONS[operation](plane, offsets) for plane in picture] for picture in pixels])


def _mean(plane: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    return (opening(plane, offsets) + closing(plane, offsets)) / 2


def _mean_of_orders(plane: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    return (closing(opening(plane, offsets), offsets) + opening(closing(plane, offsets), offsets)) / 2


OPERATIONS = {"mean": _mean, "mean-of-orders": _mean_of_orders, "opening": opening, "closing": closing}
