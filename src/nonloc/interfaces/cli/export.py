"""nonloc export"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

NAME = "export"


def command(
    name: str,
    /,
    *,
    onnx: Path,
    channels: Literal[1, 3] | None = None,
    sigma: float | None = None,
    licence: Literal["open", "research"] | None = None,
    overwrite: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Write a network with its weights as an ONNX file, for programs in other languages.

    It takes pictures of any size that fit into memory, and is compared with torch before it is written.

    Parameters
    ----------
    name
        The method, such as nonloc-s.
    onnx
        The file to write.
    channels
        1 for gray, 3 for colour; default: colour where the method has it.
    sigma
        Level of the noise (0-255 scale), for a method with weights for single levels.
    licence
        Take only weights of this licence; 'open': anyone may use them for anything.
    overwrite
        Replace a file of that name.
    """
    from ...verbs.export import export

    print(export(name, onnx, channels=channels, sigma=sigma, licence=licence, overwrite=overwrite))
    return 0
