"""The authors' weights of FFDNet as state dicts of ours.

Source: github.com/cszn/FFDNet, folder `models`; Zhang, Zuo, Zhang, IEEE TIP 2018, DOI 10.1109/TIP.2018.2839891.
"""

from __future__ import annotations

from .imported import Facts, Imported
from .matconvnet import Convolution

LEVELS = (0.0, 75.0)


def recognise(layers: list[Convolution]) -> bool:
    """Whether these are the layers of an FFDNet: four sub-pictures and a map in, four sub-pictures out."""
    if len(layers) < 3:
        return False
    inputs, outputs = layers[0][0].shape[1], layers[-1][0].shape[0]
    return outputs in (4, 12) and inputs == outputs + 1


def ffdnet(layers: list[Convolution]) -> Imported:
    """The state dict, with the sub-pictures of the first and the last layer in torch's order.

    Theirs run down the columns, (0, 0), (1, 0), (0, 1), (1, 1), torch's along the rows; colours and map agree.
    """
    outputs, features = layers[-1][0].shape[0], layers[0][0].shape[0]
    order = [4 * (k // 4) + (0, 2, 1, 3)[k % 4] for k in range(outputs)]
    state = {}
    for k, (weight, bias) in enumerate(layers):
        name = "last" if k == len(layers) - 1 else f"features.{2 * k}"
        state[f"{name}.weight"], state[f"{name}.bias"] = weight, bias
    state["features.0.weight"] = layers[0][0][:, [*order, outputs]].contiguous()
    state["last.weight"] = layers[-1][0][order].contiguous()
    state["last.bias"] = layers[-1][1][order].contiguous()
    channels = outputs // 4
    network = {"channels": channels, "depth": len(layers), "features": features}
    return Imported("ffdnet", state, Facts(channels, LEVELS, network))
