"""Your own network through nonloc's engine: `python examples/own_network.py [IN OUT]`.

The engine takes any `nn.Module` from (B, C, H, W) to the same size, and brings tiles without seams, a bound on memory,
any depth of file, and a record. What it cannot know stands on a card of five lines: above all how far a pixel sees.
"""

import sys
from pathlib import Path

import torch
from torch import nn

import nonloc
from nonloc.engine import Plan, run
from nonloc.methods.base import NetworkMethod
from nonloc.methods.card import Card

SAMPLE = Path(nonloc.__file__).parent / "samples" / "harbour.png"


class Mine(nn.Module):
    """Put your own network here. This one is three layers that smooth, each channel alone; nothing is trained."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(*(nn.Conv2d(1, 1, 5, padding=2, padding_mode="replicate") for _ in range(3)))
        taps = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
        for layer in self.layers:
            nn.init.zeros_(layer.bias)
            with torch.no_grad():
                layer.weight.copy_(taps[:, None] * taps)

    def forward(self, y):
        return self.layers(y.flatten(0, 1)[:, None]).reshape(y.shape)


CARD = Card(
    name="mine",
    title="My network",
    task="denoise",
    channels=(1, 3),
    halo_exact=6,  # three layers, two pixels each; sides may be any number, or `multiple` would say
)


def restored(picture, tile="auto"):
    """`picture`, an Image, by the network, and the record of how."""
    method = NetworkMethod(CARD, module=Mine().eval())
    return run(Plan(method, tile=tile, memory=1 << 30), picture)


def main(source=SAMPLE, target="mine.png"):
    out, record = restored(nonloc.read(source))
    print(f"{nonloc.write(out, target)}: {record.method}, {record.tiles} tiles, {record.seconds:.2f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
