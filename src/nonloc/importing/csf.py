"""The authors' weights of CSF as state dicts of ours.

Source: github.com/uschmidt83/shrinkage-fields, folder `models`; Schmidt, Roth, CVPR 2014, DOI 10.1109/CVPR.2014.349.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import WeightsError
from .imported import Facts, Imported

if TYPE_CHECKING:
    import torch

WANTED = "Give one of the authors' files of table 1 or table 2"
AUTHORS = "Schmidt, Roth, github.com/uschmidt83/shrinkage-fields"
FILES = {
    "table 1, pairwise": (
        "ee86eed0dcbdd652da88f329dcd400071a46a3a0b1f97680f6b0327e3384bf01",
        "e15689408eda7cccd8bdbd84521a3dbd424ef4fbc4113347005f38ea27706149",
    ),
    "table 1, 3x3": (
        "fd871b07759e0f12d1a12bc78c7533570798799aee55651dd9343666ed827ebb",
        "e3ee38734a227e6800f6db32e0c315bbf29d17f118ce6c85dcb96c90b34cdbc0",
    ),
    "table 1, 5x5": (
        "818fff7393ba9b42dd7cf54ee1f9013e10dc9a6248d53bd08b9dda717e0f880c",
        "fc33c8860a9ece5ba841ae49cfff77adce7f6c75c8478ec2b23facc47bd55173",
    ),
    "table 1, 7x7": (
        "2ba479841b79cedb9471a0b180ccffc49a9a6bf51cc8c1bf9b69a684235b5835",
        "e933eeaa9fccc432e1a356e6ded9320ce28fdbc62758de96e43db117162bf34b",
    ),
    "table 2, pairwise": ("c358370c95f45af6bc5812eff022bb30dea3ae525e2ece0c7d5bfc203c7e5eac",),
    "table 2, 3x3": ("bd72a857d9267f36dae4ad06c0c4b5ee44b9e1b750cd24ec25691f50b1d2ed1c",),
}
# the files themselves tell their level
KNOWN = {digest: (None, f"{AUTHORS}, {what}") for what, digests in FILES.items() for digest in digests}


def recognise(variables: Mapping[str, np.ndarray]) -> bool:
    """Whether these variables of a MATLAB 5 file are those of a CSF."""
    names = getattr(variables.get("model"), "dtype", np.dtype(float)).names or ()
    return {"f", "shrink", "lambda", "nstages"} <= set(names)


def csf(variables: Mapping[str, np.ndarray]) -> Imported:
    """The state dict and the level; WeightsError for a model that deblurs, or one of other shapes.

    variables: as `scipy.io.loadmat` gives them without `squeeze_me`, which would lose the direction of the pairwise
    filters. Theirs turn over as a convolution has it, ours do not.
    """
    from ..methods.unrolled.csf import CENTRES, CSF

    model = variables["model"][0, 0]
    if model["is_deblurring"].item():
        raise WeightsError("weights of CSF", "they are for deblurring", WANTED)
    kernels, shrink, stages = model["f"], model["shrink"], int(model["nstages"].item())
    filters = _filters(kernels)
    means = np.asarray(shrink[0, 0]["means"], dtype=np.float64).ravel()
    if means.tolist() != list(CENTRES) or float(shrink[0, 0]["precision"].item()) != 0.01:
        raise WeightsError("weights of CSF", "their shrinkage functions are on another grid", WANTED)
    network = {"filters": filters, "stages": stages}
    state: dict[str, torch.Tensor] = {}
    for s, stage in enumerate(CSF(filters=filters, stages=stages).stages):
        name = f"stages.{s}"
        if filters != "pairwise":
            turned = np.stack([kernel[::-1, ::-1].ravel() for kernel in kernels[:, s]])
            basis = stage.filters.basis.flatten(1).double()  # type: ignore[union-attr, operator]
            state[f"{name}.filters.mixing"] = (_tensor(turned) @ basis.T).float()
        weights = np.stack([function["weights"].ravel() for function in shrink[:, s]])
        state[f"{name}.shrinkage.weights"] = _tensor(weights).float()
        state[f"{name}.log_strength"] = _tensor(model["lambda"][0, s]).log().float()
    sigma = float(model["sigma"].item())
    return Imported("csf", state, Facts(1, (sigma, sigma), network))


def _filters(kernels: Any) -> str:
    """'pairwise', '3x3', '5x5' or '7x7' of the cell array (filters, stages)."""
    shapes = {kernel.shape for kernel in kernels.ravel()}
    if shapes == {(1, 3), (3, 1)} and all(kernel.ravel().tolist() == [1, -1, 0] for kernel in kernels.ravel()):
        return "pairwise"
    for side in (3, 5, 7):
        if shapes == {(side, side)} and len(kernels) == side**2 - 1:
            return f"{side}x{side}"
    raise WeightsError("weights of CSF", f"no network of ours has filters of {sorted(shapes)}", WANTED)


def _tensor(values: Any) -> torch.Tensor:
    import torch

    return torch.from_numpy(np.array(values, dtype=np.float64))
