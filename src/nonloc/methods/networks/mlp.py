"""The patch MLP: a fully connected network turns a noisy patch into a smaller clean one, wherever a patch lies.

Source: Burger, Schuler, Harmeling, "Image denoising: Can plain neural networks compete with BM3D?", CVPR 2012,
DOI 10.1109/CVPR.2012.6247952, and arXiv 1211.1544: patches every 3 pixels, grays as (y - 0.5) / 0.2, hidden tanh,
linear output, overlapping outputs averaged with a Gaussian window. The paper's are 17 - 4 x 2047 - 17 and
39 - 3072 - 3072 - 2559 - 2047 - 17 pixels wide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import UsageError
from ..base import NetworkMethod
from ..card import Card, Weights

GRAY, SPREAD = 0.5, 0.2  # the network sees (y - GRAY) / SPREAD
AT_ONCE = 4096  # patches: what lies between the layers stays small, whatever the picture


class MLP(nn.Module):
    """Denoiser of gray pictures for one level of noise.

    channels: 1, there is no other. patch: side of what the network sees. output: side of what it says of the middle of
    that, at most `patch` and as even or odd. widths: of the hidden layers. step: between patches; while training they
    lie side by side instead, so that each is judged alone, as in the paper.
    """

    window: Tensor

    def __init__(
        self,
        channels: int = 1,
        patch: int = 17,
        output: int = 9,
        widths: Sequence[int] = (512, 512, 512),
        step: int = 3,
    ):
        super().__init__()
        if channels != 1:
            raise UsageError(f"an MLP with {channels} channels", "it is for gray pictures", "Give 1")
        if not 1 <= step <= output <= patch or (patch - output) % 2:
            asked = f"an MLP from {patch} to {output} pixels every {step}"
            raise UsageError(asked, "the output has no middle place, or leaves gaps", "Take 17, 9 and 3")
        self.patch, self.output, self.step = patch, output, step
        sizes = [patch**2, *widths, output**2]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(sizes):
            layers += [linear(inputs, outputs), nn.Tanh()]
        self.layers = nn.Sequential(*layers[:-1])
        self.register_buffer("window", gaussian_window(output), persistent=False)

    @property
    def rim(self) -> int:
        """How many pixels more than it says the network sees on each side."""
        return (self.patch - self.output) // 2

    @property
    def reach(self) -> int:
        """How many pixels each way a pixel sees: it may be the last of an output patch."""
        return self.output - 1 + self.rim

    def forward(self, y: Tensor) -> Tensor:
        """Clean estimate of noisy `y` (B, 1, H, W), black 0, white 1; same shape, not clipped.

        Mirrored beyond the border, without the border itself. UsageError when a side is shorter than the output.
        """
        height, width = y.shape[-2:]
        if min(height, width) < self.output:
            found = f"the picture has {height} x {width}"
            raise UsageError(f"an MLP that says {self.output} pixels", found, "Pad the picture")
        step = self.output if self.training else self.step
        # so much further that patches cover all
        below, right = (-(side - self.output) % step for side in (height, width))
        z = F.pad((y - GRAY) / SPREAD, (self.rim, self.rim + right, self.rim, self.rim + below), mode="reflect")
        patches = z[:, 0].unfold(1, self.patch, step).unfold(2, self.patch, step)  # (B, rows, columns, patch, patch)
        said = torch.cat([self.layers(some) for some in patches.reshape(-1, self.patch**2).split(AT_ONCE)])
        votes = said.to(y.dtype).view(len(y), -1, self.output**2) * self.window
        size = (height + below, width + right)
        x = laid_down(votes, size, self.output, step) / laid_down(self.window.expand_as(votes), size, self.output, step)
        return x[..., :height, :width] * SPREAD + GRAY


def laid_down(patches: Tensor, size: tuple[int, int], side: int, step: int) -> Tensor:
    """Patches (B, patches, side^2), in reading order, added up where they lie, every `step` pixels; (B, 1, *size)."""
    return F.fold(patches.transpose(1, 2), size, side, stride=step)


def linear(inputs: int, outputs: int) -> nn.Linear:
    """A layer drawn as in the paper: uniform within sqrt(6 / (inputs + outputs)), no bias."""
    made = nn.Linear(inputs, outputs)
    nn.init.xavier_uniform_(made.weight)
    nn.init.zeros_(made.bias)
    return made


def gaussian_window(side: int) -> Tensor:
    """Weights of the pixels of an output patch, (side^2,), 1 in the middle; standard deviation floor(side / 2) / 2."""
    i = torch.arange(side, dtype=torch.float64) - (side - 1) / 2
    bell = torch.exp(-(i**2) / (2 * max(side // 2, 1) ** 2 / 4))
    return torch.outer(bell, bell).flatten().float()


class MLPMethod(NetworkMethod):
    network = MLP  # its arguments stand under `network` in the card; sigma picks the weights
    module: MLP

    def __init__(self, card: Card, weights: Weights | None = None, module: MLP | None = None):
        super().__init__(card, weights, module)
        own = self.module  # others than the card's see further, and take more
        self.card = replace(
            card,
            halo_exact=own.reach,
            grid=own.step,
            minimum=own.output,
            bytes_per_pixel=4
            * (own.patch**2 + 3 * own.output**2)
            / own.step**2,  # the patches, and what is said of them
        )
