"""The authors' weights of NLNet and CNLNet as state dicts of ours.

Source: github.com/cig-skoltech/NLNet, folder `network/models`; Lefkimmiatis, CVPR 2017, DOI 10.1109/CVPR.2017.623.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import WeightsError
from .imported import Facts, Imported

if TYPE_CHECKING:
    import torch

WANTED = "Give one of the authors' files, such as nlnet_5x5_std=25_joint.mat"
AUTHORS = "Lefkimmiatis, github.com/cig-skoltech/NLNet"
STAGES = {"nlcf": 1, "cnlcf": 3}  # their name of a stage: channels
MIXING, CLOSENESS, INFLUENCE, REACTION = 0, 2, 4, 5  # the places of the arrays of a stage
KNOWN = {
    "5d4c5f4e0b01070090d0eb6813b2d4797912e81980aa7647d9c28259efb7393c": (15, f"{AUTHORS}, NLNet 5x5"),
    "a9e5f2281b97c6dfafaf02ee80e695a25765bab8638016c62b21903199aaa026": (25, f"{AUTHORS}, NLNet 5x5"),
    "3e4a2b4cd1683d9efe284aae28ef77b8bccfcecd507852f4859de2e0169be8c9": (50, f"{AUTHORS}, NLNet 5x5"),
    "2aad053497a59bbb10ac2e21ea9d637fcd044cedab7edc633983b8aa59b19381": (15, f"{AUTHORS}, NLNet 7x7"),
    "881cd1e841c06841f94a83c56b8e8ea2fb9a4d8d563aa686156280fb01fc7ae3": (25, f"{AUTHORS}, NLNet 7x7"),
    "13aed321abcb83e85b7eb313cbf2fcf7ec6d88ae22fc7d8e14942df097615f1f": (50, f"{AUTHORS}, NLNet 7x7"),
    "447ed214f5e255ee6412863131e74ad3a4736548e636119c86b56c441d7a48e9": (15, f"{AUTHORS}, CNLNet 5x5"),
    "517ef554c2f11e7ed413e731d7a9d6352e0341caff0ebace51cf4cc40cd6871f": (25, f"{AUTHORS}, CNLNet 5x5"),
    "3435e42628227d5eb535b44a9f3f026ff87c252d8f87e78d961c29c738a9f526": (50, f"{AUTHORS}, CNLNet 5x5"),
}


def recognise(variables: Mapping[str, np.ndarray]) -> bool:
    """Whether these variables of a MATLAB 5 file are those of an NLNet."""
    names = getattr(variables.get("net"), "dtype", np.dtype(float)).names or ()
    return "layers" in names and bool(_stages(variables))


def nlnet(variables: Mapping[str, np.ndarray]) -> Imported:
    """The state dict; the level is not in the file. WeightsError for a network of another form.

    variables: as `scipy.io.loadmat` gives them. Their filters are mixtures of a basis that stands in the file, and
    correlate, as ours do. Colour is kept at 0 to 1 there, at 0 to 255 here, and so are the functions' values.
    """
    from ..methods.unrolled.nlnet import GAUSSIANS, REACH, SLOW, NLNet

    stages = _stages(variables)
    channels, patch = STAGES[_kind(stages[0])], len(stages[0]["filters"][0, 0])
    count = stages[0]["weights"][0, CLOSENESS].size
    network = {"channels": channels, "size": patch, "stages": len(stages), "neighbours": count}
    if {_kind(stage) for stage in stages} != {_kind(stages[0])} or patch not in (3, 5, 7):
        raise WeightsError(
            "weights of NLNet", f"their stages are {[_kind(s) for s in stages]} on {patch} pixels", WANTED
        )
    unit = REACH[channels] / float(stages[0]["ub"].item())  # 1 for gray, 255 for colour
    state: dict[str, torch.Tensor] = {}
    for s, (ours, theirs) in enumerate(zip(NLNet(**network).stages, stages, strict=True)):
        arrays = [np.asarray(array, dtype=np.float64) for array in theirs["weights"].ravel()]
        centres = unit * np.asarray(theirs["rbf_means"], dtype=np.float64).ravel()
        if len(centres) != GAUSSIANS or not np.allclose(
            [centres[0], centres[-1], unit * theirs["rbf_precision"].item()],
            [-REACH[channels], REACH[channels], 2 * REACH[channels] / (GAUSSIANS - 1)],
        ):
            raise WeightsError("weights of NLNet", "their functions are on another grid", WANTED)
        basis = np.asarray(theirs["filters"][0, 0], dtype=np.float64).reshape(patch**2, -1).T  # filter, pixel
        turned = basis @ ours.filters.basis.flatten(1).double().numpy().T  # type: ignore[union-attr, operator]
        functions = np.atleast_3d(unit * arrays[INFLUENCE]).transpose(2, 0, 1)  # channel, coefficient, Gaussian
        name = f"stages.{s}"
        state[f"{name}.filters.mixing"] = _tensor(arrays[MIXING] @ turned)
        state[f"{name}.influence.weights"] = _tensor(functions.reshape(-1, GAUSSIANS))
        state[f"{name}.closeness"] = _tensor(arrays[CLOSENESS].ravel() / SLOW)
        state[f"{name}.trust"] = _tensor(arrays[REACTION].reshape(()) / SLOW)
    method = "nlnet" if channels == 1 else "cnlnet"
    return Imported(method, state, Facts(channels, None, network))


def _stages(variables: Mapping[str, np.ndarray]) -> list[Any]:
    """The structs of the stages, in their order; none where there is no such network."""
    layers = [layer[0, 0] for layer in variables["net"]["layers"][0, 0].ravel()]
    return [layer for layer in layers if _kind(layer) in STAGES]


def _kind(layer: Any) -> str:
    return str(layer["type"].item())


def _tensor(values: np.ndarray) -> torch.Tensor:
    import torch

    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
