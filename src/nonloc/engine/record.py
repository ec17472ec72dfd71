"""What was done: enough to have the same bytes again, and to be told in words."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any


@dataclass
class Record:
    """One picture's report. Sizes in pixels, times in seconds, memory in bytes.

    method is None where nothing was done, and `reason` says why. weights: file name. tile: side of the cores, None
    for the whole picture. fallbacks: what had to be done otherwise than planned. peak: predicted memory of the
    process. factor: how many times larger the picture became. found: what the method gave beside the pixels, by name,
    true where it was, (H, W) bool, or (H / 8, W / 8). removed: variance of what was taken away, in that of the noise
    that the method was told; None where that is not known. forecast: expected PSNR in dB, and its standard error.
    expected_cpu_seconds: from the card's figure, which is of one machine; None where it has none.
    """

    method: str | None = None
    title: str = ""
    fidelity: str = ""
    degradation: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    diagnosis: str = ""
    reason: str = ""
    considered: list[str] = field(default_factory=list)
    weights: str | None = None
    weights_sha256: str | None = None
    weights_licence: str | None = None
    size: tuple[int, int, int] = (0, 0, 0)
    factor: float = 1.0
    device: str = "cpu"
    precision: str = "fp32"
    tile: int | None = None
    halo: int = 0
    tiles: int = 1
    batch: int = 1
    ensemble: int = 1
    strength: float = 1.0
    threads: int = 1
    peak: int = 0
    expected_cpu_seconds: float | None = None
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    fallbacks: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    version: str = ""
    forecast: tuple[float, float] | None = None
    removed: float | None = None
    found: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def changed(self) -> bool:
        """Whether any method ran."""
        return self.method is not None

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON; of what was found the part of the picture that it covers."""
        told = asdict(replace(self, found={}))
        return {**told, "found": {name: round(float(places.mean()), 6) for name, places in self.found.items()}}

    def as_json(self) -> str:
        return json.dumps(self.as_dict(), indent=2)

    def __str__(self) -> str:
        """In words, one fact a line."""
        lines = [self.diagnosis] if self.diagnosis else []
        if not self.changed:
            return "\n".join([*lines, f"left as it is: {self.reason}"])
        told = f" for {self.degradation}" if self.degradation else ""
        lines.append(f"{self.title}{told}" + (f": {self.reason}" if self.reason else ""))
        pieces = f"{self.tiles} tiles of {self.tile} + {self.halo}" if self.tile else "in one piece"
        taken = f"{self.seconds:.1f} s " if self.seconds else ""  # a plan has taken none yet
        lines.append(f"{taken}on {self.device} ({self.precision}), {pieces}")
        if self.forecast is not None:
            psnr, error = self.forecast
            lines.append(f"expected PSNR {psnr:.1f} dB (+- {max(error, 0.1):.1f}), if the level of the noise is right")
        if self.removed is not None:
            lines.append(f"what was removed has {self.removed:.0%} of the variance of the noise")
        lines += [f"{name}: {places.mean():.2%} of the picture" for name, places in self.found.items()]
        lines += [f"note: {text}" for text in (*self.warnings, *self.fallbacks)]
        return "\n".join(lines)
