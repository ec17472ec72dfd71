"""What is done to each file of a job, as data that travels to a worker process and leaves a fingerprint."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..image.image import Image
from ..image.provenance import checksum, with_step
from ..image.provenance import fingerprint as samples_of
from ..version import __version__

if TYPE_CHECKING:
    from ..engine import Plan, Record
    from .options import Options

NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")
# how a run is made, not what comes out of it (tile = whole within rounding): a job may be continued with other ones
HOW = ("memory", "device", "tile")


@dataclass(frozen=True)
class Task:
    """One verb with its settings.

    verb: 'denoise', 'restore' ...: `nonloc.verbs.VERB` has a function `plan_VERB(picture, **settings, options=...)`.
    suffix: what a result beside its input is called: 'denoised'. quality: of lossy formats. report, compare: whether
    a JSON report and a picture of before and after are written beside each output. provenance: whether an output tells
    how it was made.
    """

    verb: str
    suffix: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    options: Options | None = None
    quality: int | None = None
    report: bool = False
    compare: bool = False
    provenance: bool = True

    @property
    def plan(self) -> Callable[..., tuple[Plan | None, Record]]:
        """The function of the verb that plans."""
        return getattr(import_module(f"nonloc.verbs.{self.verb}"), f"plan_{self.verb}")

    def planner(self, picture: Image) -> tuple[Plan | None, Record]:
        """What the verb would do to `picture`."""
        return self.plan(picture, **self.settings, options=self.options)

    def told(self) -> dict[str, Any]:
        """Verb, and settings, options and quality where they are not the default, as JSON can hold them."""
        from .options import Options

        usual = inspect.signature(self.plan).parameters
        settings = {name: value for name, given in self.settings.items() if (value := plain(given)) is not None}
        settings = {name: value for name, value in settings.items() if value != plain(usual[name].default)}
        options, default = self.options or Options(), Options()
        names = [one.name for one in fields(Options) if one.name != "forecast"]  # which changes no sample
        how = {name: getattr(options, name) for name in names if getattr(options, name) != getattr(default, name)}
        told: dict[str, Any] = {"verb": self.verb, "settings": dict(sorted(settings.items())), "options": how}
        return told if self.quality is None else {**told, "quality": self.quality}

    def stepped(self, before: Image, after: Image, record: Record, origin: str) -> Image:
        """`after` with the step that made it of `before`; as it is where no sample changed or none is wanted.

        origin: 'sha256:...' of the file, or 'samples:...' of the picture that it was made from.
        """
        import numpy as np

        if not self.provenance or np.array_equal(before.samples, after.samples):
            return after
        made = {"method": record.method, "degradation": record.degradation, "weights": record.weights_sha256}
        made = {name: value for name, value in made.items() if value is not None}
        return with_step(after, {"nonloc": __version__, **self.told(), "input": origin, **made})

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
        settings = {name: _described(value) for name, value in self.settings.items()}
        return {
            "verb": self.verb,
            **settings,
            **what,
            "quality": self.quality,
            "provenance": self.provenance,
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
        from .levels import read_sigma

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


def _described(value: Any) -> Any:
    """A setting as it was given, but a file also by its checksum: another one under its name is another setting."""
    found = plain(value)
    if isinstance(found, Mapping) and ("file" in found or "array" in found):
        return found
    return dict(sorted(value.items())) if isinstance(value, Mapping) else value


def plain(value: Any) -> Any:
    """A setting as JSON can hold it, the same for all ways to give it: '25', 25 and 25.0; 'auto' and None.

    A file is {'file': name, 'sha256': ...}; an array or a picture, which cannot be found again, {'array': its digest}.
    """
    import numpy as np

    if value is None or isinstance(value, bool) or (isinstance(value, str) and value == "auto"):
        return None if value == "auto" else value
    if isinstance(value, str) and NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, int | float | np.number):
        return int(value) if float(value).is_integer() else float(value)
    if isinstance(value, str | Path):
        path = Path(value)
        return {"file": path.name, "sha256": checksum(path)} if path.is_file() else str(value)
    if isinstance(value, Mapping):
        return {str(name): plain(value[name]) for name in sorted(value)} or None
    if isinstance(value, np.ndarray):
        return {"array": hashlib.sha256(value.tobytes()).hexdigest()}
    return {"array": samples_of(value)} if isinstance(value, Image) else str(value)
