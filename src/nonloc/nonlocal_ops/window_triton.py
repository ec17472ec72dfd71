"""Windowed attention on CUDA by Triton kernels, forward and backward, with logits carried from step to step.

Source: Liu, Wen, Fan, Loy, Huang, "Non-Local Recurrent Network for Image Restoration", NeurIPS 2018, arXiv 1806.02919,
equation (2) and S_t = theta_t phi_t^T + S_(t-1); the tiles follow Dao, "FlashAttention-2", arXiv 2307.08691. The
definition is `definition.non_local`; what carried logits cost and how they are held stands in `window_triton_steps`.
"""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from ..errors import UsageError

if TYPE_CHECKING:
    from .window_triton_steps import Grid, Held, Pair

DTYPES = (torch.float16, torch.bfloat16, torch.float32)
CHANNELS = 256  # more do not fit into one program


def why_not() -> str:
    """Why `window_attention_triton` cannot run here; empty where it can."""
    if importlib.util.find_spec("triton") is None:
        return "Triton is not installed"
    if interpreted():
        return ""
    if not torch.cuda.is_available():
        return "there is no CUDA device"
    if torch.cuda.get_device_capability() < (8, 0):
        return "the CUDA device is older than compute capability 8.0"
    return ""


def available() -> bool:
    """Whether `window_attention_triton` can run here."""
    return not why_not()


def interpreted() -> bool:
    """Whether Triton runs its kernels in Python, on CPU tensors: for tests, hundreds of times slower."""
    return os.environ.get("TRITON_INTERPRET", "0").lower() in ("1", "true", "on", "yes")


class TritonLogits(NamedTuple):
    """Logits kept for the next step; opaque. step: how many steps they sum.

    history, link: with gradients, theta and phi of these steps, and their place in autograd; else nothing.
    """

    held: Held
    step: int
    history: list[Pair]
    link: Tensor | None


def window_attention_triton(
    theta: Tensor,
    phi: Tensor,
    g: Tensor,
    window: int,
    *,
    carried: TritonLogits | None = None,
    keep: bool = False,
    border: str = "clamp",
    scale: float = 1.0,
    held_as: torch.dtype | None = None,
    across: int | None = None,
) -> tuple[Tensor, TritonLogits | None]:
    """z_i = sum_j P_ij g_j with P = softmax of S_ij = scale theta_i . phi_j + carried_ij over the window of i.

    theta, phi (B, l, H, W), g (B, m, H, W): on one CUDA device, of one dtype, float16, bfloat16 or float32; sums are
    float32. l and m at most 256. window: odd. border: 'clamp' moves the window inside, 'mask' cuts it.
    carried: the logits kept by the step before; without gradients they are used up when this step keeps its own.
    keep: give this step's logits for the next. Without gradients they are held in `held_as`, 16 bits minus a constant
    of each row that is near its maximum; None is float16. With gradients they are held once, in float32, for all
    steps, and taken back step by step in the backward pass, which needs as much memory again.
    across: tiles of 8 x 8 in a query block, 1 or 2; None chooses.

    Returns z (B, m, H, W) in the dtype of g, and the logits, None unless `keep`. Gradients reach theta, phi and g of
    this step and, through carried logits, those of the steps before; there are no second derivatives.
    UsageError where Triton cannot run, and for arguments that contradict each other.
    """
    _check(theta, phi, g, window, border, held_as, across)
    from . import window_triton_steps as steps

    across = across or (1 if g.dtype == torch.float32 else 2)  # wider blocks of float32 do not fit
    grid = steps.Grid(theta.shape[2], theta.shape[3], window, border, scale, across)
    Q, K, V = (to_tiles(features, grid) for features in (theta, phi, g))
    link = None if carried is None else carried.link
    training = torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in (Q, K, V, link))
    if carried is not None:
        _check_carried(carried, grid, len(g), training)
    kept = None
    if carried is None and not keep:
        z = steps.Once.apply(Q, K, V, grid) if training else steps.attend(grid, Q, K, V)[0]
    else:
        kind = torch.float32 if training else held_as or torch.float16
        held = carried.held if carried else steps.Held(grid, g.new_empty(grid.band(len(g)), dtype=kind))
        if training:
            z, link = steps.Step.apply(Q, K, V, link, held, carried.history if carried else [])
        else:
            shift = keep and held.S.dtype != torch.float32
            z, _ = steps.attend(grid, Q, K, V, held.S, read=carried is not None, write=keep, shift=shift)
            held.step += keep
        kept = TritonLogits(held, held.step, held.history, link) if keep else None
    return from_tiles(z, g.shape[1], grid), kept


