"""The main verb: find out what is wrong with a picture and repair it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..degradation import SaltAndPepper
from ..engine import Plan, Record
from ..engine.progress import Cancel, Listener
from ..estimation.impulses import estimate_impulses
from ..estimation.jpeg_quality import jpeg_quality
from ..image.image import Image
from .denoise import plan_denoise
from .estimate import sampled
from .options import Options, blank, carry_out

# Said with every diagnosis, until more is looked for.
SCOPE = (
    "looked for: white noise, noise that grows with the light, what a camera leaves of noise, impulses; compression is "
    "told, not repaired; blur and other damage are not looked for: see deblur and repair"
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
    impulses = estimate_impulses(sampled(picture))
    if impulses.fraction and strength:  # they would be taken for strong noise
        options = options or Options()
        record = blank(picture, str(impulses))
        record.warnings.append(SCOPE)
        told = SaltAndPepper(round(impulses.fraction, 3))
        reason = "they are taken out first; what noise is left can be seen after that"
        return options.plan("adaptive-median", told, None, record, reason=reason, strength=strength), record
    plan, record = plan_denoise(picture, strength=strength, options=options)
    if (jpeg := jpeg_quality(picture)) is not None:
        record.diagnosis = f"{record.diagnosis}; {jpeg}"
    record.warnings.append(SCOPE)
    return plan and replace(plan, diagnosis=record.diagnosis, warnings=tuple(record.warnings)), record
