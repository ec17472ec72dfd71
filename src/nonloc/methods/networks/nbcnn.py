"""NBCNN: DnCNN with the level of the noise as a second plane of its input, so that one model serves all levels.

Source: Uchida, Tanaka, Okutomi, "Non-blind image denoising based on convolutional neural network", IEEE GCCE 2018. The
told level and the residual are the paper's; the layers are those of DnCNN.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .conditional import ConditionalMethod
from .level_map import level_map
from .plain import conv, conv_bn_relu, conv_relu, silent

QUIET = 0.1  # of the drawn weights of the level's plane: what it says is the same in all pixels, and adds up


class NBCNN(nn.Module):
    """Residual denoiser for any level of noise.

    channels: of the picture. depth: convolutions; a pixel sees as many pixels each way. features: channels inside.
    """

    def __init__(self, channels: int = 1, depth: int = 17, features: int = 64):
        super().__init__()
        layers = conv_relu(channels + 1, features)
        with torch.no_grad():
            layers[0].weight[:, channels:] *= QUIET  # type: ignore[index, operator]
        for _ in range(depth - 2):
            layers += conv_bn_relu(features, features)
        self.noise = nn.Sequential(*layers, silent(conv(features, channels)))

    def forward(self, y: Tensor, std: Tensor | float) -> Tensor:
        """Clean estimate of noisy `y` (B, C, H, W), black 0, white 1; same shape, not clipped.

        std: standard deviation of the noise where white is 1: a number, (B,), or a map (B, 1, H, W).
        """
        return y - self.noise(torch.cat([y, level_map(std, y)], 1))


class NBCNNMethod(ConditionalMethod):
    network = NBCNN  # its arguments stand under `network` in the card
