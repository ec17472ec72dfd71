"""What is done to each file of a job, as data that travels to a worker process and leaves a fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..version import __version__

if TYPE_CHECKING:
    from ..engine import Plan, Record
    from ..image.image import Image
    from ..verbs.options import Options

# how a run is made, not what comes out of it (tile = whole within rounding): a job may be continued with other ones
HOW = ("memory", "device", "tile")


@dataclass(frozen=True)
class Task:
    """One verb with its settings.

    verb: 'denoise', 'restore' ...: `nonloc.verbs.VERB` has a function `plan_VERB(picture, **settings, options=...)`.
    suffix: what a result beside its input is called: 'denoised'. quality: of lossy formats. report, compare: whether
    a JSON report and a picture of before and after are written beside each output.
    """

    verb: str
    suffix: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    options: Options | None = None
    quality: int | None = None
    report: bool = False
    compare: bool = False

    def planner(self, picture: Image) -> tuple[Plan | None, Record]:
        """What the verb would do to `picture`."""
        plan = getattr(import_module(f"nonloc.verbs.{self.verb}"), f"plan_{self.verb}")
        return plan(picture, **self.settings, options=self.options)

    @property
    def beside(self) -> tuple[str, ...]:
        """The kinds of files that are written beside each output."""
        return tuple(kind for kind in ("report", "compare") if getattr(self, kind))

    @property
    def network(self) -> bool:
        """Whether a trained network may run."""
        from ..methods.registry import card

        method = self.settings.get("method")
        return method is None or card(method).trained

    def preload(self) -> dict[str, Any]:
        """What worker processes should have loaded, as JSON can hold it."""
        sigma = str(self.settings.get("sigma"))
        return {
            "verb": self.verb,
            "method": self.settings.get("method"),
            "network": self.network,
            "sigma": float(sigma) if sigma.replace(".", "", 1).isdigit() else None,
            "arguments": dict(self.settings.get("arguments") or {}),
            "licence": self.options.licence if self.options is not None else None,
        }

    def describe(self) -> dict[str, Any]:
        """All that decides what comes out: verb, settings, options, version, checksums of weights."""
        options = asdict(self.options) if self.options is not None else {}
        what = {name: value for name, value in options.items() if name not in HOW}
        settings = {name: _plain(value) for name, value in self.settings.items()}
        return {
            "verb": self.verb,
            **settings,
            **what,
            "quality": self.quality,
            "version": __version__,
            "weights": self._weights(),
        }

    def _weights(self) -> dict[str, str]:
        from ..methods.registry import card, cards

        method = self.settings.get("method")
        chosen = [card(method)] if method is not None else list(cards().values())
        return {w.file: w.sha256[:16] for c in chosen for w in c.weights}

    def check(self) -> None:
        """Raise what would be wrong for every picture, before any work: names, levels, arguments, device."""
        import numpy as np

        from ..image.image import Image
        from ..methods.registry import card
        from ..verbs.levels import read_sigma

        read_sigma(self.settings.get("sigma"), Image(np.zeros((1, 1), np.uint8), 1 / 255))
        strength = self.settings.get("strength", 1.0)
        if not 0 <= strength <= 1:
            raise UsageError(f"--strength {strength:g}", "it is outside 0 to 1", "Give 0 to 1; 1 is the default")
        method = self.settings.get("method")
        if method is not None:
            card(method).settings(self.settings.get("arguments") or {})
        if self.options is not None and self.options.device not in ("auto", "cpu"):
            from ..engine.device import choose_device

            choose_device(self.options.device)


def fingerprint(described: Mapping[str, Any]) -> str:
    """16 hex digits of what `Task.describe` says."""
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:16]


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """In words, how two descriptions differ: 'sigma was auto, is 25'."""
    told = [
        f"{name} was {old.get(name)}, is {new.get(name)}" if name != "weights" else "the weights have changed"
        for name in sorted(set(old) | set(new))
        if old.get(name) != new.get(name)
    ]
    return "; ".join(told) or "its options are not known"


def _plain(value: Any) -> Any:
    return dict(sorted(value.items())) if isinstance(value, Mapping) else value
