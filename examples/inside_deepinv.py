"""Our denoiser as the prior of deepinv's plug-and-play: `python examples/inside_deepinv.py`; needs the package deepinv.

deepinv calls a denoiser with (B, C, H, W) and a standard deviation where white is 1, as the modules of nonloc are
called, so `nonloc.create(...).module` goes in as it is. deepinv imports torchvision; where that does not fit the
installed torch, deepinv does not import, and `inside_a_loop.py` shows the same with a loop of one's own.
"""

import torch
from torch import nn

import nonloc
from nonloc.testing import sample

NOISE = 5 / 255


def physics():
    """A blur over 5 x 5 pixels and white noise."""
    import deepinv

    taps = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    kernel = (taps[:, None] * taps)[None, None]
    noise = deepinv.physics.GaussianNoise(NOISE, rng=torch.Generator().manual_seed(1))
    return deepinv.physics.BlurFFT((1, 96, 128), kernel, noise_model=noise)


def restored(y: torch.Tensor, blur, denoiser: nn.Module, steps: int = 8) -> torch.Tensor:
    """x by half-quadratic splitting as in DPIR, the prior's level falling to that of the noise."""
    from deepinv.optim import HQS, L2, PnP

    levels = torch.logspace(torch.log10(torch.tensor(49 / 255)), torch.log10(torch.tensor(NOISE)), steps).tolist()
    loop = HQS(
        data_fidelity=L2(),
        prior=PnP(denoiser),
        stepsize=[(level / NOISE) ** 2 / 0.23 for level in levels],  # as Zhang et al., TPAMI 2021, lambda = 0.23
        sigma_denoiser=levels,
        max_iter=steps,
    )
    with torch.no_grad():
        return loop(y, blur)


def psnr(x: torch.Tensor, clean: torch.Tensor) -> float:
    return -10 * torch.log10((x - clean).square().mean()).item()


def main() -> tuple[float, float]:
    denoiser = nonloc.create("nonloc-s", channels=1, sigma=25).module
    clean = torch.from_numpy(sample(96, 128, sigma=0).pixels())[None]
    blur = physics()
    y = blur(clean)
    x = restored(y, blur, denoiser)
    print(f"blurred and noisy {psnr(y, clean):.2f} dB, after deepinv's loop {psnr(x, clean):.2f} dB")
    return psnr(y, clean), psnr(x, clean)


if __name__ == "__main__":
    main()
