"""What will be done, as data: decided by verbs, carried out by `execute`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..degradation import Degradation
from ..methods.base import Method

MEMORY = 2 << 30  # bytes; the default of --memory


@dataclass(frozen=True)
class Plan:
    """One method on one picture.

    method: a name from the registry, or a Method that someone made.
    degradation: what the method is told; None where it needs nothing.
    arguments: of the method, as its card allows.
    tile: side of a tile's core in pixels; 'auto' takes the largest that fits into `memory`, None the whole picture.
    halo: 'exact' equals the whole picture to rounding, 'fast' to half an 8-bit level; 'auto' is exact where that fits
        and costs no more than 2.5 times the work.
    memory: bytes that the process may use; a plan that cannot keep it is refused.
    precision: 'fp32' or 'bf16' (networks only). device: 'auto', 'cpu', 'cuda', 'mps'.
    strength: 0 gives the picture back, 1 the restored one, between them a blend.
    ensemble: 1, or 2, 4 or 8 to average over so many turns and mirrors of the square.
    licence: take only weights of that licence ('open').
    reason, diagnosis, considered, warnings, forecast: for the record; they change nothing. forecast: PSNR in dB that is
        expected, and its standard error.
    """

    method: str | Method
    degradation: Degradation | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    tile: int | str | None = "auto"
    halo: str = "auto"
    memory: int = MEMORY
    precision: str = "fp32"
    device: str = "auto"
    batch: int = 1
    strength: float = 1.0
    ensemble: int = 1
    licence: str | None = None
    reason: str = ""
    diagnosis: str = ""
    considered: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    forecast: tuple[float, float] | None = None
