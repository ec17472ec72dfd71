"""What this installation can do, and what is wrong with it."""

from __future__ import annotations

import os
import platform
import sys
import time
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ..errors import NonlocError
from ..version import __version__

PACKAGES = ("numpy", "scipy", "pillow", "tifffile", "imagecodecs", "safetensors", "torch", "numba")


@dataclass
class Health:
    """Facts, and problems in words; no problem means that every shipped method runs."""

    facts: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        width = max(map(len, self.facts), default=0)
        lines = [f"{name:<{width}}  {fact}" for name, fact in self.facts.items()]
        found = [f"problem: {text}" for text in self.problems] or ["no problem found"]
        return "\n".join([*lines, *found])


def doctor() -> Health:
    """Look at packages, devices, threads and weights, and run the default denoiser once on a small picture."""
    health = Health()
    facts = health.facts
    facts["nonloc"] = __version__
    facts["python"] = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    for package in PACKAGES:
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            health.problems.append(f"the package {package} is not installed. Install nonloc again")
    _devices(facts)
    facts["NONLOC_DATA"] = os.environ.get("NONLOC_DATA", "not set (only benchmarks and training need it)")
    _weights(health)
    _try(health)
    return health


def _devices(facts: dict[str, str]) -> None:
    import torch

    from ..engine.device import choose_device
    from ..nonlocal_ops import window_native

    facts["device"] = choose_device("auto")
    facts["threads"] = f"{torch.get_num_threads()} of {os.cpu_count()} cores"
    facts["compiled window attention"] = window_native.status()
    facts["bf16 in hardware"] = "yes" if _bf16() else "no; --precision bf16 would be slower than fp32"


def _bf16() -> bool:
    if sys.platform != "linux":
        return False
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        text = file.read()
    return "avx512_bf16" in text or "amx_bf16" in text


def _weights(health: Health) -> None:
    import hashlib

    from ..methods.registry import cards
    from ..methods.weights import locate

    listed = [(card, weights) for card in cards().values() for weights in card.weights]
    for card, weights in listed:
        try:
            found = hashlib.sha256(locate(card, weights).read_bytes()).hexdigest()
        except NonlocError as error:
            health.problems.append(str(error))
            continue
        if found != weights.sha256:
            health.problems.append(f"{weights.file} of {card.name} is damaged. Install nonloc again")
    health.facts["methods"] = f"{sum(c.runnable for c in cards().values())} of {len(cards())} can run"
    health.facts["weights"] = f"{len(listed)} files"


def _try(health: Health) -> None:
    import numpy as np

    from .denoise import denoise

    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    start = time.perf_counter()
    try:
        record = denoise(picture, sigma=25, return_report=True)[1]
    except NonlocError as error:
        health.problems.append(str(error))
        return
    health.facts["first picture"] = (
        f"{record.method}, {time.perf_counter() - start:.2f} s for 64 x 64, loading included"
    )
