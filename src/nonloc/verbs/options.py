"""How to run, and the way that every verb goes: picture, plan, run, and back in the caller's kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..degradation import Degradation
from ..engine import Plan, Record, run
from ..engine.plan import MEMORY
from ..engine.progress import Cancel, Listener
from ..errors import UsageError
from ..image.array import as_image, like
from ..image.image import Image
from ..image.provenance import checksum, fingerprint
from ..methods.base import Method
from ..version import __version__
from .task import Task

MEDICAL = "not for diagnosis, not evidence: a restored picture is an estimate"


@dataclass(frozen=True)
class Options:
    """How to run, beside what to run; the same for all verbs. See `nonloc.engine.Plan`.

    forecast: whether to tell the PSNR that is to be expected, where that can be known, for five times the work.
    budget: seconds of one core for a megapixel that the method may take, by its card, where `denoise` and `restore`
    choose one; None for any.
    """

    memory: int = MEMORY
    device: str = "auto"
    precision: str = "fp32"
    tile: int | str | None = "auto"
    halo: str = "auto"
    ensemble: int = 1
    licence: str | None = None
    forecast: bool = False
    budget: float | None = None

    def plan(
        self,
        method: str | Method,
        degradation: Degradation | None,
        arguments: Mapping[str, Any] | None,
        record: Record,
        *,
        reason: str,
        strength: float = 1.0,
        considered: tuple[str, ...] = (),
    ) -> Plan:
        """The plan for one picture; `record` holds what was found out about it."""
        return Plan(
            method,
            degradation,
            arguments=arguments or {},
            strength=strength,
            memory=self.memory,
            device=self.device,
            precision=self.precision,
            tile=self.tile,
            halo=self.halo,
            ensemble=self.ensemble,
            licence=self.licence,
            reason=reason,
            diagnosis=record.diagnosis,
            considered=considered,
            warnings=tuple(record.warnings),
        )


def foretold(plan: Plan, picture: Image) -> Plan:
    """`plan` with the PSNR that it is expected to reach on `picture`; or with a warning why nobody can say."""
    from ..estimation.forecast import forecast

    found = forecast(plan, picture)
    if found.psnr is None:
        return replace(plan, warnings=(*plan.warnings, str(found)))
    return replace(plan, forecast=(round(found.psnr, 2), round(found.error, 2)))


def blank(picture: Image, diagnosis: str = "") -> Record:
    """The record of a picture that nothing was done to yet."""
    size = (picture.height, picture.width, picture.channels)
    warnings = [MEDICAL] if picture.format in ("dicom", "nifti", "nifti-gz") else []
    return Record(size=size, diagnosis=diagnosis, warnings=warnings, version=__version__)


def examined(before: Image, after: Image, plan: Plan, record: Record) -> Record:
    """The record with what was removed, where the noise is such that one can tell noise from structure."""
    from ..estimation.residual import STRUCTURE, residual

    seen = residual(before, after, plan.degradation)
    if seen.why:
        return record
    return replace(record, removed=round(seen.ratio, 4), found={**record.found, STRUCTURE: seen.structure})


def carry_out(
    image: Any,
    task: Task,
    *,
    channel_axis: int | None = None,
    data_range: tuple[float, float] | None = None,
    return_report: bool = False,
    progress: Listener | None = None,
    cancel: Cancel | None = None,
) -> Any:
    """`image` through what `task` plans for it: in the kind that it was, with the record where that is asked for."""
    picture = as_image(image, channel_axis=channel_axis, data_range=data_range)
    plan, record = task.planner(picture)
    if plan is not None:
        from .volume import restores_volumes

        if restores_volumes(plan):
            do = "Give the file to 'nonloc denoise', or its pages to nonloc.verbs.volume.restore_volume"
            raise UsageError("a method for volumes on one page of several", "it sees all pages together", do)
        before = picture
        picture, record = run(plan, before, progress=progress, cancel=cancel)
        record = examined(before, picture, plan, record)
        if isinstance(image, Image):
            picture = task.stepped(before, picture, record, f"samples:{fingerprint(before)}")
        elif isinstance(image, str | Path):
            picture = task.stepped(before, picture, record, f"sha256:{checksum(Path(image))}")
    restored = like(image, picture)
    return (restored, record) if return_report else restored
