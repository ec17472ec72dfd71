"""NLNet and CNLNet: proximal gradient steps on an energy with a non-local regulariser, all of it learned.

Source: Lefkimmiatis, "Non-Local Color Image Denoising with Convolutional Neural Networks", CVPR 2017,
DOI 10.1109/CVPR.2017.623. Step (equation 9): x <- (1 - l) x + l y - L' psi(L x), where L takes patches, transforms them
and adds up those that are alike, and psi is a function of one number for each coefficient. For its energy, `energy.py`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...errors import UsageError
from ..base import NetworkMethod
from ..classical.colour_space import ROWS
from .filter_bank import FilterBank
from .nonlocal_operator import Neighbours, analyse, find, synthesise
from .radial_basis import RadialBasis

# Arguments of the functions are clipped to +- REACH, where 51 Gaussians stand. The colour network's authors write 0.5
# on pictures of 0 to 1; all is kept in 0 to 255 here, so that gray and colour learn at the same rate.
REACH = {1: 100.0, 3: 127.5}
GAUSSIANS = 51
SLOW = 0.1  # few numbers with much to say learn at a tenth of the common rate: they are stored ten times as large


class NLNet(nn.Module):
    """Denoiser for one level of noise, of gray pictures (NLNet, paper, section 3) or of colour (CNLNet, section 4).

    channels: 1 or 3. size: side of a patch, 5 or 7 in the paper. stages: how many. neighbours: K, how many patches are
    added up, itself among them. window: odd side of the square in which they are looked for, once, in the noisy
    picture. depth: as many stages as run; a training may begin with fewer.
    """

    def __init__(self, channels: int = 1, size: int = 5, stages: int = 5, neighbours: int = 8, window: int = 31):
        super().__init__()
        if channels not in REACH:
            raise UsageError(f"NLNet with {channels} channels", "it is for gray and for colour", "Give 1 or 3")
        self.size, self.neighbours, self.window = size, neighbours, window
        self.stages = nn.ModuleList(Stage(channels, size, neighbours, first=t == 0) for t in range(stages))
        self.depth = stages

    def forward(self, y: Tensor) -> Tensor:
        """Clean estimate of noisy `y` (B, C, H, W), black 0, white 1; same shape.

        Not clipped: the paper's projection onto what a picture can hold, after the last stage, is left to whoever
        stores it.
        """
        with torch.autocast(y.device.type, enabled=False):  # steps of 1 in 255 are too coarse to add up
            y = 255 * y.float()
            near = find(y, self.size, self.window, self.neighbours)
            opponent = torch.as_tensor(ROWS, dtype=y.dtype, device=y.device) if y.shape[1] == 3 else None
            if opponent is not None:
                y = torch.einsum("oc,bchw->bohw", opponent, y)
            x = y
            for stage in self.stages[: self.depth]:
                x = stage(x, y, near)
            if opponent is not None:
                x = torch.einsum("co,bohw->bchw", torch.linalg.inv(opponent), x)
            return x / 255


class Stage(nn.Module):
    """One step. At the start a local smoothing that leaves large coefficients alone, as that of TNRD.

    first: the step that meets the noise in full.
    """

    def __init__(self, channels: int, size: int, neighbours: int, *, first: bool):
        super().__init__()
        self.filters = FilterBank(size, turning=4)
        reach = REACH[channels]
        centres = torch.linspace(-reach, reach, GAUSSIANS, dtype=torch.float64)
        width = 2 * reach / (GAUSSIANS - 1)
        self.influence = RadialBasis(
            channels * self.filters.count, centres, width, low=-reach, high=reach, step=width / 40
        )
        amount = (0.7 if first else 0.2) / size**2
        self.influence.fit(lambda v: amount * v * torch.exp(-(v**2) / 5000))
        self.closeness = nn.Parameter(torch.eye(1, neighbours)[0] / SLOW)  # the patch itself, and no other yet
        self.trust = nn.Parameter(torch.zeros(()) if first else torch.tensor(0.05 / SLOW))

    @property
    def g(self) -> Tensor:
        """(K,), the weights of the patches that are alike, the nearest first."""
        return SLOW * self.closeness

    @property
    def reaction(self) -> Tensor:
        """l, how far the step goes towards y; 0 or less is possible."""
        return SLOW * self.trust

    def forward(self, x: Tensor, y: Tensor, near: Neighbours) -> Tensor:
        """The next x of `x`, with noisy `y`, both (B, C, H, W), 0 to 255, C gray or opponent colours."""
        k, g = self.filters(), self.g
        r = synthesise(self.influence(analyse(x, k, g, near)), k, g, near)
        return x - self.reaction * (x - y) - r


class NLNetMethod(NetworkMethod):
    network = NLNet  # its arguments stand under `network` in the card; sigma picks the weights
