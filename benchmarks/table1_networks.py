"""Five networks of one cost: a patch MLP, and one graph with its weights shared by all steps or not, non-local or not.

Source: ours, so that one thing differs at a time. The MLP: Burger, Schuler, Harmeling, CVPR 2012, "Image denoising: Can
plain neural networks compete with BM3D?"; residual steps: He et al., CVPR 2016; shared by all steps, with the non-local
operation inside and its logits carried: Liu et al., "Non-Local Recurrent Network", NeurIPS 2018, arXiv 1806.02919.

They are blind: nobody tells them the noise. `enlist` makes them known to the one training loop in this process only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nonloc.methods import registry
from nonloc.methods.base import NetworkMethod
from nonloc.methods.card import Card
from nonloc.nonlocal_ops.window import window_attention

METHOD = "table1"
# the steps make up for what the non-local part costs; `probes.kflop_per_pixel` counts
DESIGNS: dict[str, dict[str, Any]] = {
    "mlp": {"design": "mlp", "features": 616},
    "cnn": {"design": "cnn", "features": 48, "steps": 8},
    "cnn-nl": {"design": "cnn", "features": 48, "steps": 6, "window": 33},
    "rnn": {"design": "rnn", "features": 48, "steps": 8},
    "rnn-nl": {"design": "rnn", "features": 48, "steps": 6, "window": 33},
}


class PatchMLP(nn.Module):
    """Each 16 x 16 patch gives the noise of its middle 8 x 8; patches lie 4 apart, and the four answers are averaged.

    features: of each of the four hidden layers.
    """

    def __init__(self, features: int = 616):
        super().__init__()
        # a layer on all patches at once is a convolution with the patch as its kernel
        self.layers = nn.Sequential(
            nn.Conv2d(1, features, 16, stride=4, padding=8),
            nn.ReLU(),
            *(layer for _ in range(3) for layer in (nn.Conv2d(features, features, 1), nn.ReLU())),
            nn.ConvTranspose2d(features, 1, 8, stride=4, padding=4),
        )
        for layer in self.layers.modules():
            if isinstance(layer, nn.Conv2d):  # as He et al., ICCV 2015: no skip carries the signal through these layers
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        for parameter in self.layers[-1].parameters():
            nn.init.zeros_(parameter)

    def forward(self, y: Tensor) -> Tensor:
        """Clean estimate of `y` (B, 1, H, W), H and W multiples of 4."""
        return y - self.layers(y).to(y.dtype) / 4


class Steps(nn.Module):
    """h <- h + step_t(h) at half of the picture's sides, from a convolution of the unshuffled picture.

    steps: T. shared: whether all steps have the same convolutions (a recurrent network, with a scale and shift for each
    step, as NLRN has normalisations) or each its own (a feed-forward one). window: q of each step's non-local part, 0
    for none; on a grid of 1/4 of the picture's sides, as in nlrn-fast, so that 33 keys reach 64 pixels each way.
    embedding: l, channels of theta and phi. values: m, channels of g. Logits are carried where weights are shared.
    """

    def __init__(
        self,
        features: int = 48,
        steps: int = 8,
        shared: bool = False,
        window: int = 0,
        embedding: int = 12,
        values: int = 24,
    ):
        super().__init__()
        self.steps, self.shared, self.window = steps, shared, window
        own = 1 if shared else steps
        self.head = nn.Conv2d(4, features, 3, padding=1)
        self.first = nn.ModuleList(nn.Conv2d(features, features, 3, padding=1) for _ in range(own))
        self.second = nn.ModuleList(nn.Conv2d(features, features, 3, padding=1) for _ in range(own))
        self.far = nn.ModuleList(NonLocalPart(features, window, embedding, values) for _ in range(own if window else 0))
        if shared:
            self.scale = nn.Parameter(torch.ones(steps, features, 1, 1))
            self.shift = nn.Parameter(torch.zeros(steps, features, 1, 1))
        self.tail = nn.Conv2d(features, 4, 3, padding=1)
        with torch.no_grad():
            for layer in self.second:
                layer.weight.mul_(0.2)  # type: ignore[operator]  # near the identity at the start
        for parameter in self.tail.parameters():
            nn.init.zeros_(parameter)

    def forward(self, y: Tensor, steps: int | None = None) -> Tensor:
        """Clean estimate of `y` (B, 1, H, W), H and W multiples of 4; steps: leave after so many, None: after all."""
        h = self.head(F.pixel_unshuffle(y, 2).contiguous(memory_format=torch.channels_last))
        logits = None
        for t in range(self.steps if steps is None else steps):
            own = 0 if self.shared else t
            r = F.relu(h * self.scale[t] + self.shift[t] if self.shared else h)
            if len(self.far):
                keep = self.shared and t < self.steps - 1
                r, logits = self.far[own](r, logits, keep=keep)
            h = h + self.second[own](F.relu(self.first[own](r)))
        return y - F.pixel_shuffle(self.tail(F.relu(h)).to(y.dtype), 2)


class NonLocalPart(nn.Module):
    """r + Wz softmax(S) g(r) on every second position of r: 2 x 2 positions are one; the identity at the start."""

    def __init__(self, features: int, window: int, embedding: int, values: int):
        super().__init__()
        self.window = window
        self.theta, self.phi = (nn.Conv2d(features, embedding, 2, stride=2) for _ in range(2))
        self.g = nn.Conv2d(features, values, 2, stride=2)
        self.project = nn.ConvTranspose2d(values, features, 2, stride=2, bias=False)
        nn.init.zeros_(self.project.weight)

    def forward(self, r: Tensor, logits: Any, *, keep: bool) -> tuple[Tensor, Any]:
        """r (B, features, h, w), h and w even, and the logits for the next step if `keep`."""
        theta, phi, g = self.theta(r), self.phi(r), self.g(r)
        scale = theta.shape[1] ** -0.5
        z, logits = window_attention(theta, phi, g, self.window, carried=logits, keep=keep, scale=scale)
        return r + self.project(z), logits


def network(design: str, channels: int = 1, **sizes: Any) -> nn.Module:
    """The module of a design: 'mlp', 'cnn' or 'rnn'; gray pictures."""
    if channels != 1:
        raise ValueError(f"{channels} channels; these networks are for gray pictures")
    return PatchMLP(**sizes) if design == "mlp" else Steps(shared=design == "rnn", **sizes)


class Table1Method(NetworkMethod):
    network = staticmethod(network)  # type: ignore[assignment]


def enlist(name: str = METHOD, cls: str = f"{__name__}:Table1Method", grid: int = 4) -> None:
    """Make a card for the networks of this experiment, in this process: no list of methods ever shows it."""
    cards = cast(dict[str, Card], registry.cards())
    cards[name] = Card(
        name=name,
        title="networks of one experiment",
        task="denoise",
        family="networks",
        fidelity="ours",
        fidelity_why="made for the comparison",
        cls=cls,
        handles=("gaussian",),
        channels=(1,),
        advice="",
        path=Path(__file__),
        multiple=grid,
        tiles=False,
        tiles_why="small pictures only",
    )
