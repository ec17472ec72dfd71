"""What plain residual denoisers are made of: 3 x 3 convolutions in a row, with or without normalisation.

Source: Zhang et al., "Beyond a Gaussian Denoiser", IEEE TIP 2017, DOI 10.1109/TIP.2017.2662206, whose order of layers
the others took over; the draw is that of He et al., ICCV 2015, DOI 10.1109/ICCV.2015.123.
"""

from __future__ import annotations

from torch import nn


def conv(inputs: int, outputs: int, side: int = 3, dilation: int = 1, bias: bool = True) -> nn.Conv2d:
    """A convolution of side x side, zeros beyond the border, that keeps the size; a pixel sees `dilation` further."""
    made = nn.Conv2d(inputs, outputs, side, padding=dilation * (side // 2), dilation=dilation, bias=bias)
    nn.init.kaiming_normal_(made.weight, nonlinearity="relu")
    if made.bias is not None:
        nn.init.zeros_(made.bias)
    return made


def conv_relu(inputs: int, outputs: int, dilation: int = 1) -> list[nn.Module]:
    return [conv(inputs, outputs, dilation=dilation), nn.ReLU(inplace=True)]


def conv_bn_relu(inputs: int, outputs: int, dilation: int = 1, bias: bool = False) -> list[nn.Module]:
    """bias: only where a paper's code has it; the normalisation removes it again."""
    return [
        conv(inputs, outputs, dilation=dilation, bias=bias), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    ]  # fmt: skip


def silent(layer: nn.Conv2d) -> nn.Conv2d:
    """`layer` with nothing but zeros: a residual network that ends so gives its input back until it is trained."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer
