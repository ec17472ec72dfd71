"""One step of windowed attention on the kernels: launches, gradients, and logits that can be run backwards.

Source: Liu, Wen, Fan, Loy, Huang, "Non-Local Recurrent Network for Image Restoration", NeurIPS 2018, arXiv 1806.02919,
S_t = theta_t phi_t^T + S_(t-1). As each step only adds to S, training keeps one S and not one per step. Going back,
S_(t-1) = S_t - theta_t phi_t^T, and one running G_t = G_(t+1) + dS_t gives dtheta_t = G_t phi_t and
dphi_t = G_t^T theta_t.
"""

from __future__ import annotations

from math import log
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from triton.runtime.errors import OutOfResources

from ..errors import UsageError
from . import window_triton_kernels as kernels

SIDE, TILE = kernels.SIDE.value, kernels.TILE.value

Pair = tuple[Tensor, Tensor]  # theta and phi of a step

# (is it `attend`, is it float32): warps for query blocks of one tile and of two, key tiles on their way at a time.
# Compiled for compute capability 9.0 with l = 64 and m = 128, none spills registers but float32 on the way back;
# which is fastest waits for a measurement (benchmarks/window_triton.py --sweep)
SHAPES = {
    (True, False): ((4, 8), 3),
    (True, True): ((8, 8), 2),
    (False, False): ((4, 8), 2),
    (False, True): ((8, 8), 1),
}


