"""Draw which pixels three pixels of the bundled harbour listen to: by patches, by learned attention, and in the end.

    python benchmarks/attention_pixels.py

Writes docs/figures/listening.png. Rows: the weights of non-local means (Buades, Coll, Morel, IPOL 2011, patches of
5 x 5, h = 0.4 sigma); those of nlrn-fast's attention at its last step; the gradient of nlrn-fast's output at the pixel.
Prints for each the entropy in nats, and beside it that of an even look at the same places; and what changes when the
attention is switched off, and the recurrence with it.
"""

from __future__ import annotations

import copy
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from matplotlib import pyplot as plt
from PIL import Image as PillowImage
from torch import Tensor

import nonloc
from nonloc.nonlocal_ops.definition import in_window

TARGET = Path(__file__).parent.parent / "docs" / "figures" / "listening.png"
SIGMA, GRID, AROUND = 25, 4, 36  # level; pixels of the picture for one of the network's grid; shown on each side
SIDE, REACH, PATCH = 160, 30, 5  # of the part that is computed; of non-local means, to each side
PIXELS = {"mast and sail": (150, 152), "brick wall": (205, 450), "a rope": (268, 62)}  # (row, column)


def by_patches(noisy: np.ndarray, pixel: tuple[int, int]) -> np.ndarray:
    """Weights of non-local means, (H, W), 0 outside the window."""
    r, std = PATCH // 2, SIGMA / 255
    patches = np.lib.stride_tricks.sliding_window_view(np.pad(noisy, r, mode="symmetric"), (PATCH, PATCH))
    apart = np.square(patches - patches[pixel]).mean((2, 3))
    weight = np.exp(-np.maximum(apart - 2 * std**2, 0) / (0.4 * std) ** 2)
    rows, columns = (np.abs(np.arange(SIDE) - at) <= REACH for at in pixel)
    return weight * rows[:, None] * columns


def by_attention(module: torch.nn.Module, noisy: Tensor, pixel: tuple[int, int]) -> np.ndarray:
    """Weights at the last step, with the logits of all steps before in them, (H, W), 0 outside the window."""
    recurrence, logits = module.refine, []
    attend = recurrence._attend

    def heard(r: Tensor, carried, *, keep: bool):
        theta, phi = (x(r).flatten(2)[0] for x in (recurrence.theta, recurrence.phi))
        S = theta.T @ phi * theta.shape[0] ** -0.5
        logits.append(S + logits[-1] if logits and recurrence.propagate else S)
        return attend(r, carried, keep=keep)

    recurrence._attend = heard
    try:
        with torch.no_grad():
            module(noisy, SIGMA / 255)
    finally:
        del recurrence._attend
    y, x = (at // GRID for at in pixel)
    rows, columns = (in_window(SIDE // GRID, recurrence.window, "clamp")[at].bool() for at in (y, x))
    row = logits[-1][y * (SIDE // GRID) + x].reshape(SIDE // GRID, -1)
    P = row.masked_fill(~(rows[:, None] & columns), -torch.inf).flatten().softmax(0).reshape(row.shape)
    return np.kron(P.numpy(), np.ones((GRID, GRID)))


def in_the_end(module: torch.nn.Module, noisy: Tensor, pixel: tuple[int, int]) -> np.ndarray:
    """|d restored at the pixel / d noisy|, (H, W)."""
    told = noisy.clone().requires_grad_(True)
    (slope,) = torch.autograd.grad(module(told, SIGMA / 255)[0, 0, pixel[0], pixel[1]], told)
    return slope[0, 0].abs().numpy()


def main() -> None:
    rgb = nonloc.read(Path(nonloc.__file__).parent / "samples" / "harbour.png").pixels()
    clean = np.tensordot(np.array([0.299, 0.587, 0.114], np.float32), rgb, 1)
    noisy = clean + SIGMA / 255 * np.random.default_rng(0).standard_normal(clean.shape).astype(np.float32)
    module = nonloc.create("nlrn-fast", channels=1, sigma=SIGMA).module
    rows = ("non-local means", "nlrn-fast, attention", "nlrn-fast, in the end")
    switched_off(module, noisy, clean)
    figure, axes = plt.subplots(3, len(PIXELS), figsize=(6.6, 6.9), layout="constrained")
    for column, (name, (y, x)) in enumerate(PIXELS.items()):
        top, left = (min(max(0, at // 8 * 8 - SIDE // 2), n - SIDE) for at, n in zip((y, x), clean.shape, strict=True))
        part, pixel = noisy[top : top + SIDE, left : left + SIDE], (y - top, x - left)
        tensor = torch.from_numpy(part)[None, None]
        listened = (by_patches(part, pixel), by_attention(module, tensor, pixel), in_the_end(module, tensor, pixel))
        for row, (what, heard) in enumerate(zip(rows, listened, strict=True)):
            P = heard[heard > 1e-9 * heard.max()].astype(np.float64)
            P /= P.sum()
            print(f"{name}, {what}: {-(P * np.log(P)).sum():.2f} nats, even {np.log(len(P)):.2f}")
            draw(axes[row, column], part, heard, pixel)
            axes[row, column].set_title(name if row == 0 else "", fontsize=9)
            axes[row, 0].set_ylabel(what, fontsize=9)
    stream = BytesIO()
    figure.savefig(stream, dpi=90)
    PillowImage.open(stream).convert("RGB").quantize(96).save(TARGET, optimize=True)
    print(f"{TARGET.name}: {TARGET.stat().st_size / 1000:.0f} kB")


def switched_off(module: torch.nn.Module, noisy: np.ndarray, clean: np.ndarray) -> None:
    """Tell the PSNR of the whole picture as it is, without attention, and without the recurrence."""
    silent, plain = copy.deepcopy(module), copy.deepcopy(module)
    torch.nn.init.zeros_(silent.refine.project.weight)
    plain.refine = torch.nn.Identity()
    with torch.no_grad():
        given = [network(torch.from_numpy(noisy)[None, None], SIGMA / 255)[0, 0] for network in (module, silent, plain)]
    for name, restored in zip(("as it is", "without attention", "without recurrence"), given, strict=True):
        apart = 255 * float((restored - given[0]).abs().max())
        error = np.square(restored.numpy() - clean).mean()
        print(f"{name}: {-10 * np.log10(error):.3f} dB; no pixel differs by more than {apart:.3f} of 255 levels")


def draw(axis, noisy: np.ndarray, heard: np.ndarray, pixel: tuple[int, int]) -> None:
    """The picture in gray, what is listened to in colour over it (its root), the pixel in a frame."""
    shown = np.sqrt(np.minimum(heard / np.sort(heard, axis=None)[-9], 1))
    colour = plt.get_cmap("inferno")(shown)
    colour[..., 3] = np.clip(2 * shown, 0, 0.8)
    axis.imshow(noisy, cmap="gray", vmin=0, vmax=1)
    axis.imshow(colour, interpolation="nearest")
    y, x = pixel
    axis.add_patch(plt.Rectangle((x - 1.5, y - 1.5), 3, 3, fill=False, edgecolor="#00c8ff", linewidth=1.2))
    axis.set(xlim=(x - AROUND, x + AROUND), ylim=(y + AROUND, y - AROUND), xticks=[], yticks=[])


if __name__ == "__main__":
    main()
