"""What outputs are called: beside the input, in a folder that mirrors the input's, or by a template.

    -o '{dir}/{stem}_{method}_{sigma}{ext}'

{method} and {sigma} are known only when the picture has been looked at; until then a name is incomplete.
"""

from __future__ import annotations

import os
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import NonlocError, UsageError
from ..image import formats
from ..image.source import HEAD
from .inputs import Input

EARLY = ("dir", "stem", "ext", "verb")
LATE = ("method", "sigma")
UNKNOWN = {name: "{" + name + "}" for name in LATE}


@dataclass(frozen=True)
class Names:
    """How the outputs of one job are named.

    output: what stands after -o. kind: 'beside' (the input, with the suffix), 'folder', 'file' (for one input), or
    'template'.
    """

    output: str
    kind: str
    verb: str
    suffix: str

    @classmethod
    def read(cls, output: str | None, verb: str, suffix: str, *, single: bool) -> Names:
        """Check what the user wrote after -o; UsageError for fields that do not exist, or one file for several."""
        if output is None:
            return cls("", "beside", verb, suffix)
        if output.endswith((os.sep, "/")) or os.path.isdir(output):
            return cls(output, "folder", verb, suffix)
        if "{" in output or "}" in output:
            _check_fields(output)
            return cls(output, "template", verb, suffix)
        if single:
            return cls(output, "file", verb, suffix)
        if _known_ending(output):
            found = "several inputs cannot go to one file"
            raise UsageError(f"-o {output}", found, "Give a folder, or a name with {stem} in it")
        return cls(output, "folder", verb, suffix)

    @property
    def late(self) -> bool:
        """Whether names need the plan."""
        return self.kind == "template" and any(name in LATE for name in _fields(self.output))

    @property
    def folder(self) -> Path | None:
        """The folder below which all outputs lie; None where they lie beside their inputs."""
        if self.kind == "folder":
            return Path(self.output)
        if self.kind == "file":
            return Path(self.output).parent
        before = self.output.partition("{")[0]
        return Path(os.path.dirname(before)) if before else None

    def path(self, source: Input, fields: Mapping[str, str] | None = None) -> Path:
        """Where the result of `source` goes. Without `fields`, {method} and {sigma} stay as they are."""
        if self.kind == "file":
            return Path(self.output)
        ending = _ending(source.path)
        stem = source.path.name.removesuffix(formats.ending(source.path.name))
        if self.kind == "beside":
            return source.path.with_name(f"{stem}-{self.suffix}{ending}")
        if self.kind == "folder":
            return Path(self.output) / source.inside / f"{stem}{ending}"
        known = {"stem": stem, "ext": ending, "verb": self.verb, **UNKNOWN, **(fields or {})}
        folder = source.path.parent
        if not self.output.startswith("{dir}"):  # 'out/{dir}/...' stays below out
            folder = Path(*(part for part in folder.parts if part not in ("..", folder.anchor)))
        return Path(self.output.format_map({**known, "dir": str(folder)}))


def fields_of(plan, record) -> dict[str, str]:
    """{method} and {sigma} of a plan; a picture that nothing is done to is 'unchanged' at sigma 0."""
    if plan is None:
        return {"method": "unchanged", "sigma": "0"}
    method = plan.method if isinstance(plan.method, str) else plan.method.card.name
    noise = plan.degradation.noise if plan.degradation is not None else None
    return {"method": method, "sigma": f"{noise.sigma:g}" if noise is not None else "0"}


def _fields(template: str) -> list[str]:
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as error:
        raise UsageError(f"-o {template}", str(error), "Write fields as {stem}, a brace itself as {{") from None
    if any(spec or conversion for _, _, spec, conversion in parsed):
        raise UsageError(f"-o {template}", "fields have no format of their own", "Write {stem}")
    return [name for _, name, _, _ in parsed if name is not None]


def _check_fields(template: str) -> None:
    unknown = [name for name in _fields(template) if name not in EARLY + LATE]
    if unknown:
        known = ", ".join("{" + name + "}" for name in EARLY + LATE)
        raise UsageError(f"-o {template}", f"there is no field {{{unknown[0]}}}", f"Use {known}")
    if not (template.endswith("{ext}") or _known_ending(template)):
        raise UsageError(f"-o {template}", "its ending says no format", "End it in {ext}, or in .png, .jpg, .tif")


def _known_ending(name: str) -> bool:
    try:
        formats.by_suffix(name)
    except NonlocError:
        return False
    return True


def _ending(path: Path) -> str:
    """The name's ending, or where it is not that of the content, the format's own: a PNG called .jpg stays a PNG."""
    try:
        with open(path, "rb") as file:
            content = formats.by_content(file.read(HEAD))
    except OSError:
        return formats.ending(path.name)
    if content is None or formats.ending(path.name).lower() in content.SUFFIXES:
        return formats.ending(path.name)
    return content.SUFFIXES[0]