class Grid(NamedTuple):
    """A map of height x width positions in tiles of 8 x 8, and the windows on it.

    across: tiles of a query block. border: 'clamp' or 'mask'. scale: of the logits.
    """

    height: int
    width: int
    window: int
    border: str
    scale: float
    across: int

    @property
    def tiles(self) -> tuple[int, int]:
        """Tiles in y and x, whole query blocks of them."""
        return -(-self.height // SIDE), -(-self.width // (SIDE * self.across)) * self.across

    @property
    def blocks(self) -> int:
        """Query blocks."""
        return self.tiles[0] * self.tiles[1] // self.across

    @property
    def slots(self) -> int:
        """The most key tiles that the windows of one query block touch."""
        return max(self.reach(self.height, SIDE)) * max(self.reach(self.width, SIDE * self.across))

    @property
    def pairs(self) -> int:
        """All pairs of a query block and a key tile that its windows touch: the products that are computed."""
        return sum(self.reach(self.height, SIDE)) * sum(self.reach(self.width, SIDE * self.across))

    def reach(self, side: int, queries: int) -> list[int]:
        """Key tiles that each block of that many queries touches along one axis; as `tiles_seen` of the kernels."""
        r, q = self.window // 2, min(self.window, side)
        counts = []
        for start in range(0, side, queries):
            first, last = start - r, min(start + queries, side) - 1 - r
            if self.border == "clamp":
                first, end = (max(min(i, side - q), 0) for i in (first, last))
                end += q
            else:
                first, end = max(first, 0), min(last + self.window, side)
            counts.append(-(-end // SIDE) - first // SIDE)
        return counts

    def band(self, batch: int) -> tuple[int, int, int, int, int]:
        """Shape of the held logits."""
        return batch, self.blocks, self.slots, TILE * self.across, TILE


class Held:
    """The logits of one run of steps, in the order of the kernels; each step changes them in place.

    S: `Grid.band` in units of log 2, minus a constant of each row where it has 16 bits. step: how many steps it is the
    sum of. history: for training, theta and phi of these steps. G: the gradient of S so far, in a backward pass.
    """

    def __init__(self, grid: Grid, S: Tensor):
        self.grid, self.S, self.step = grid, S, 0
        self.history: list[Pair] = []
        self.G: Tensor | None = None

    def stand_at(self, history: list[Pair]) -> None:
        """Have S after those steps: adds what is missing, and takes off what is too much."""
        common = 0
        for ours, theirs in zip(self.history, history, strict=False):
            if ours[0] is not theirs[0]:
                break
            common += 1
        for pair in reversed(self.history[common:]):
            self._add(pair, -1)
        for pair in history[common:]:
            self._add(pair, 1)

    def _add(self, pair: Pair, sign: int) -> None:
        theta, phi = pair
        nothing = theta.new_zeros(*theta.shape[:2], 16)
        grid = self.grid._replace(scale=sign * self.grid.scale)
        attend(grid, theta, phi, nothing, self.S, read=bool(self.history), write=True)
        self.history = [*self.history, pair] if sign > 0 else self.history[:-1]
        self.step = len(self.history)


def attend(
    grid: Grid,
    theta: Tensor,
    phi: Tensor,
    g: Tensor,
    S: Tensor | None = None,
    *,
    read: bool = False,
    write: bool = False,
    shift: bool = False,
) -> tuple[Tensor, Tensor]:
    """z and the log2 sums of the softmax, of tokens (B, N, channels); S is read and written as told."""
    z, lse = torch.empty_like(g), torch.empty(g.shape[:2], dtype=torch.float32, device=g.device)
    held = lse if S is None else S
    options = dict(READ=read, WRITE=write, SHIFT=shift)
    launch(kernels.attend, grid.blocks, grid, (theta, phi, g, held, z, lse), (grid.scale / log(2),), options)
    return z, lse


def go_back(
    grid: Grid, saved: tuple[Tensor, ...], dz: Tensor | None, held: Held | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of theta, phi and g, `saved` with z and lse. With held logits, S goes back and G has dS added."""
    theta, phi, g, z, lse = saved
    dz = torch.zeros_like(z) if dz is None else dz.contiguous()
    dtheta, dphi, dg = (torch.empty_like(tokens) for tokens in (theta, phi, g))
    delta = (dz.float() * z.float()).sum(2)
    S = G = lse
    later = False
    if held is not None:
        S, later = held.S, held.G is not None
        G = held.G = held.G if held.G is not None else torch.empty_like(held.S)
    inputs = theta, phi, g, dz, lse, delta, S, G
    factors = grid.scale / log(2), grid.scale
    options = dict(HELD=held is not None)
    launch(kernels.back_to_queries, grid.blocks, grid, (*inputs, dtheta), factors, options | dict(LATER=later))
    launch(kernels.back_to_keys, grid.tiles[0] * grid.tiles[1], grid, (*inputs, dphi, dg), factors, options)
    if held is not None:
        held.history = held.history[:-1]
        held.step -= 1
    return dtheta, dphi, dg


def launch(
    kernel: Any,
    programs: int,
    grid: Grid,
    maps: tuple[Tensor, ...],
    factors: tuple[float, ...],
    options: dict[str, Any],
) -> None:
    """Run a kernel for each of `programs` pieces of each map; theta and g are the first and third of `maps`.

    A device whose shared memory is smaller than an H100's gets fewer key tiles on their way at a time.
    """
    theta, _, g = maps[:3]
    exact = "tf32" if torch.backends.cuda.matmul.allow_tf32 else "tf32x3"  # three products: float32 on tensor cores
    options = options | dict(
        L=theta.shape[2],
        M=g.shape[2],
        ACROSS=grid.across,
        CLAMP=grid.border == "clamp",
        PRECISION=exact if g.dtype == torch.float32 else "ieee",
    )
    sizes = grid.height, grid.width, grid.window, *grid.tiles, grid.slots
    warps, stages = SHAPES[kernel is kernels.attend, g.dtype == torch.float32]
    for fewer in range(stages, 0, -1):
        try:
            with torch.cuda.device_of(g):
                kernel[programs, len(g)](
                    *maps, *sizes, *factors, **options, num_warps=warps[grid.across - 1], num_stages=fewer
                )
            return
        except OutOfResources as error:
            reason = str(error)
    raise UsageError(
        "path='triton'",
        f"{options['L']} and {options['M']} channels do not fit on this device: {reason}",
        "Take 'blocked'",
    )


class Once(torch.autograd.Function):
    """A step without carried logits: nothing of the size of S is kept."""

    @staticmethod
    def forward(ctx: Any, theta: Tensor, phi: Tensor, g: Tensor, grid: Grid) -> Tensor:
        z, lse = attend(grid, theta, phi, g)
        ctx.save_for_backward(theta, phi, g, z, lse)
        ctx.grid = grid
        return z

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dz: Tensor) -> tuple[Tensor | None, ...]:
        return *go_back(ctx.grid, ctx.saved_tensors, dz, None), None


class Step(torch.autograd.Function):
    """A step of a run with carried logits, `history` before it. `link` ties it to the step before.

    The link has no content; it makes autograd go through the steps backwards, and its gradient says from how many
    steps a backward pass comes.
    """

    @staticmethod
    def forward(
        ctx: Any, theta: Tensor, phi: Tensor, g: Tensor, link: Tensor | None, held: Held, history: list[Pair]
    ) -> tuple[Tensor, Tensor]:
        held.stand_at(history)
        z, lse = attend(held.grid, theta, phi, g, held.S, read=bool(history), write=True)
        # detached: the graph's own tensors would keep this step alive in a circle
        held.history = [*history, (theta.detach(), phi.detach())]
        held.step = len(held.history)
        ctx.save_for_backward(theta, phi, g, z, lse)
        ctx.set_materialize_grads(False)
        ctx.held, ctx.history = held, held.history
        return z, torch.zeros(1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dz: Tensor | None, dlink: Tensor | None) -> tuple[Tensor | None, ...]:
        held, saved, step = ctx.held, ctx.saved_tensors, len(ctx.history)
        if dlink is None:  # this pass begins here: nothing of an earlier one may be left
            held.G = None
            held.stand_at(ctx.history)
        elif dlink.item() > 1 or held.G is None or held.step != step:
            found = "two steps went on from it" if dlink.item() > 1 else "another pass was in between"
            raise UsageError(f"the gradient of step {step}", found, "Carry logits to one step, one backward at a time")
        gradients = go_back(held.grid, saved, dz, held)
        if step == 1:
            held.G = None
        return *gradients, (torch.ones(1) if step > 1 else None), None, None
