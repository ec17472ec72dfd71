"""DnCNN: a plain convolutional network that predicts the noise, not the picture.

Source: Zhang, Zuo, Chen, Meng, Zhang, "Beyond a Gaussian Denoiser: Residual Learning of Deep CNN for Image
Denoising", IEEE TIP 26(7), 2017, DOI 10.1109/TIP.2017.2662206. Section III: y = x + v, the network is R(y) ~ v,
and x = y - R(y).
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy

from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ...errors import UsageError
from ..base import NetworkMethod


class DnCNN(nn.Module):
    """Residual denoiser (paper, figure 1); it finds the level of the noise by itself.

    channels: of the picture, 1 gray, 3 colour. depth: number of 3 x 3 convolutions, 17 for one sigma (DnCNN-S), 20
    for the blind and the colour model (DnCNN-B, CDnCNN-B); a pixel sees `depth` pixels each way. features: channels
    inside. norm: batch normalisation after the inner convolutions; without it, the form that `fold` makes.
    """

    def __init__(self, channels: int = 1, depth: int = 17, features: int = 64, norm: bool = True):
        super().__init__()
        self.arguments = {"channels": channels, "depth": depth, "features": features}
        layers: list[nn.Module] = [conv(channels, features), nn.ReLU(inplace=True)]
        for _ in range(depth - 2):
            # no bias before a normalisation, which would remove it again
            layers.append(conv(features, features, bias=not norm))
            if norm:
                layers.append(nn.BatchNorm2d(features))
            layers.append(nn.ReLU(inplace=True))
        self.noise = nn.Sequential(*layers, conv(features, channels))

    def forward(self, y: Tensor) -> Tensor:
        """Clean estimate of noisy `y` (B, C, H, W), black 0, white 1; same shape, not clipped."""
        return y - self.noise(y)


def conv(inputs: int, outputs: int, bias: bool = True) -> nn.Conv2d:
    """3 x 3, zeros beyond the border, drawn as He et al., ICCV 2015, for ReLU, as in the paper."""
    made = nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=bias)
    nn.init.kaiming_normal_(made.weight, nonlinearity="relu")
    if made.bias is not None:
        nn.init.zeros_(made.bias)
    return made


def fold(network: DnCNN) -> DnCNN:
    """The same function without batch normalisation: each one is merged into the convolution before it.

    network: trained; its running statistics count, as in `eval` mode. It is left as it is; the result is a new
    module on the CPU, in `eval` mode, with fewer numbers and fewer passes over memory. UsageError when something else
    was inserted, such as a non-local block.
    """
    merged = DnCNN(**network.arguments, norm=False)
    ours = [layer for layer in merged.noise if isinstance(layer, nn.Conv2d)]
    for layer, (theirs, norm) in zip(ours, _with_norm(deepcopy(network).eval().noise), strict=True):
        single = fuse_conv_bn_eval(theirs, norm) if norm is not None else theirs
        layer.load_state_dict(single.state_dict())
    return merged.eval()


def _with_norm(layers: Iterable[nn.Module]) -> list[tuple[nn.Conv2d, nn.BatchNorm2d | None]]:
    """Each convolution with the normalisation that follows it."""
    pairs: list[tuple[nn.Conv2d, nn.BatchNorm2d | None]] = []
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            pairs.append((layer, None))
        elif isinstance(layer, nn.BatchNorm2d):
            pairs[-1] = (pairs[-1][0], layer)
        elif not isinstance(layer, nn.ReLU):
            name = type(layer).__name__
            raise UsageError("folding a DnCNN", f"it holds a {name}", "Fold it before anything is inserted")
    return pairs


class DnCNNMethod(NetworkMethod):
    network = DnCNN  # its arguments stand under `network` in the card; sigma picks the weights
