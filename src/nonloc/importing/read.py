"""Chooses how to read a file of weights that others trained."""

from __future__ import annotations

import hashlib
import re
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import WeightsError
from . import bm3d_net, csf, ecndnet, nlnet
from .imported import Imported

# Files whose origin is known, by their SHA-256: level, and where they come from.
DNCNN, FFDNET = "Zhang et al., github.com/cszn/DnCNN", "Zhang, Zuo, Zhang, github.com/cszn/FFDNet"
NLRN = "Liu et al., the model for sigma 15 with T = 12, copied in github.com/titsitits/open-image-restoration"
KNOWN = {
    "657d5115fa05d371dbf0df1f0a931eff274dae29d08a9cc0824a28caf2460e21": (15, f"{DNCNN}, DnCNN-S"),
    "5a5404c9e3ef14e353760e14b885439408a654618e14f13b2e97b99b9835020b": (25, f"{DNCNN}, DnCNN-S"),
    "517dc0b55a8da2c129704ed7921b8557aac40cf3aae9f700dc41a9e25cad0983": (50, f"{DNCNN}, DnCNN-S"),
    "37f76da0b71dd2b2789ce91848fe2f184ab486203c9af9ac1b98199b60ea02b0": (None, f"{DNCNN}, DnCNN-B"),
    "57db5437a44037e7675a99042fe7b14d3dcdf1c333d3ec665855566e8a59795c": (None, f"{DNCNN}, CDnCNN-B"),
    "14c231e87a444a9bd85b0b5e174e73b4f6ac50bf4050e75a0d3f4d69f77a2093": (None, FFDNET),
    "a4b5a9da21294ab9ba6ed5c6cc459c46dff20c025eb7d3ab82e8e0bb00541793": (None, FFDNET),
    "63887c00a90537188cb920d337499dfb38178c34b5ad132cd6bd194bcb09db01": (15, NLRN),
    **csf.KNOWN,
    **ecndnet.KNOWN,
    **nlnet.KNOWN,
    **bm3d_net.KNOWN,
}
READABLE = (
    "a .mat file of DnCNN, FFDNet, CSF, NLNet or BM3D-Net, a .pth file of ECNDNet, "
    "or the folder or .index file of NLRN's TensorFlow variables"
)


def import_weights(path: str | Path, *, sigma: float | None = None) -> Imported:
    """Weights of DnCNN, FFDNet, CSF, NLNet, BM3D-Net, ECNDNet or NLRN from the files that their authors publish.

    sigma: the level that a specialist was trained for, where neither the file nor its name tells. Nothing is written.
    Raises WeightsError for what is missing, damaged, unknown, or of another network.
    """
    path = Path(path)
    if _index(path):
        found, numbers = _bundle(path)
    else:
        found, numbers = _pytorch(path) if path.suffix.lower() == ".pth" else _matlab(path)
    digest = hashlib.sha256(numbers.read_bytes()).hexdigest()
    level, source = KNOWN.get(digest, (None, f"unknown, file {numbers.name}"))
    levels = found.facts.sigma
    if levels is None:
        known = sigma if sigma is not None else level if level is not None else _level_in_name(path)
        levels = (float(known), float(known)) if known is not None else None
    return found._replace(facts=replace(found.facts, sigma=levels, source=source, sha256=digest))


def _index(path: Path) -> Path | None:
    """The `.index` file of a TensorFlow bundle that `path` is, belongs to, or holds."""
    if path.is_dir():
        inside = [*sorted(path.glob("*.index")), *sorted(path.glob("variables/*.index"))]
        if len(inside) != 1:
            what = "no TensorFlow variables" if not inside else f"{len(inside)} of them"
            raise WeightsError(f"weights in {path.name}", f"the folder has {what}", f"Give {READABLE}")
        return inside[0]
    if path.suffix == ".index":
        return path
    sibling = path.with_name(re.sub(r"\.data-\d+-of-\d+$", ".index", path.name))
    return sibling if sibling != path else None


def _bundle(path: Path) -> tuple[Imported, Path]:
    from . import nlrn
    from .tensorflow_bundle import read_bundle

    index = _index(path)
    assert index is not None
    variables = read_bundle(index)
    if not nlrn.recognise(variables):
        raise WeightsError(f"weights {index.name}", "they are not those of an NLRN", f"Give {READABLE}")
    return nlrn.nlrn(variables), next(iter(sorted(index.parent.glob(f"{index.stem}.data-*"))))


def _pytorch(path: Path) -> tuple[Imported, Path]:
    from .pytorch import read_state

    state = read_state(path)
    if not ecndnet.recognise(state):
        raise WeightsError(f"weights {path.name}", "no network of ours has its tensors", f"Give {READABLE}")
    return ecndnet.ecndnet(state), path


def _matlab(path: Path) -> tuple[Imported, Path]:
    from . import dncnn, ffdnet
    from .matconvnet import convolutions

    if not path.is_file():
        raise WeightsError(f"weights {path}", "there is no such file", f"Give {READABLE}")
    if path.suffix.lower() != ".mat":
        raise WeightsError(f"weights {path.name}", "this kind of file is not read", f"Give {READABLE}")
    with open(path, "rb") as file:
        if file.read(10) == b"MATLAB 5.0":
            return _matlab5(path), path
    if bm3d_net.recognise(path):
        return bm3d_net.bm3d_net(path), path
    layers = convolutions(path)
    for recognise, convert in ((dncnn.recognise, dncnn.dncnn), (ffdnet.recognise, ffdnet.ffdnet)):
        if recognise(layers):
            return convert(layers), path
    ends = f"{layers[0][0].shape[1]} channels in, {layers[-1][0].shape[0]} out" if layers else "no convolutions"
    raise WeightsError(
        f"weights {path.name}", f"no network of ours has its layers ({len(layers)}, {ends})", f"Give {READABLE}"
    )


def _matlab5(path: Path) -> Imported:
    variables = _variables(path)
    for recognise, convert in ((csf.recognise, csf.csf), (nlnet.recognise, nlnet.nlnet)):
        if recognise(variables):
            return convert(variables)
    names = ", ".join(name for name in variables if not name.startswith("__")) or "nothing"
    raise WeightsError(f"weights {path.name}", f"no network of ours has its variables ({names})", f"Give {READABLE}")


def _variables(path: Path) -> dict[str, np.ndarray]:
    """The variables of a MATLAB 5 file, in its own shapes: cells and structs as arrays of objects."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        return loadmat(path)
    except (MatReadError, OSError, ValueError, TypeError, IndexError, EOFError, zlib.error) as error:
        raise WeightsError(f"weights {path.name}", f"it cannot be read ({error})", "Fetch the file again") from error


def _level_in_name(path: Path) -> float | None:
    """25 of `sigma=25.mat` or of a folder `sigma25`."""
    for name in (path.name, path.parent.name):
        match = re.search(r"(?:sigma|std)[=_-]?(\d+(?:\.\d+)?)", name, re.IGNORECASE)
        if match:
            return float(match[1].rstrip("."))
    return None
