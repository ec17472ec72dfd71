"""What a training makes small, and the precision in which that goes fastest here."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable

import torch
from torch import nn

from .data import Batch

Loss = Callable[[nn.Module, Batch, str], torch.Tensor]


def training_loss(module: nn.Module, batch: Batch, noise_floor: float, precision: str) -> torch.Tensor:
    """Mean squared error of each sample over (std + noise_floor / 255), averaged: low noise counts too."""
    with torch.autocast(batch.noisy.device.type, torch.bfloat16, enabled=precision == "bf16"):
        restored = module(batch.noisy, *batch.told)
    error = (restored.float() - batch.clean).square().mean((1, 2, 3))
    return (error / (batch.std + noise_floor / 255)).mean()


def fastest_precision(module: nn.Module, batch: Callable[[], Batch], loss: Loss, device: str) -> str:
    """'bf16' or 'fp32', whichever trains faster here; bf16 is slower on a CPU that has no instructions for it."""
    sample, trial = batch(), copy.deepcopy(module)
    seconds: dict[str, float] = {}
    for precision in ("fp32", "bf16"):
        for repeat in range(3):
            start = time.perf_counter()
            loss(trial, sample, precision).backward()
            if device == "cuda":
                torch.cuda.synchronize()
            if repeat:
                seconds[precision] = min(seconds.get(precision, 1e9), time.perf_counter() - start)
    return min(seconds, key=seconds.__getitem__)
