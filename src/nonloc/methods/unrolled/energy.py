"""The energy that a stage of NLNet goes down: equation 3 of the article, E(x) = D(x, y) + lambda J(x).

Source: Lefkimmiatis, CVPR 2017, DOI 10.1109/CVPR.2017.623, equations 2 and 9: D is half the squared distance to the
noisy picture, J the sum of phi over all coefficients of the non-local operator. phi is the integral of the stage's
mixture of Gaussians, so that its derivative is what the stage applies.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ...errors import UsageError
from .nlnet import Stage
from .nonlocal_operator import Neighbours, analyse
from .radial_basis import RadialBasis, mixture, potential


class Energy(NamedTuple):
    """D, J and lambda of E = D + lambda J, scalars; `step` is how far the stage goes along minus the gradient of E."""

    data: Tensor
    regulariser: Tensor
    strength: Tensor
    step: Tensor

    @property
    def total(self) -> Tensor:
        """E."""
        return self.data + self.strength * self.regulariser


def energy(x: Tensor, y: Tensor, stage: Stage, near: Neighbours) -> Energy:
    """E at `x`, given noisy `y`, both (B, C, H, W), 0 to 255; C is gray, or the opponent colours.

    The stage is one step of gradient descent on it: stage(x, y, near) = x - step dE/dx, to what its table is off, with
    step = l and lambda = 1 / l. That holds for each stage of a network and its own energy; a network whose stages are
    tied goes down one. UsageError for a stage with l = 0, which forgets y: its J alone goes down then. In `x` and in
    all parameters it is differentiable.
    """
    step = stage.reaction
    if float(step.detach()) == 0:
        raise UsageError(
            "the energy of a stage", "it does not look at the noisy picture", "Take one with l other than 0"
        )
    z = analyse(x, stage.filters(), stage.g, near)
    return Energy(0.5 * (x - y).square().sum(), penalty(z, stage.influence), 1 / step, step)


def penalty(z: Tensor, influence: RadialBasis) -> Tensor:
    """sum phi(z) over `z` (B, C, ...), where phi' is `influence`: where that clips its argument, phi is straight."""
    args = influence.weights, influence.centres.to(z.dtype), influence.width
    inside = z.clamp(influence.low, influence.high)
    phi = [  # channel after channel: each number meets all Gaussians
        potential(v, weights[None], *args[1:]) + (u - v) * mixture(v, weights[None], *args[1:])
        for u, v, weights in zip(z.split(1, 1), inside.split(1, 1), args[0], strict=True)
    ]
    return torch.stack([one.sum() for one in phi]).sum()
