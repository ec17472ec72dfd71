"""Repair damage that hits single places, or tones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..degradation import Degradation, Jpeg, Missing
from ..engine import Plan, Record, separate
from ..engine.progress import Cancel, Listener
from ..errors import UsageError, WeightsError
from ..estimation.jpeg_quality import jpeg_quality
from ..image.image import Image
from ..image.read import read
from ..methods.registry import card, choose_weights
from ..methods.weights import locate
from .options import Options, blank, carry_out
from .task import Task


@dataclass(frozen=True)
class Damage:
    """What a user may name: what cards call it, which method is the default, in words."""

    handled: str
    method: str
    meaning: str


# Where a method's weights are not in the package, this one stands in.
WITHOUT_WEIGHTS = {"nonloc-jpeg": "jpeg-smoothing"}
MILD = 85  # the quality of a JPEG up to which the network gains: 0.4 dB and more on each of twelve training pictures
DAMAGES = {
    "impulses": Damage("salt-and-pepper", "adaptive-median", "single black and white pixels, salt and pepper"),
    "hot-pixels": Damage("hot-pixels", "hot-pixels", "single pixels of a sensor that stand out"),
    "scratches": Damage("scratches", "scratches", "dust, hairs and scratches of a scan"),
    "specks": Damage("specks", "despeckle", "specks on a scanned text"),
    "stripes": Damage("stripes", "destripe", "columns or rows with offsets of their own"),
    "jpeg": Damage("jpeg", "nonloc-jpeg", "blocks and rings of a strongly compressed JPEG"),
    "contrast": Damage("contrast", "clahe", "flat, dull tones"),
    "cast": Damage("cast", "white-balance", "a cast of colour"),
    "soft": Damage("soft", "unsharp", "a soft look, where the blur is not known"),
    "holes": Damage("missing", "inpaint", "places that a mask names"),
}


def repair(
    image: Any,
    damage: str | None = None,
    *,
    mask: Any = None,
    method: str | None = None,
    strength: float = 1.0,
    arguments: Mapping[str, Any] | None = None,
    channel_axis: int | None = None,
    data_range: tuple[float, float] | None = None,
    options: Options | None = None,
    return_report: bool = False,
    progress: Listener | None = None,
    cancel: Cancel | None = None,
) -> Any:
    """Repair damage to single places, or tones.

    Parameters
    ----------
    image : array (H, W) or (H, W, C), path, Image or PIL image
        Integers use their whole range; floats are in [0, 1] and may exceed it.
    damage : str or None
        'impulses', 'hot-pixels', 'scratches', 'specks', 'stripes', 'jpeg', 'contrast', 'cast', 'soft', or 'holes',
        which a `mask` alone means, too.
    mask : array (H, W), path or Image
        True, or above half of white, where the picture is lost; as large as the picture.
    method : str or None
        A name from ``nonloc.methods(task="repair")``; None takes the default for the damage.
    strength, arguments, channel_axis, data_range, options, return_report, progress, cancel
        As for `nonloc.denoise`. What a method found, such as the mask of scratches, is in the report's `found`.

    Returns
    -------
    Same kind, dtype and shape as `image` (path and PIL image: an Image); with ``return_report=True`` a pair.

    Raises
    ------
    ImageError, UnknownMethod, UsageError, CardError, MemoryLimit, Cancelled
    """
    return carry_out(
        image,
        Task(
            "repair",
            settings={"damage": damage, "mask": mask, "method": method, "strength": strength, "arguments": arguments},
            options=options,
        ),
        channel_axis=channel_axis,
        data_range=data_range,
        return_report=return_report,
        progress=progress,
        cancel=cancel,
    )


def plan_repair(
    picture: Image,
    damage: str | None = None,
    mask: Any = None,
    method: str | None = None,
    *,
    strength: float = 1.0,
    arguments: Mapping[str, Any] | None = None,
    options: Options | None = None,
) -> tuple[Plan | None, Record]:
    """What `repair` would do: a Plan, or None with a record that says why nothing is done."""
    options = options or Options()
    found = _damage(damage, mask, method)
    reason = "asked for" if method is not None else f"the default against {found}"
    method = method or _default(found, picture, options)
    handled = DAMAGES[found].handled
    if handled not in card(method).handles:
        what = f"it is there for {', '.join(card(method).handles)}"
        raise UsageError(f"{method} against {found}", what, "See 'nonloc methods --task repair'")
    record = blank(picture, f"{found}: {DAMAGES[found].meaning}")
    if strength == 0:
        record.reason = "strength 0 asks for no change"
        return None, record
    if picture.channels == 1 and card(method).channels == (3,):
        record.reason = "a gray picture has no colour to correct"
        return None, record
    told: Degradation | None = None
    if found == "holes":
        told = read_mask(mask, picture)
        if not told.mask.any():
            record.reason = f"{told.name} names no place"
            return None, record
    elif found == "jpeg":
        told = _jpeg(picture, record)
        if told.quality > MILD and reason != "asked for":
            record.reason = f"what a JPEG of quality {told.quality} lost is too little to be seen"
            return None, record
    return options.plan(method, told, arguments, record, reason=reason, strength=strength), record


def _default(damage: str, picture: Image, options: Options) -> str:
    """The default method against `damage`, or what stands in for it where it has no weights for the picture."""
    method = DAMAGES[damage].method
    if method not in WITHOUT_WEIGHTS:
        return method
    channels = 1 if separate(picture.channels) else picture.channels
    try:
        chosen = choose_weights(card(method), channels, None, options.licence)
        if chosen is not None:
            locate(card(method), chosen)  # 'nonloc-weights' may not be installed
    except WeightsError:
        return WITHOUT_WEIGHTS[method]
    return method


def _damage(damage: str | None, mask: Any, method: str | None) -> str:
    """The name of the damage that is meant; UsageError where that is open."""
    if damage is None and mask is not None:
        return "holes"
    if damage is None and method is not None:
        named = [name for name, known in DAMAGES.items() if known.handled in card(method).handles]
        if not named:
            raise UsageError(f"{method} to repair", f"it is there to {card(method).task}", "Name a damage")
        damage = named[0]
    known = "; ".join(f"{name} ({d.meaning})" for name, d in DAMAGES.items())
    if damage not in DAMAGES:
        found = "no damage is named" if damage is None else f"{damage!r} is not known"
        raise UsageError("repairing a picture", found, f"Name one of: {known}")
    if damage == "holes" and mask is None:
        raise UsageError("filling holes", "no mask says where they are", "Give a mask: white where the picture is lost")
    if damage != "holes" and mask is not None:
        raise UsageError(f"a mask for {damage}", f"{damage} are found without one", "Leave the mask or the damage out")
    return damage


def read_mask(given: Any, picture: Image) -> Missing:
    """The places of `given`, an array, a picture or its file; UsageError unless it is as large as `picture`."""
    name = "mask"
    values: np.ndarray
    if isinstance(given, np.ndarray):
        values = given if given.dtype == bool else given > 0.5 * (255 if given.dtype == np.uint8 else 1)
    else:
        shown = given if isinstance(given, Image) else read(given)
        name = Path(given).name if not isinstance(given, Image) else name
        values = shown.pixels().max(0) > 0.5
    if values.ndim == 3:
        values = np.logical_or.reduce(values, -1)
    if values.shape != (picture.height, picture.width):
        raise UsageError(
            f"{name} of {' x '.join(map(str, values.shape[::-1]))} pixels",
            f"the picture has {picture.width} x {picture.height}",
            "Give a mask as large as the picture",
        )
    return Missing(values, name)


def _jpeg(picture: Image, record: Record) -> Jpeg:
    quality = jpeg_quality(picture)
    if quality is None:
        raise UsageError(
            "repairing a JPEG", "the file is none, so its quality is not known", "Give the JPEG file itself"
        )
    record.diagnosis = f"{record.diagnosis}; {quality}"
    return Jpeg(max(1, min(100, round(quality.quality))))
