"""Draw the article's figures 1 and 2 anew, with the shapes of tensors that a forward pass had, and what they looked at.

    python benchmarks/article_figures.py --weights FOLDER     # the folder of NLRN's variables

Writes docs/figures/nlnet_stage.svg (figure 1: a stage of NLNet), nlrn_module.svg (figure 2: the non-local module, as
NLRN has it) and affinities.png (where five pixels of Barbara look, and the patches that NLNet's matching takes). The
shapes need no weights; the affinities are those of NLRN's authors at sigma 15, which --weights names.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.patches import FancyBboxPatch

from nonloc.datasets import load
from nonloc.importing import import_weights
from nonloc.methods.networks.nlrn import NLRN
from nonloc.methods.unrolled.filter_bank import adjoint, correlate, pad
from nonloc.methods.unrolled.nlnet import NLNet
from nonloc.methods.unrolled.nonlocal_operator import find, weighted_sum, weighted_sum_adjoint

FIGURES = Path(__file__).parent.parent / "docs" / "figures"
SIGMA, AROUND = 15, 36  # level of NLRN's weights; pixels of Barbara on each side of the one looked from
PIXELS = {  # (row, column) in Barbara
    "trousers": (340, 290),
    "table cloth": (310, 25),
    "scarf": (220, 350),
    "edge of the table leg": (300, 168),
    "wall": (100, 230),
}
INK, TINT = {"data": "#1f3b4d", "work": "#7a3b00"}, {"data": "#e8f0f5", "work": "#fbeedd"}

Box = tuple[str, str, str, tuple[float, float]]  # name, text, 'data' or 'work', centre


def shape(tensor: torch.Tensor) -> str:
    return " x ".join(map(str, tensor.shape))


def crop(name: str) -> tuple[torch.Tensor, tuple[int, int]]:
    """The noisy surroundings of a pixel, (1, 1, h, w), black 0, white 1, and where it is in them."""
    clean = load("set12")[8].pixels8("gray") / np.float32(255)
    noisy = clean + SIGMA / 255 * np.random.default_rng(0).standard_normal(clean.shape).astype(np.float32)
    y, x = PIXELS[name]
    top, left = max(0, y - AROUND), max(0, x - AROUND)
    return torch.from_numpy(noisy[None, None, top : y + AROUND + 1, left : x + AROUND + 1]), (y - top, x - left)


def stage() -> tuple[list[Box], list[tuple[str, str]]]:
    """Figure 1: the second stage of NLNet piece by piece, each held to be a part of what the stage itself gives."""
    network = NLNet().eval().requires_grad_(False)
    y = 255 * crop("trousers")[0]
    near = find(y, network.size, network.window, network.neighbours)
    x = network.stages[0](y, y, near)
    step = network.stages[1]
    k, g, rim = step.filters(), step.g, network.size // 2
    padded, f = pad(x, rim, "symmetric"), correlate(x, k, "symmetric")
    rows = f.flatten(2)[0].T.contiguous()
    z = weighted_sum(rows, g, near)
    maps = z.T.reshape(f.shape)
    psi = step.influence(maps)
    back = weighted_sum_adjoint(psi.flatten(2)[0].T.contiguous(), g, near)
    r = adjoint(back.T.reshape(f.shape), k, "symmetric")
    torch.testing.assert_close(x - step.reaction * (x - y) - r, step(x, y, near))
    middle, low, high = 0.9, 0.2, 1.6
    boxes: list[Box] = [
        ("x", f"x, the estimate so far\n{shape(x)}", "data", (0, middle)),
        ("pad", f"mirror the border\n{shape(padded)}", "work", (1, middle)),
        ("f", f"filters, mixed from cosines\n{shape(k)}\ncoefficients {shape(f)}", "work", (2, middle)),
        ("z", f"sum over {len(g)} alike patches\nwith weights g ({shape(g)})\n{shape(z)}", "work", (3, middle)),
        ("psi", f"psi, mixtures of\n{step.influence.weights.shape[1]} Gaussians\n{shape(psi)}", "work", (4, middle)),
        ("back", f"adjoint sum\n{shape(back)}", "work", (4, low)),
        ("r", f"adjoint filters,\nborder folded back\n{shape(r)}", "work", (3, low)),
        ("sum", f"x - l (x - y) - r\n{shape(x)}", "data", (2, low)),
        ("y", f"y, the noisy picture\n{shape(y)}", "data", (0, high)),
        (
            "near",
            f"block matching, once\nin windows of {network.window} x {network.window}\n{shape(near.nearest)}",
            "work",
            (3, high),
        ),
    ]
    arrows = [
        ("x", "pad"), ("pad", "f"), ("f", "z"), ("z", "psi"), ("psi", "back"), ("back", "r"), ("r", "sum"),
        ("y", "near"), ("near", "z"), ("x", "sum"),
    ]  # fmt: skip
    return boxes, arrows


class Seen:
    """What NLRN's non-local module was given and gave, step by step, in one forward pass."""

    def __init__(self, network: NLRN, pixels: torch.Tensor):
        self.inputs: dict[str, list[torch.Tensor]] = {"r": [], "theta": [], "phi": [], "g": [], "z": []}
        hooks = [
            getattr(network, name).register_forward_hook(
                lambda module, given, gave, name=name: self._keep(name, given[0], gave)
            )
            for name in ("theta", "phi", "g")
        ]
        hooks += [
            step.between.register_forward_hook(lambda module, given, gave: self.inputs["z"].append(given[0]))
            for step in network.norms
        ]
        with torch.no_grad():
            self.noise = network.unrolled(255 * pixels)
        for hook in hooks:
            hook.remove()
        self.window = network.window

    def _keep(self, name: str, given: torch.Tensor, gave: torch.Tensor) -> None:
        if name == "theta":
            self.inputs["r"].append(given)
        self.inputs[name].append(gave)

    def affinity(self, pixel: tuple[int, int], steps: int) -> tuple[np.ndarray, tuple[int, int]]:
        """softmax(S_t) of one pixel over its window, after as many steps, and the window's first row and column."""
        height, width = self.inputs["theta"][0].shape[-2:]
        q = self.window
        top, left = (int(np.clip(i - q // 2, 0, side - q)) for i, side in zip(pixel, (height, width), strict=True))
        logits = torch.zeros(q, q)
        for theta, phi in zip(self.inputs["theta"][:steps], self.inputs["phi"][:steps], strict=True):
            keys = phi[0, :, top : top + q, left : left + q]
            logits += torch.einsum("c,chw->hw", theta[0, :, pixel[0], pixel[1]], keys)
        return logits.flatten().softmax(0).view(q, q).numpy(), (top, left)


def module(seen: Seen) -> tuple[list[Box], list[tuple[str, str]]]:
    """Figure 2: the non-local module of NLRN, at its second step, where logits are carried."""
    r, theta, phi, g, out = (seen.inputs[name][1] for name in ("r", "theta", "phi", "g", "z"))
    pixels, keys = theta.shape[-2] * theta.shape[-1], seen.window**2
    per_key, per_pixel = f"{pixels} x {keys}", f"window {seen.window} x {seen.window}"
    boxes: list[Box] = [
        ("r", f"features r\n{shape(r)}", "data", (0, 1)),
        ("theta", f"theta, 1 x 1\n{shape(theta)}", "work", (1.1, 1.7)),
        ("phi", f"phi, 1 x 1\n{shape(phi)}", "work", (1.1, 1)),
        ("g", f"g, 1 x 1\n{shape(g)}", "work", (1.1, 0.3)),
        ("s", f"theta_i . phi_j, {per_pixel}\n+ S of the step before\n{per_key}", "work", (2.3, 1.35)),
        ("softmax", f"softmax over j\n{per_key}", "work", (3.4, 1.15)),
        ("z", f"z_i = sum_j w_ij g_j\n{shape(out)}", "work", (3.4, 0.3)),
        ("out", f"r + z\n{shape(out)}", "data", (4.5, 0.3)),
        ("next", f"S, carried on\n{per_key}", "data", (3.4, 1.9)),
    ]
    arrows = [
        ("r", "theta"), ("r", "phi"), ("r", "g"), ("theta", "s"), ("phi", "s"), ("s", "softmax"), ("softmax", "z"),
        ("g", "z"), ("z", "out"), ("s", "next"),
    ]  # fmt: skip
    return boxes, arrows


def draw(boxes: list[Box], arrows: list[tuple[str, str]], title: str, path: Path) -> None:
    """Boxes at their places with arrows between, as SVG with its text as text."""
    plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "nonloc", "font.family": "sans-serif"})
    across, up = 3.0, 1.5
    places = {name: (across * x, up * y) for name, _, _, (x, y) in boxes}
    right, top = (max(at[i] for at in places.values()) for i in (0, 1))
    figure, axes = plt.subplots(figsize=((right + 2.4) * 0.95, (top + 1.6) * 0.95))
    half = {}
    for name, text, kind, _ in boxes:
        x, y = places[name]
        lines = text.split("\n")
        width, height = 0.082 * max(map(len, lines)) + 0.25, 0.22 * len(lines) + 0.2
        half[name] = (width / 2, height / 2)
        axes.add_patch(
            FancyBboxPatch(
                (x - width / 2, y - height / 2), width, height, boxstyle="round,pad=0,rounding_size=0.08",
                facecolor=TINT[kind], edgecolor=INK[kind], zorder=2,
            )
        )  # fmt: skip
        axes.text(x, y, text, ha="center", va="center", fontsize=8, color=INK[kind], zorder=3, linespacing=1.3)
    for start, end in arrows:
        a, b = edge(places[start], places[end], half[start]), edge(places[end], places[start], half[end])
        axes.annotate("", b, a, arrowprops={"arrowstyle": "->", "color": "#666666", "lw": 1}, zorder=1)
    axes.set(xlim=(-1.3, right + 1.3), ylim=(-0.4, top + 0.8), aspect="equal")
    axes.set_title(title, fontsize=10, loc="left")
    axes.axis("off")
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)


