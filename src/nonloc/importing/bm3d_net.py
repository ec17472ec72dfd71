"""The authors' weights of BM3D-Net as a state dict of ours.

Source: github.com/legendongary/BM3D-Net, the file `weight.mat`; Yang, Sun, IEEE Signal Processing Letters 25(1), 2018,
DOI 10.1109/LSP.2017.2768660.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import WeightsError
from .imported import Facts, Imported

KNOWN = {
    "4fab2d84d62426adbd70838baf73dc1a9568057b21e93fb6be2530e3a1e24c4f": (
        None,
        "Yang, Sun, github.com/legendongary/BM3D-Net",
    )
}
PATCH, GROUP, GAUSSIANS = 7, 8, 63
COEFFICIENTS = PATCH**2 * GROUP - 1
LEVELS = (0.0, 100.0)  # one model, trained at 15; other pictures are scaled to that level of noise


def recognise(path: Path) -> bool:
    """Whether this is a MATLAB 7.3 file with the one vector of a BM3D-Net."""
    try:
        import h5py

        with h5py.File(path) as file:
            return "weight" in file and file["weight"].size == COEFFICIENTS * (COEFFICIENTS + GAUSSIANS)
    except (ImportError, OSError, AttributeError):  # whoever reads MatConvNet's files says what is wrong
        return False


def bm3d_net(path: Path) -> Imported:
    """The state dict; WeightsError when the numbers cannot be read.

    Their vector is the mixing matrix and then the functions, both column after column. The basis that is mixed counts
    through the group first, then down a patch, then along it; ours through the patch, row by row, and then the group.
    """
    import h5py
    import torch

    try:
        with h5py.File(path) as file:
            numbers = np.asarray(file["weight"], dtype=np.float64).ravel()
    except OSError as error:
        raise WeightsError(f"weights {path.name}", f"they cannot be read ({error})", "Fetch the file again") from error
    n = COEFFICIENTS
    mixing = numbers[: n * n].reshape(n, n)  # a row is a column of theirs: one coefficient of the network
    along, down, group = np.unravel_index(np.arange(1, n + 1), (PATCH, PATCH, GROUP))
    ours = np.empty_like(mixing)
    ours[:, np.ravel_multi_index((group, down, along), (GROUP, PATCH, PATCH)) - 1] = mixing
    state = {
        "mixing": torch.from_numpy(ours).float(),
        "shrinkage.weights": torch.from_numpy(numbers[n * n :].reshape(n, GAUSSIANS).copy()).float(),
    }
    return Imported("bm3d-net", state, Facts(1, LEVELS, {}))
