"""The authors' weights of DnCNN as state dicts of ours, without normalisation: they are merged already.

Source: github.com/cszn/DnCNN, folder `model`; Zhang et al., IEEE TIP 2017, DOI 10.1109/TIP.2017.2662206, table I.
"""

from __future__ import annotations

from .imported import Facts, Imported
from .matconvnet import Convolution

BLIND = (0.0, 55.0)  # the levels of DnCNN-B and CDnCNN-B, which have 20 layers; 17 layers are for one level


def recognise(layers: list[Convolution]) -> bool:
    """Whether these are the layers of a DnCNN: as many channels out as in, 3 x 3, one width between."""
    if len(layers) < 3:
        return False
    channels, features = layers[0][0].shape[1], layers[0][0].shape[0]
    inner = [(channels, *[features] * (len(layers) - 1)), (*[features] * (len(layers) - 1), channels)]
    found = [tuple(weight.shape[1] for weight, _ in layers), tuple(weight.shape[0] for weight, _ in layers)]
    return found == inner and channels in (1, 3) and all(weight.shape[2:] == (3, 3) for weight, _ in layers)


def dncnn(layers: list[Convolution]) -> Imported:
    """The state dict; a specialist's level is not in its layers."""
    features, channels = layers[0][0].shape[:2]
    state = {}
    for k, (weight, bias) in enumerate(layers):
        state[f"noise.{2 * k}.weight"], state[f"noise.{2 * k}.bias"] = weight, bias
    network = {"channels": channels, "depth": len(layers), "features": features, "norm": False}
    return Imported("dncnn", state, Facts(channels, BLIND if len(layers) == 20 else None, network))
