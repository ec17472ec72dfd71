"""A mixture of Gaussians on small patches of pictures, and what it makes of noisy ones.

Source: Zoran, Weiss, "From learning models of natural image patches to whole image restoration", ICCV 2011, DOI
10.1109/ICCV.2011.6126278, sections 4 and 5: of all components the one is taken under which the noisy patch is most
likely, and the patch gets that component's Wiener filter. Patches come without their mean; the Gaussians are centred.

What makes it fast: in noise of variance v, principal directions of much smaller variance look all alike. They are
taken together as one flat tail, after Parameswaran, Deledalle, Denis, Nguyen, "Accelerating GMM-based patch priors for
image restoration", IEEE TIP 28(2), 2019, DOI 10.1109/TIP.2018.2866691, section III, but with the cut where v puts it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from .block_transforms import cosine

TAIL = 0.1  # nats that a component with a flat tail may be away from the true one
RANKS = 4  # ranks are multiples of it, so that components of the same rank are worked out at once
CHUNK = 256  # patches whose products with all components stay in the cache


def without_mean(patch: int) -> Tensor:
    """An orthonormal basis of the patches whose mean is 0, float32 (patch^2, patch^2 - 1): cosines, but the first."""
    return torch.from_numpy(np.kron(cosine(patch), cosine(patch))[1:].T.astype(np.float32))


class Filters(NamedTuple):
    """The Wiener filters of K components in noise of one variance: tail[k] z + sum_j gains[k, j] d_j d_j^T z.

    directions: float32 (K, most, patch^2), rows d_j. gains: (K, most). ranks: int64 (K,), how many count. tail: (K,).
    """

    directions: np.ndarray
    gains: np.ndarray
    ranks: np.ndarray
    tail: np.ndarray


class GaussianMixture(nn.Module):
    """K centred Gaussians on gray patches without their mean, each in the basis of its own principal directions.

    channels: 1. components: K. patch: side. Held, all of moderate size, so that half precision serves them: log_weights
    (K,); log_variances (K, D), falling, and bases (K, patch^2, D), the directions in columns; D = patch^2 - 1.
    """

    log_weights: Tensor
    log_variances: Tensor
    bases: Tensor

    def __init__(self, channels: int = 1, components: int = 200, patch: int = 8):
        super().__init__()
        size = channels * patch**2
        self.patch = patch
        self.register_buffer("log_weights", torch.zeros(components))
        self.register_buffer("log_variances", torch.zeros(components, size - 1))
        self.register_buffer("bases", torch.zeros(components, size, size - 1))

    def set(self, weights: Tensor, covariances: Tensor) -> None:
        """Take weights (K,) and covariances (K, D, D) in the basis `without_mean`; the largest total variance first."""
        variances, directions = torch.linalg.eigh(covariances.double())
        order = variances.sum(1).argsort(descending=True)
        self.log_weights.copy_(weights[order].log())
        self.log_variances.copy_(variances[order].flip(1).log())
        self.bases.copy_(without_mean(self.patch).double() @ directions[order].flip(2))

    def likelihood(self, z: Tensor, variance: float) -> Tensor:
        """log pi_k + log N(z; 0, C_k + variance), (N, K), of patches `z` (N, patch^2): the definition, exact."""
        variances = self.log_variances.double().exp() + variance
        squares = torch.einsum("np,kpd->nkd", z.double(), self.bases.double()).square()
        d = variances.shape[1]
        spread = (squares / variances + variances.log()).sum(2) + d * np.log(2 * np.pi)
        return self.log_weights.double() - spread / 2

    def at(self, variance: float, tail: float = TAIL) -> InNoise:
        """The mixture as it looks through noise of that variance, white at 1."""
        return InNoise(self, variance, tail)


class InNoise:
    """What search and filters need of a mixture, for noise of one variance.

    With the tail of variance r beyond rank R, the log-likelihood of z is up to a constant

        a_k - |z|^2 / 2 (r + v) + sum over j < R of (d_j^T z)^2 (1 / (r + v) - 1 / (lambda_j + v)) / 2.
    """

    def __init__(self, mixture: GaussianMixture, variance: float, tail: float):
        lambdas, bases = mixture.log_variances.double().exp(), mixture.bases.double()
        d = lambdas.shape[1]
        ranks = (flattening(lambdas + variance) > tail).sum(1)
        ranks = (-(-ranks // RANKS) * RANKS).clamp(max=d)
        beyond = torch.arange(d) >= ranks[:, None]
        r = (lambdas * beyond).sum(1) / beyond.sum(1).clamp_min(1)
        flat = torch.where(beyond, r[:, None], lambdas) + variance
        constants = mixture.log_weights.double() - flat.log().sum(1) / 2
        slopes = 1 / (r + variance) / 2
        scales = (slopes[:, None] - 1 / (2 * (lambdas + variance))).clamp_min(0).sqrt()
        order = ranks.argsort(stable=True)
        self.patch, self.order = mixture.patch, order.numpy()
        self.constants, self.slopes = constants[order].float(), slopes[order].float()
        self.buckets: list[tuple[int, int, Tensor]] = []  # components, their rank, (patch^2, both)
        for rank in ranks.unique().tolist():
            mine = torch.nonzero(ranks == rank)[:, 0]
            scaled = (bases[mine, :, :rank] * scales[mine, None, :rank]).permute(1, 0, 2).float()
            self.buckets.append((len(mine), rank, scaled.reshape(bases.shape[1], -1).contiguous()))
        rest = r / (r + variance)
        most = max(int(ranks.max()), 1)
        gains = (lambdas / (lambdas + variance) - rest[:, None])[:, :most]
        self.filters = Filters(
            np.ascontiguousarray(bases[:, :, :most].transpose(1, 2).float().numpy()),
            np.ascontiguousarray(gains.float().numpy()),
            ranks.numpy(),
            rest.float().numpy(),
        )

    def best(self, z: np.ndarray) -> np.ndarray:
        """Under which component each patch of `z`, float32 (N, patch^2) without mean, is most likely: int64 (N,)."""
        found = np.empty(len(z), np.int64)
        # products of always the same shape, so that a patch's bits do not depend on how many came with it
        block = torch.zeros(CHUNK, z.shape[1])
        for start in range(0, len(z), CHUNK):
            part = torch.from_numpy(z[start : start + CHUNK])
            block[: len(part)] = part
            block[len(part) :] = 0
            scores = self.constants - block.square().sum(1, keepdim=True) * self.slopes
            first = 0
            for count, rank, columns in self.buckets:
                if rank:
                    scores[:, first : first + count] += (block @ columns).view(CHUNK, count, rank).square().sum(2)
                first += count
            found[start : start + CHUNK] = self.order[scores.argmax(1).numpy()[: len(part)]]
        return found


def flattening(variances: Tensor) -> Tensor:
    """How far a Gaussian is from the one whose variances from the R-th on are their mean, R = 0, 1, ...: nats, (K, D).

    variances: (K, D), falling. The Kullback-Leibler divergence, of which only the logarithms remain.
    """
    d = variances.shape[1]
    many = torch.arange(d, 0, -1)
    means = variances.flip(1).cumsum(1).flip(1) / many
    return (many * means.log() - variances.log().flip(1).cumsum(1).flip(1)) / 2
