"""Whether the pictures of a set are the ones that were measured; SHA256SUMS of the data is the reference."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ..errors import DataMissing, ImageError
from .catalogue import data_root, dataset


def fingerprint(name: str, *, root: Path | str | None = None) -> str:
    """One SHA-256 for a whole set: over its files' names and checksums, as SHA256SUMS has them."""
    lines = (f"{checksum}  {file}\n" for file, checksum in _listed(name, data_root(root)).items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def verify(name: str, *, root: Path | str | None = None) -> int:
    """Compare every file of a set with SHA256SUMS, and that list with the set's fingerprint; how many files
    were read.

    Raises ImageError that names the files that differ, DataMissing where one is not there.
    """
    base = data_root(root)
    listed = _listed(name, base)
    expected = dataset(name).fingerprint
    if expected is not None and fingerprint(name, root=base) != expected:
        raise ImageError(
            f"the set {name}",
            "its part of SHA256SUMS is not the known one",
            "Figures on it compare with none of ours",
        )
    wrong = []
    for file, checksum in listed.items():
        if not (base / file).is_file():
            raise DataMissing(f"{file} of {name}", "it is not there", "Put it back")
        if hashlib.sha256((base / file).read_bytes()).hexdigest() != checksum:
            wrong.append(file)
    if wrong:
        names = ", ".join(wrong[:3]) + (" ..." if len(wrong) > 3 else "")
        raise ImageError(f"the set {name}", f"{len(wrong)} files differ from SHA256SUMS: {names}", "Fetch them again")
    return len(listed)


def _listed(name: str, base: Path) -> dict[str, str]:
    """File below the data folder -> checksum, sorted, for the set and its table of attributions."""
    sums = base / "SHA256SUMS"
    if not sums.is_file():
        raise DataMissing("the checksums of the pictures", "SHA256SUMS is not under NONLOC_DATA", "Put it there")
    sets = [dataset(part) for part in dataset(name).parts] or [dataset(name)]
    listed = {}
    for line in sums.read_text(encoding="utf-8").splitlines():
        checksum, _, file = line.partition("  ")
        if any(file.startswith(f"{found.folder}/") or file == found.attribution for found in sets):
            listed[file] = checksum
    return dict(sorted(listed.items()))
