"""The pictures of a named set, found in its folder."""

from __future__ import annotations

import csv
from pathlib import Path

from ..errors import DataMissing, UsageError
from .catalogue import OPEN_LICENCES, Dataset, data_root, dataset
from .checksums import verify as _verify
from .pictures import DatasetPicture

ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"}


def load(
    name: str,
    *,
    licence: str | None = None,
    part: str | None = None,
    verify: bool = False,
    root: Path | str | None = None,
) -> list[DatasetPicture]:
    """The pictures of the set `name`, sorted by name.

    licence: 'open' keeps the pictures that allow any use. part: 'tune' or 'score', of a set that is divided.
    verify: compare every file with SHA256SUMS first. root: instead of NONLOC_DATA. Raises UsageError for an
    unknown set, licence or part, DataMissing where pictures are not there, ImageError where one is not what
    it was.
    """
    found, base = dataset(name), data_root(root)
    if licence not in (None, "open"):
        raise UsageError(f"licence {licence!r}", "pictures are chosen by one licence only", "Use 'open', or none")
    if licence == "open" and found.licence not in ("open", "mixed"):
        raise UsageError(f"open pictures of {name}", f"the terms are: {found.terms}", "Take train-open")
    if verify:
        _verify(name, root=base)
    if found.parts:
        return [picture for part_ in found.parts for picture in load(part_, licence=found.licence, root=base)]
    pictures = _pictures(found, base)
    if licence == "open":
        pictures = [p for p in pictures if p.licence in OPEN_LICENCES and p.path.name not in found.not_open]
    return _divide(found, pictures, part)


def _pictures(found: Dataset, base: Path) -> list[DatasetPicture]:
    folder = base / str(found.folder)
    files = sorted(p for p in folder.glob("*") if p.suffix.lower() in ENDINGS) if folder.is_dir() else []
    partners = {p.stem: p for p in files}
    files = [p for p in files if p.stem.endswith(found.clean_suffix)]
    if len(files) != found.count:
        raise DataMissing(
            f"the pictures of {found.name}",
            f"{found.folder} under NONLOC_DATA holds {len(files)} of {found.count}",
            "Put them there; docs say where they come from",
        )
    licences = _licences(found, base)
    pictures = []
    for path in files:
        stem = path.stem.removesuffix(found.clean_suffix)
        noisy = partners.get(stem + found.noisy_suffix) if found.pairs else None
        if found.pairs and noisy is None:
            raise DataMissing(
                f"{stem} of {found.name}", "its noisy picture is not there", "Put it beside the clean one"
            )
        pictures.append(DatasetPicture(stem, path, noisy, licences.get(path.name, found.licence)))
    return pictures


def _licences(found: Dataset, base: Path) -> dict[str, str]:
    if found.attribution is None:
        return {}
    table = base / found.attribution
    if not table.is_file():
        raise DataMissing(
            f"the licences of {found.name}", f"{found.attribution} is not there", "Put it beside the pictures"
        )
    with table.open(encoding="utf-8", newline="") as file:
        return {row["file"]: row["licence"] for row in csv.DictReader(file)}


def _divide(found: Dataset, pictures: list[DatasetPicture], part: str | None) -> list[DatasetPicture]:
    if part is None:
        return pictures
    if found.tuning_every is None or part not in ("tune", "score"):
        raise UsageError(f"part {part!r} of {found.name}", "there is no such part", "Use 'tune' or 'score' of polyu40")
    return [p for i, p in enumerate(pictures, 1) if (i % found.tuning_every == 0) == (part == "tune")]