def logits_bytes(
    height: int, width: int, window: int, *, border: str = "clamp", batch: int = 1, number: int = 2, across: int = 2
) -> int:
    """Memory in bytes that `keep` holds between steps; number: bytes of one logit.

    With gradients it is 4, and the backward pass needs as much again. across: as `window_attention_triton`, 1 for
    float32 maps.
    """
    from . import window_triton_steps as steps

    return torch.Size(steps.Grid(height, width, window, border, 1.0, across).band(batch)).numel() * number


def to_tiles(features: Tensor, grid: Grid) -> Tensor:
    """(B, channels, H, W) as tokens (B, N, channels), 8 x 8 of a tile after each other; padded with zeros.

    Channels become a power of two, at least 16, as the products of the kernels ask for.
    """
    batch, channels, height, width = features.shape
    rows, columns = grid.tiles
    whole = max(16, 1 << (channels - 1).bit_length())
    padded = functional.pad(features, (0, 8 * columns - width, 0, 8 * rows - height, 0, whole - channels))
    tiles = padded.reshape(batch, whole, rows, 8, columns, 8).permute(0, 2, 4, 3, 5, 1)
    return tiles.reshape(batch, 64 * rows * columns, whole).contiguous()  # a map of one tile column is a mere view


def from_tiles(tokens: Tensor, channels: int, grid: Grid) -> Tensor:
    """`to_tiles` undone: (B, channels, H, W), contiguous in memory."""
    rows, columns = grid.tiles
    tiles = tokens.reshape(len(tokens), rows, columns, 8, 8, -1)[..., :channels]
    padded = tiles.permute(0, 5, 1, 3, 2, 4).reshape(len(tokens), channels, 8 * rows, 8 * columns)
    return padded[..., : grid.height, : grid.width].contiguous()


def _check(
    theta: Tensor, phi: Tensor, g: Tensor, window: int, border: str, held_as: torch.dtype | None, across: int | None
) -> None:
    """UsageError unless the kernels can do what is asked."""
    asked = f"path='triton' on {tuple(theta.shape)}, {tuple(phi.shape)}, {tuple(g.shape)}"
    if reason := why_not():
        raise UsageError("path='triton'", reason, "Take path='auto'")
    if not interpreted() and not g.is_cuda:
        raise UsageError(
            "path='triton'", f"the maps are on {g.device}", "Move them to a CUDA device, or take path='auto'"
        )
    if theta.dim() != 4 or theta.shape != phi.shape or g.shape[:1] + g.shape[2:] != theta.shape[:1] + theta.shape[2:]:
        raise UsageError(asked, "they are not (B, l, H, W) twice and (B, m, H, W)", "Give maps of one size")
    if max(theta.shape[1], g.shape[1]) > CHANNELS:
        raise UsageError(asked, f"there are more than {CHANNELS} channels", "Take path='blocked'")
    if not theta.dtype == phi.dtype == g.dtype or g.dtype not in DTYPES:
        found = f"they are {theta.dtype}, {phi.dtype} and {g.dtype}"
        raise UsageError(asked, found, "Give one dtype to all, float16, bfloat16 or float32")
    if window < 1 or window % 2 == 0:
        raise UsageError(f"window {window}", "a window is odd and has a centre", f"Take {window // 2 * 2 + 1}")
    if border not in ("clamp", "mask"):
        raise UsageError(f"border {border!r}", "window attention has 'clamp' and 'mask'", "Take one of them")
    if held_as not in (None, *DTYPES):
        raise UsageError(f"held_as {held_as}", "logits are held in a float dtype", "Give float16, bfloat16 or float32")
    if across not in (None, 1, 2):
        raise UsageError(f"across {across}", "a query block is 1 or 2 tiles wide", "Take 1, 2 or None")


def _check_carried(carried: TritonLogits, grid: Grid, batch: int, training: bool) -> None:
    """UsageError unless the carried logits are of this grid, of the step before, and of the same kind."""
    asked, held = "carried logits", carried.held
    if held.grid != grid or held.S.shape[0] != batch:
        raise UsageError(
            asked, f"they are of {held.grid}, batch {len(held.S)}", f"Carry those of {grid}, batch {batch}"
        )
    if held.step != carried.step and not training:
        raise UsageError(asked, "a later step has used them up", "Carry the logits that the last step gave")
    if training != (carried.link is not None):
        found = "they were kept without gradients" if training else "they were kept for a backward pass"
        raise UsageError(asked, found, "Run all steps either under torch.no_grad() or with gradients")
