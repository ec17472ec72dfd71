"""nlrn-fast: the non-local recurrence of NLRN on a coarse grid, inside the network of nonloc-s.

Source: Liu, Wen, Fan, Loy, Huang, "Non-Local Recurrent Network for Image Restoration", NeurIPS 2018, arXiv 1806.02919:
one step of shared weights, repeated; a non-local operation in each; correlations (logits) carried from step to step;
the skip from the state that entered. Ours: the grid at 1/4 of the picture's sides, where 15 x 15 keys span 60 x 60
pixels, between the encoder and decoder of nonloc-s, which bring fine detail there and back.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...nonlocal_ops.window import window_attention
from .conditional import ConditionalMethod
from .nonloc_s import NonlocS

REACH = ("non-local", "depthwise", "none")


class NlrnFast(NonlocS):
    """nonloc-s with a recurrent non-local part on its middle level.

    channels, widths, blocks: as in NonlocS. steps, window, embedding, values, reach, propagate: of the Recurrence.
    """

    def __init__(
        self,
        channels: int = 1,
        widths: Sequence[int] = (48, 96, 128),
        blocks: Sequence[int] = (1, 2, 4, 2, 1),
        **recurrence: int | str | bool,
    ):
        super().__init__(channels, widths, blocks)
        self.refine = Recurrence(widths[1], **recurrence)  # type: ignore[arg-type]


class Recurrence(nn.Module):
    """h <- y + step(h), `steps` times from h = y, with weights shared by all steps; the identity at the start.

    features: of the map. steps: T. window: q, odd side of the square of keys. embedding: l, channels of theta and phi.
    values: m, channels of g. reach: what looks far in each step: 'non-local', a 'depthwise' filter of the same window
    (fixed weights in place of similarity), or 'none'. propagate: whether logits are carried from step to step.
    """

    def __init__(
        self,
        features: int,
        steps: int = 3,
        window: int = 15,
        embedding: int = 16,
        values: int = 48,
        reach: str = "non-local",
        propagate: bool = True,
    ):
        super().__init__()
        self.steps, self.window, self.propagate, self.reach = steps, window, propagate, reach
        # two of each for each step, as NLRN has its own batch normalisation
        self.scale = nn.Parameter(torch.ones(2 * steps, features, 1, 1))
        self.shift = nn.Parameter(torch.zeros(2 * steps, features, 1, 1))
        if reach == "non-local":
            self.theta, self.phi = nn.Conv2d(features, embedding, 1), nn.Conv2d(features, embedding, 1)
        elif reach == "depthwise":
            self.filter = nn.Conv2d(values, values, window, padding=window // 2, groups=values)
        elif reach != "none":
            raise ValueError(f"reach is {reach!r}; it is one of {', '.join(REACH)}")
        if reach != "none":
            self.g, self.project = nn.Conv2d(features, values, 1), nn.Conv2d(values, features, 1, bias=False)
            nn.init.zeros_(self.project.weight)  # without it at the start
        self.first = nn.Conv2d(features, features, 3, padding=1)
        self.second = nn.Conv2d(features, features, 3, padding=1)
        for parameter in self.second.parameters():
            nn.init.zeros_(parameter)

    def forward(self, y: Tensor) -> Tensor:
        """(B, features, h, w), any size."""
        h, logits = y, None
        for t in range(self.steps):
            r = F.relu(h * self.scale[2 * t] + self.shift[2 * t])
            if self.reach == "non-local":
                z, logits = self._attend(r, logits, keep=self.propagate and t < self.steps - 1)
                r = r + self.project(z)
            elif self.reach == "depthwise":
                r = r + self.project(self.filter(self.g(r)))
            h = y + self.second(F.relu(self.first(r) * self.scale[2 * t + 1] + self.shift[2 * t + 1]))
        return h

    def _attend(self, r: Tensor, logits, *, keep: bool):
        theta, phi = self.theta(r), self.phi(r)
        scale = theta.shape[1] ** -0.5
        return window_attention(theta, phi, self.g(r), self.window, carried=logits, keep=keep, scale=scale)


class NlrnFastMethod(ConditionalMethod):
    network = NlrnFast  # its arguments stand under `network` in the card