def edge(at: tuple[float, float], to: tuple[float, float], half: tuple[float, float]) -> tuple[float, float]:
    """Where the line from the middle of a box to another point leaves it."""
    dx, dy = to[0] - at[0], to[1] - at[1]
    reach = min(h / abs(d) if d else np.inf for h, d in zip(half, (dx, dy), strict=True))
    return at[0] + reach * dx, at[1] + reach * dy


def affinities(network: NLRN, path: Path) -> None:
    """A column for each pixel: its weights after the first step and after the last, with NLNet's patches as rings."""
    figure, axes = plt.subplots(2, len(PIXELS), figsize=(2.1 * len(PIXELS), 4.7))
    matching = NLNet()
    for column, name in enumerate(PIXELS):
        pixels, at = crop(name)
        seen = Seen(network, pixels)
        near = find(255 * pixels, matching.size, matching.window, matching.neighbours).nearest
        patches = np.array(np.unravel_index(near[at[0] * pixels.shape[3] + at[1]].numpy(), pixels.shape[-2:])).T
        for row, steps in enumerate((1, network.steps)):
            weights, (top, left) = seen.affinity(at, steps)
            side = network.window
            box = (left - at[1] - 0.5, left - at[1] + side - 0.5, top - at[0] + side - 0.5, top - at[0] - 0.5)
            panel = axes[row, column]
            panel.imshow(np.sqrt(weights / weights.max()), cmap="magma", extent=box, interpolation="nearest")
            panel.plot(0, 0, "+", color="#30c0ff", ms=8)
            if row == 0:
                panel.set_title(f"{name}\nrow {PIXELS[name][0]}, column {PIXELS[name][1]}", fontsize=8)
                for y, x in patches[1:]:
                    panel.plot(x - at[1], y - at[0], "o", mfc="none", mec="#60ff90", ms=5, mew=0.8)
            panel.set_xlabel(f"most {weights.max():.1%}, half in {half_in(weights)} of {weights.size}", fontsize=7)
            panel.set_xticks([]), panel.set_yticks([])
        axes[0, 0].set_ylabel("after step 1", fontsize=8)
        axes[1, 0].set_ylabel(f"after step {network.steps}", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=90, metadata={"Software": None})
    plt.close(figure)


def half_in(weights: np.ndarray) -> int:
    """How many pixels, the heaviest first, hold half of the weight."""
    return int(np.searchsorted(np.cumsum(np.sort(weights, axis=None)[::-1]), 0.5)) + 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, help="NLRN's variables; without them, shapes only")
    given = parser.parse_args()
    FIGURES.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    network = NLRN()
    if given.weights is not None:
        found = import_weights(given.weights)
        network = NLRN(**found.facts.network)
        network.load_state_dict(found.state)
    network.eval().requires_grad_(False)
    draw(*stage(), "A stage of NLNet (the article's figure 1)", FIGURES / "nlnet_stage.svg")
    seen = Seen(network, crop("trousers")[0])
    draw(*module(seen), "The non-local module of NLRN (the article's figure 2)", FIGURES / "nlrn_module.svg")
    if given.weights is not None:
        affinities(network, FIGURES / "affinities.png")


if __name__ == "__main__":
    main()
