"""The main verb: find out what is wrong with a picture and repair it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..engine import Plan, Record
from ..engine.progress import Cancel, Listener
from ..estimation.jpeg_quality import jpeg_quality
from ..image.image import Image
from .denoise import plan_denoise
from .options import Options, carry_out

# Said with every diagnosis, until more is looked for.
SCOPE = (
    "looked for: white noise, noise that grows with the light, what a camera leaves of noise; compression is told, not "
    "repaired; blur and damage are not diagnosed yet"
)


def restore(
    image: Any,
    *,
    strength: float = 1.0,
    channel_axis: int | None = None,
    data_range: tuple[float, float] | None = None,
    options: Options | None = None,
    return_report: bool = False,
    progress: Listener | None = None,
    cancel: Cancel | None = None,
) -> Any:
    """Find out what is wrong with a picture and repair it with the best method for the case.

    Parameters, returns and errors as for `nonloc.denoise`; a picture with nothing wrong comes back as it was. At
    present noise is diagnosed and removed, the quality of a JPEG told, and nothing else; the report says so.
    """
    return carry_out(
        image,
        lambda picture: plan_restore(picture, strength=strength, options=options),
        channel_axis=channel_axis,
        data_range=data_range,
        return_report=return_report,
        progress=progress,
        cancel=cancel,
    )


def plan_restore(
    picture: Image, *, strength: float = 1.0, options: Options | None = None
) -> tuple[Plan | None, Record]:
    """What `restore` would do: a Plan, or None with a record that says why nothing is done."""
    plan, record = plan_denoise(picture, strength=strength, options=options)
    if (jpeg := jpeg_quality(picture)) is not None:
        record.diagnosis = f"{record.diagnosis}; {jpeg}"
    record.warnings.append(SCOPE)
    return plan and replace(plan, diagnosis=record.diagnosis, warnings=tuple(record.warnings)), record
