"""BM3D-Net: the steps of BM3D as one network, with a learned transform of the groups and learned shrinkage.

Source: Yang, Sun, "BM3D-Net: A Convolutional Neural Network for Transform-Domain Collaborative Filtering", IEEE Signal
Processing Letters 25(1), 2018, DOI 10.1109/LSP.2017.2768660, as the authors' code github.com/legendongary/BM3D-Net has
it: one stage, which estimates the noise. Groups are found on the result of BM3D, whatever the level one set of weights
serves, since the picture is scaled to noise of 15.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from ...errors import UsageError
from ..classical.block_transforms import cosine
from ..classical.bm3d import PROFILES, STRONG, bm3d
from ..networks.conditional import ConditionalMethod
from .filter_bank import pad, unit_rows
from .nonlocal_operator import find
from .radial_basis import RadialBasis

CENTRES = range(-310, 311, 10)
LEVEL = 15  # of the noise, on the 0-255 scale, that the numbers of the network are for
AT_ONCE = 4096  # groups: 392 numbers each, as many coefficients, and what their look-up takes


class BM3DNet(nn.Module):
    """Denoiser of gray pictures for every level of noise.

    channels: 1, there is no other. patch: side of a patch. group: how many patches, a power of 2. window: odd side of
    the square around a pixel in which they are looked for.
    """

    basis: Tensor

    def __init__(self, channels: int = 1, patch: int = 7, group: int = 8, window: int = 25):
        super().__init__()
        if channels != 1:
            raise UsageError(f"BM3D-Net with {channels} channels", "it is for gray pictures", "Give 1")
        self.patch, self.group, self.window = patch, group, window
        self.register_buffer("basis", group_basis(patch, group), persistent=False)
        coefficients = len(self.basis)
        # at the start the transform of BM3D and a shrinkage that leaves large coefficients as they are: the noise is
        # what is small; a coefficient of noise alone is below 3 x 15
        self.mixing = nn.Parameter(50 * torch.eye(coefficients))
        self.shrinkage = RadialBasis(coefficients, CENTRES, 10)
        self.shrinkage.fit(lambda v: v * torch.exp(-((v / (3 * LEVEL)) ** 4)))

    def forward(self, y: Tensor, std: Tensor | float, guide: Tensor | None = None) -> Tensor:
        """Clean estimate of noisy `y` (B, 1, H, W), black 0, white 1; same shape, not clipped.

        std: of the noise, in the same units, a number or one for each picture. guide: a picture less noisy than `y`,
        where alike patches are looked for; BM3D's result, where it is not given.
        """
        with torch.autocast(y.device.type, enabled=False):
            y = y.float()
            level = torch.as_tensor(std, dtype=y.dtype, device=y.device).reshape(-1, 1, 1, 1).expand(len(y), 1, 1, 1)
            if guide is None:
                guide = plain_bm3d(y, level)
            unit = LEVEL / (255 * level).clamp_min(1e-3)
            noise = self.noise(255 * unit * y, find(255 * guide, self.patch, self.window, self.group).nearest)
            return torch.where(level > 0, y - noise / (255 * unit), y)

    def noise(self, y: Tensor, nearest: Tensor) -> Tensor:
        """The noise in `y` (B, 1, H, W), noisy with standard deviation 15; `nearest` int32 (B H W, K) as in `find`.

        Each patch of each group votes for each of its pixels; a pixel is the mean of its votes.
        """
        rim = self.patch // 2
        patches = F.unfold(pad(y, rim, "symmetric"), self.patch).transpose(1, 2).reshape(len(nearest), -1)
        w = unit_rows(self.mixing) @ self.basis
        sums = torch.zeros_like(patches)
        filtered = partial(self._filtered, w)
        for start in range(0, len(nearest), AT_ONCE):
            near = nearest[start : start + AT_ONCE].long()
            groups = patches[near].flatten(1)
            # for the way back, the coefficients of all groups would fill the memory: they are made again
            again = partial(checkpoint, filtered, use_reentrant=False) if torch.is_grad_enabled() else filtered
            shrunk = again(groups)
            sums.index_add_(0, near.flatten(), shrunk.view(-1, patches.shape[1]))
        votes = torch.bincount(nearest.flatten(), minlength=len(nearest)).to(sums.dtype)
        total = _laid_down(sums, y, self.patch)
        return total / _laid_down(votes[:, None].expand_as(sums), y, self.patch)

    def _filtered(self, w: Tensor, groups: Tensor) -> Tensor:
        """Groups (N, K m^2) transformed, shrunk and transformed back."""
        return self.shrinkage((w @ groups.T)[None])[0].T @ w


def _laid_down(patches: Tensor, y: Tensor, patch: int) -> Tensor:
    """Patches (B H W, m^2) added up where they lie in `y` (B, 1, H, W); what falls outside is left out."""
    rim, (height, width) = patch // 2, y.shape[-2:]
    columns = patches.view(len(y), height * width, -1).transpose(1, 2)
    return F.fold(columns, (height + 2 * rim, width + 2 * rim), patch)[..., rim : rim + height, rim : rim + width]


def group_basis(patch: int, group: int) -> Tensor:
    """The basis of BM3D for groups, without its constant, (K m^2 - 1, K m^2), float32: Haar across, cosine within.

    A group is written patch after patch, each row by row.
    """
    across = np.kron(haar(group), np.kron(cosine(patch), cosine(patch)))
    return torch.from_numpy(across[1:]).float()


def haar(n: int) -> np.ndarray:
    """The orthonormal Haar wavelets on n = 2^m samples, (n, n); rows are the basis, coarse before fine."""
    if n == 1:
        return np.ones((1, 1))
    coarse = np.kron(haar(n // 2), [1, 1])
    return np.vstack([coarse, np.kron(np.eye(n // 2), [1, -1])]) / math.sqrt(2)


@torch.no_grad()
def plain_bm3d(y: Tensor, level: Tensor) -> Tensor:
    """BM3D of `y` (B, 1, H, W) with the constants of its authors; level: (B, 1, 1, 1), of the noise."""
    restored = []
    for picture, std in zip(y.detach().cpu().numpy(), level.flatten().tolist(), strict=True):
        profile = "strong-noise" if 255 * std > STRONG else "normal"
        restored.append(bm3d(np.ascontiguousarray(picture[None]), std, *PROFILES[profile])[0])
    return torch.from_numpy(np.stack(restored)).to(y.device)


class BM3DNetMethod(ConditionalMethod):
    network = BM3DNet  # told the level of the noise, not trained for one
    maps = False  # its groups are found at one level
