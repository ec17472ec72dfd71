"""How users give the kernel of a blur: in words, as an array, or as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..degradation import Blur, KernelBlur, parse_fixed
from ..errors import DegradationError, ImageError, UsageError
from ..image.read import read

GIVE = "Give motion:15,30, gaussian:1.6, defocus:3, or a file with the kernel (.npy, .txt, .csv, or a picture)"
SHORT = {"gaussian": "gaussian-blur"}  # beside a kernel, gaussian can mean nothing else


def read_kernel(given: Any) -> Blur:
    """The Blur that is given as such, as array (k, l), as text ('motion:15,30') or as the name of a file.

    A file is .npy, a table of numbers (.txt, .csv), or a picture, whose gray levels are the kernel. Raises UsageError
    for what is none, ImageError for a file that cannot be read.
    """
    if isinstance(given, Blur):
        return given
    if isinstance(given, np.ndarray):
        return _of(given, "kernel")
    text = str(given).strip()
    name, colon, value = text.partition(":")
    if Path(text).is_file():
        return _of(_read(Path(text)), Path(text).name)
    if not colon:
        raise UsageError(f"kernel {text!r}", "it is neither a blur nor a file that is there", GIVE)
    try:
        found = parse_fixed(f"{SHORT.get(name, name)}:{value}")
    except DegradationError as error:
        raise UsageError(f"kernel {text!r}", error.args[1], GIVE) from error
    if not isinstance(found, Blur):
        raise UsageError(f"kernel {text!r}", "it is no blur", GIVE)
    return found


def _read(path: Path) -> np.ndarray:
    kind = path.suffix.lower()
    if kind == ".npy":
        try:
            return np.load(path, allow_pickle=False)
        except (ValueError, OSError) as error:
            raise ImageError(str(path), f"it cannot be read as numbers ({error})", GIVE) from error
    if kind in (".txt", ".csv"):
        try:
            return np.loadtxt(path, delimiter="," if kind == ".csv" else None, ndmin=2)
        except ValueError as error:
            raise ImageError(str(path), f"it is no table of numbers ({error})", GIVE) from error
    return read(path).pixels().mean(0)


def _of(values: np.ndarray, name: str) -> Blur:
    try:
        return KernelBlur(values, name)
    except DegradationError as error:
        raise UsageError(f"kernel {name}", error.args[1], GIVE) from error
