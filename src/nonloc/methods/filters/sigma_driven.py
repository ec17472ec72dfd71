"""What the filters share: how each learns the level of the noise that its rule is written in."""

from __future__ import annotations

from ...degradation import Degradation
from ...errors import UsageError
from ..base import ArrayMethod


class SigmaDriven(ArrayMethod):
    """A filter whose arguments follow from sigma by a rule, unless they are given."""

    def known_sigma(self, degradation: Degradation | None) -> float | None:
        """The standard deviation of the noise, 0-255 scale; None when nobody told it."""
        noise = degradation.noise if degradation is not None else None
        return None if noise is None else float(noise.sigma)

    def sigma(self, degradation: Degradation | None) -> float:
        """The same; UsageError when nobody told it."""
        sigma = self.known_sigma(degradation)
        if sigma is None:
            raise UsageError(
                f"{self.card.name} without a noise level",
                "its settings follow from sigma, and none was given",
                f"Give sigma (25, for example){self._or_arguments()}",
            )
        return sigma

    def _or_arguments(self) -> str:
        names = [name for name, argument in self.card.arguments.items() if argument.default is None]
        return f", or set {' and '.join(names)}" if names else ""
