"""The authors' weights of NLRN as a state dict of ours.

Source: names of the variables in the graph of github.com/Ding-Liu/NLRN_v0, the code of Liu et al., NeurIPS 2018,
arXiv 1806.02919. The normalisations of the recurrence are numbered through: 3 t, 3 t + 1, 3 t + 2 are those of step
t.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..errors import WeightsError
from .imported import Facts, Imported

if TYPE_CHECKING:
    import torch

MARK = "rnn/non_local_theta/kernel"  # what no other network has
CONVOLUTIONS = {
    "conv1": "first",
    "rnn/non_local_theta": "theta",
    "rnn/non_local_phi": "phi",
    "rnn/non_local_g": "g",
    "rnn/RB1_a": "a",
    "rnn/RB1_b": "b",
    "conv_end": "last",
}
PLACES = ("before", "between", "within")
NUMBERS = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def recognise(variables: Mapping[str, np.ndarray]) -> bool:
    """Whether these are the variables of an NLRN."""
    return any(name.endswith(MARK) for name in variables)


def nlrn(variables: Mapping[str, np.ndarray]) -> Imported:
    """The state dict; what a training kept beside its variables, such as moments of the gradient, is left out.

    WeightsError when a variable is missing, or the shapes are not those of one network.
    """
    prefix = next(name for name in variables if name.endswith(MARK)).removesuffix(MARK)
    steps = _steps(name.removeprefix(prefix) for name in variables if name.startswith(prefix))
    state: dict[str, torch.Tensor] = {}
    for theirs, ours in CONVOLUTIONS.items():
        kernel = _variable(variables, f"{prefix}{theirs}/kernel", 4)
        state[f"{ours}.weight"] = _tensor(kernel.transpose(3, 2, 0, 1))
        state[f"{ours}.bias"] = _tensor(_variable(variables, f"{prefix}{theirs}/bias", 1))
    norms = {"batch_normalization": "norm_in", "batch_normalization_1": "norm_out"}
    norms |= {f"rnn/{_numbered(k)}": f"norms.{k // 3}.{PLACES[k % 3]}" for k in range(3 * steps)}
    for theirs, ours in norms.items():
        for number, name in NUMBERS.items():
            state[f"{ours}.{name}"] = _tensor(_variable(variables, f"{prefix}{theirs}/{number}", 1))
        state[f"{ours}.num_batches_tracked"] = _tensor(np.zeros((), np.int64))
    features, channels = state["first.weight"].shape[:2]
    embedding = state["theta.weight"].shape[0]
    _check(state, channels, features, embedding)
    network = {"channels": channels, "steps": steps, "features": features, "embedding": embedding}
    return Imported("nlrn", state, Facts(channels, None, network))


def _steps(names) -> int:
    """T, from the highest number of a normalisation in the recurrence."""
    found = (re.fullmatch(r"rnn/batch_normalization(?:_(\d+))?/gamma", name) for name in names)
    return (max((int(match[1] or 0) for match in found if match), default=-1) + 1) // 3


def _numbered(k: int) -> str:
    return f"batch_normalization_{k}" if k else "batch_normalization"


def _variable(variables: Mapping[str, np.ndarray], name: str, axes: int) -> np.ndarray:
    if name not in variables or variables[name].ndim != axes:
        found = f"it has the shape {variables[name].shape}" if name in variables else "it is not in the file"
        raise WeightsError(f"variable {name} of NLRN", found, "Give the weights of the network with 12 steps (v0)")
    return variables[name]


def _tensor(values: np.ndarray) -> torch.Tensor:
    import torch

    return torch.from_numpy(np.array(values, order="C"))  # a copy: the file's bytes are read-only


def _check(state: dict[str, torch.Tensor], channels: int, features: int, embedding: int) -> None:
    """WeightsError when the shapes are not those of one network."""
    wanted = {
        "first": (features, channels, 3, 3),
        "theta": (embedding, features, 1, 1),
        "phi": (embedding, features, 1, 1),
        "g": (features, features, 1, 1),
        "a": (features, features, 3, 3),
        "b": (features, features, 3, 3),
        "last": (channels, features, 3, 3),
        "norm_in": (channels,),
    }
    for name, tensor in state.items():
        layer, _, number = name.rpartition(".")
        shape = wanted.get(layer, (features,))  # of the other normalisations
        shape = () if number == "num_batches_tracked" else shape if number == "weight" else shape[:1]
        if tensor.shape != shape:
            found = f"the shape is {tuple(tensor.shape)} where {shape} fits the others"
            raise WeightsError(f"weights of NLRN, {name}", found, "Fetch the files again")
