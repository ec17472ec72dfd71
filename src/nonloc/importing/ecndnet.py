"""The authors' weights of ECNDNet as state dicts of ours.

Source: github.com/hellloxiaotian/ECNDNet; Tian et al., CAAI Transactions on Intelligence Technology, 2019,
DOI 10.1049/trit.2018.1054. Their blocks are numbered through: conv1_1 to conv1_15 are a convolution and a normalisation
each, conv1_16 makes the noise narrow, conv3 ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..errors import WeightsError
from .imported import Facts, Imported

if TYPE_CHECKING:
    import torch

MARK = "conv1_16.0.weight"  # what no other network has
AUTHORS = "Tian et al., github.com/hellloxiaotian/ECNDNet"
KNOWN = {
    "7d079708bb0e6cde7638a1ccf93de342278321b8f2e373b7c4c14985dbcb3f48": (15, AUTHORS),
    "22f1894986677a094856ceb6320681e5e268089bbddaf78688566ac611cf0a30": (25, AUTHORS),
    "2bc1c87e9187cdebe7a5418a4ef94c2cb0a593ece0659aa44f8370cf81d9c052": (50, AUTHORS),
}
NORM = ("weight", "bias", "running_mean", "running_var")


def recognise(state: Mapping[str, torch.Tensor]) -> bool:
    """Whether these are the tensors of an ECNDNet."""
    return MARK in state


def ecndnet(state: Mapping[str, torch.Tensor]) -> Imported:
    """The state dict; the level is not in it. WeightsError when a tensor is missing."""
    import torch

    from ..methods.networks.ecndnet import DEPTH

    taken = {"narrow.weight": MARK, "end.1.weight": "conv3.weight", "end.1.bias": "conv3.bias"}
    for k in range(DEPTH):
        block = f"conv1_{k + 1}"
        taken[f"features.{3 * k}.weight"] = f"{block}.0.weight"
        taken |= {f"features.{3 * k + 1}.{number}": f"{block}.1.{number}" for number in NORM}
    missing = next((theirs for theirs in taken.values() if theirs not in state), None)
    if missing is not None:
        raise WeightsError(f"tensor {missing} of ECNDNet", "it is not in the file", "Give one of the authors' files")
    ours = {name: state[theirs].float() for name, theirs in taken.items()}
    ours |= {f"features.{3 * k + 1}.num_batches_tracked": torch.tensor(0) for k in range(DEPTH)}  # not kept by theirs
    features, channels = ours["features.0.weight"].shape[:2]
    return Imported("ecndnet", ours, Facts(channels, None, {"channels": channels, "features": features}))
