"""Our denoiser inside a loop of your own: `python examples/inside_a_loop.py`.

`nonloc.create` gives a method; its `.module` is a plain `nn.Module` from (B, C, H, W) and a standard deviation (where
white is 1) to the clean picture, with gradients. Here it is the prior of plug-and-play gradient descent, which finds a
blurred picture's sharp one (Hurault, Leclaire, Papadakis, "Gradient Step Denoiser", ICLR 2022, is the idea), and the
start of a training on pictures of your own.
"""

import copy

import numpy as np
import torch
from torch.nn import functional as F

import nonloc
from nonloc.testing import sample

BLUR = torch.ones(1, 1, 1, 7) / 7  # a straight shake over seven pixels


def blurred(x):
    return F.conv2d(F.pad(x, (3, 3, 0, 0), mode="replicate"), BLUR)


def plug_and_play(y, denoiser, noise=2 / 255, strength=12 / 255, steps=20):
    """x with blurred(x) near `y`, (1, 1, H, W): a step down |blurred(x) - y|^2, then a step by the denoiser, in turns.

    noise: standard deviation of what was measured; strength: what the denoiser is told at first, and less each time.
    """
    x = y.clone()
    for level in np.geomspace(strength, noise, steps).tolist():
        x = x.detach().requires_grad_(True)
        (slope,) = torch.autograd.grad(0.5 * (blurred(x) - y).square().sum(), x)
        with torch.no_grad():
            x = denoiser((x - slope).detach(), level)
    return x


def trained(denoiser, clean, steps=8, rate=1e-4, sigma=25 / 255):
    """A copy of `denoiser` after some steps on your own pictures `clean` (B, C, H, W), and the losses."""
    network = copy.deepcopy(denoiser).train().requires_grad_(True)  # ours is shared, and frozen
    optimizer = torch.optim.Adam(network.parameters(), rate)
    draw, losses = torch.Generator().manual_seed(0), []
    for _ in range(steps):
        noisy = clean + sigma * torch.randn(clean.shape, generator=draw)
        loss = F.mse_loss(network(noisy, sigma), clean)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return network.eval(), losses


def psnr(x, clean):
    return -10 * torch.log10((x - clean).square().mean()).item()


def main():
    denoiser = nonloc.create("nonloc-s", channels=1, sigma=25).module
    clean = torch.from_numpy(sample(96, 128, sigma=0).pixels())[None]
    y = blurred(clean) + 2 / 255 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    x = plug_and_play(y, denoiser)
    print(f"blurred {psnr(y, clean):.2f} dB, after plug-and-play {psnr(x, clean):.2f} dB")
    _, losses = trained(denoiser, clean)
    print("training: loss " + ", ".join(f"{loss:.2e}" for loss in losses))
    return psnr(y, clean), psnr(x, clean), losses


if __name__ == "__main__":
    main()
