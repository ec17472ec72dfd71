"""The small networks in `nonloc.estimation.correlated`, trained on simulated cameras, and clean cases to test them on.

    NONLOC_DATA=... python benchmarks/camera_noise_fit.py [--pictures 5000] [--runs runs/camera-noise-fit]

Draws pictures, lets `measure` read them, trains the networks on what it read, prints how they do on scenes that were
left out, trains them again on all, and writes them beside the other weights. No real pair is used for it. About half an
hour on one core; what was read is kept in --runs, so that a second start goes on. What the estimate is worth is
measured by benchmarks/camera_noise.py.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from nonloc.datasets import load
from nonloc.degradation.camera import Camera, jpeg, middle_level, resize
from nonloc.estimation.correlated import BASE, FAR, FILE, LEAST, METHOD, Blocks, figures, measure
from nonloc.methods.registry import card, choose_weights
from nonloc.methods.weights import PACKAGE

SIDE = 320  # of a simulated picture
NOISY = 1.5  # from this level noise is to be seen
LEVELS = (0.4, 4.7)  # log2, of the noise that is drawn
CHUNK = 250
FOLD = 5  # every fifth scene is left out where the fit is told of
KINDS = ("noisy shot", "clean shot", "white noise", "clean JPEG", "clean picture", "drawing")
DRAWINGS = 10  # for each so many pictures one drawing, chart or pattern
SHARES = (0.5, 0.18, 0.1, 0.12, 0.1)
HIDDEN, DROP, STEPS, BATCH, RATE, DECAY, JITTER = 32, 0.2, 1500, 256, 3e-3, 0.1, 0.3  # by five folds of the scenes
NETWORKS = 4  # whose mean is taken


@dataclass
class Case:
    """One picture of which it is known that there is no noise in it."""

    kind: str
    name: str
    pixels: np.ndarray


def clean_cases(every: int) -> Iterator[Case]:
    """Clean pictures, whole and halved."""
    for name in ("train-open", "photos", "bsd398"):
        for picture in load(name)[:: every * (2 if name == "bsd398" else 1)]:
            pixels = picture.pixels8("rgb")
            yield Case(name, picture.name, pixels)
            yield Case(f"{name} halved", picture.name, eight(resize(planes(pixels), 0.5)))


def eight(pixels: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) of planes (3, H, W) with white 1."""
    return np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)


def planes(pixels: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(pixels, -1, 0), np.float32) / 255


def level_of(noise: np.ndarray) -> float:
    """`middle_level` of (H, W, 3), 0-255."""
    return middle_level(noise.transpose(2, 0, 1) / 255)


def shot(pixels: np.ndarray, rng: np.random.Generator, noisy: bool) -> tuple[np.ndarray, np.ndarray]:
    """A camera's file of a part of `pixels`, uint8, and what it would be without noise and JPEG, 0-255."""
    camera = Camera.draw(float(2 ** rng.uniform(*LEVELS)) if noisy else 0.0, rng)
    reference, file = camera.shoot(part(planes(pixels), int(448 / camera.enlarge / camera.shrink), rng), rng)
    return eight(file), reference.transpose(1, 2, 0) * 255.0


def part(scene: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    """A square of the scene, or as much of it as there is."""
    height, width = (min(side, length) for length in scene.shape[1:])
    top = int(rng.integers(0, scene.shape[1] - height + 1))
    left = int(rng.integers(0, scene.shape[2] - width + 1))
    return scene[:, top : top + height, left : left + width]


def draw(scene: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, float, int]:
    """Something made of a part of a scene (3, h, w): 8-bit values over 255, its level of camera noise, its kind."""
    kind, level = int(rng.choice(len(SHARES), p=SHARES)), 0.0
    if kind in (0, 1):
        level = float(2 ** rng.uniform(*LEVELS)) if kind == 0 else 0.0
        camera = Camera.draw(level, rng)
        made = camera.shoot(part(scene, int((SIDE + 24) / camera.enlarge / camera.shrink), rng), rng, shots=0)[1]
    elif kind == 2:
        made = part(scene, SIDE, rng)
        made = made + 10 ** rng.uniform(0.2, 1.8) / 255 * rng.standard_normal(made.shape)
    else:
        factor = float(rng.choice([0.5, 0.7, 1, 1.5, 2] if kind == 3 else [0.5, 1, 1, 1]))
        made = resize(part(scene, int(SIDE / factor), rng), factor)
        made = jpeg(made, int(rng.integers(30, 98)), int(rng.choice([0, 2]))) if kind == 3 else made
    return np.rint(np.clip(part(made, SIDE, rng), 0, 1) * 255).astype(np.float32) / 255, level, kind


def drawing(rng: np.random.Generator) -> np.ndarray:
    """Shapes and strokes, lines of signs, waves or dots; most as a JPEG: planes (3, SIDE, SIDE), white 1."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    what = int(rng.integers(4))
    if what == 0:
        made = np.full((3, SIDE, SIDE), 1, np.float32) * rng.random((3, 1, 1), np.float32)
        for _ in range(int(rng.integers(20, 300))):
            top, left, height, width = (*rng.integers(0, SIDE, 2), *rng.integers(1, 60, 2))
            made[:, top : top + height, left : left + width] = rng.random((3, 1, 1))
    elif what == 1:
        signs = np.kron(rng.random((SIDE // 4, SIDE // 2)) < 0.4, np.ones((4, 2)))[:SIDE, :SIDE]
        lines = (y // int(rng.integers(6, 14))) % 2
        made = rng.random((3, 1, 1)) + (rng.random((3, 1, 1)) - 0.5) * signs * lines
    elif what == 2:
        fast, slow = rng.uniform(0.1, 2.5, (3, 1, 1)), rng.uniform(0, 0.3, (3, 1, 1))
        turn = rng.uniform(0, np.pi)
        u, v = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
        made = 0.5 + rng.uniform(0.05, 0.45) * np.sin(u * (fast if rng.random() < 0.5 else fast[0])) * np.cos(v * slow)
    else:
        size = int(rng.integers(1, 9))
        side = -(-SIDE // size)
        coarse = rng.random((3 if rng.random() < 0.5 else 1, side, side)) < rng.uniform(0.1, 0.9)
        made = rng.uniform(0, 0.4) + rng.uniform(0.1, 0.6) * np.kron(coarse, np.ones((size, size)))[:, :SIDE, :SIDE]
        made = np.broadcast_to(made, (3, SIDE, SIDE)) * rng.uniform(0.6, 1, (3, 1, 1))
    made = np.clip(made, 0, 1).astype(np.float32)
    if rng.random() < 0.6:
        made = jpeg(made, int(rng.integers(50, 98)), int(rng.choice([0, 2])))
    return np.rint(made * 255).astype(np.float32) / 255


def read(pictures: int, runs: Path) -> tuple[np.ndarray, ...]:
    """Figures (N, F), levels (N,), kinds (N,) and scenes (N,) of so many pictures."""
    scenes = [planes(picture.pixels8("rgb")) for name in ("train-open", "photos") for picture in load(name)]
    runs.mkdir(parents=True, exist_ok=True)
    files = [(f"{start}", scenes, start) for start in range(0, pictures, CHUNK)]
    files += [(f"drawings-{start}", [], start) for start in range(0, pictures // DRAWINGS, CHUNK)]
    rows = []
    for name, some, start in files:
        file = runs / f"{name}.npz"
        if not file.exists():
            measure_chunk(some, start, file)
            print(f"{name} read", flush=True)
        with np.load(file) as found:
            ends = np.cumsum(found["count"])
            values = found["values"].astype(float)
            for i, (end, count) in enumerate(zip(ends, found["count"], strict=True)):
                blocks = Blocks.of(values[end - count : end])
                rows.append((figures(blocks), found["level"][i], found["kind"][i], found["scene"][i]))
    return tuple(np.array(column) for column in zip(*rows, strict=True))


def measure_chunk(scenes: list[np.ndarray], start: int, file: Path) -> None:
    """Draw `CHUNK` pictures, drawings where there are no scenes, and keep what `measure` reads of them."""
    rng, values, rows = np.random.default_rng([7 if scenes else 8, start]), [], []
    for i in range(CHUNK):
        at = int(rng.integers(len(scenes))) if scenes else i
        pixels, level, kind = draw(scenes[at], rng) if scenes else (drawing(rng), 0.0, KINDS.index("drawing"))
        blocks = measure(pixels)
        if blocks is not None and len(blocks) >= LEAST:
            values.append(blocks.table().astype(np.float16))
            rows.append((len(blocks), level, kind, at))
    count, level, kind, scene = (np.array(column) for column in zip(*rows, strict=True))
    part = file.with_suffix(".part.npz")
    np.savez(part, values=np.concatenate(values), count=count, level=level, kind=kind, scene=scene)
    part.replace(file)


@dataclass
class Set:
    """z: figures (N, F), brought to one scale. target: log2 of the level. noisy, known: (N,) bool; known leaves out the
    levels that are neither noise nor none."""

    z: torch.Tensor
    target: torch.Tensor
    noisy: torch.Tensor
    known: torch.Tensor


def losses(found: torch.Tensor, cases: Set, rows: torch.Tensor) -> torch.Tensor:
    odds, log_level, width = found.T
    noisy, known, width = cases.noisy[rows], cases.known[rows], width.clamp(-2, 1)
    seen = F.binary_cross_entropy_with_logits(odds[known], noisy[known].float())
    error = (log_level + BASE - cases.target[rows]).abs()
    return seen + 0.5 * (error * torch.exp(-width) + width)[noisy].mean()  # of a Laplace law


def train(cases: Set, use: torch.Tensor) -> nn.ModuleList:
    """The networks, trained on the rows `use`."""
    networks = nn.ModuleList()
    for seed in range(NETWORKS):
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Linear(cases.z.shape[1], HIDDEN), nn.SiLU(), nn.Dropout(DROP), nn.Linear(HIDDEN, HIDDEN), nn.SiLU(),
            nn.Linear(HIDDEN, 3),
        )  # fmt: skip
        optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
        for step in range(STEPS):
            optimizer.param_groups[0]["lr"] = RATE * (1 - step / STEPS)
            rows = use[torch.randint(len(use), (BATCH,))]
            z = cases.z[rows]
            loss = losses(network(z + JITTER * torch.randn(z.shape)), cases, rows)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        networks.append(network.eval())
    return networks


@torch.no_grad()
def tell(networks: nn.ModuleList, cases: Set, kind: np.ndarray, out: torch.Tensor) -> None:
    """How the networks do on the rows `out`."""
    found = torch.stack([network(cases.z[out]) for network in networks]).mean(0)
    print(f"{len(out)} pictures of scenes left out, loss {float(losses(found, cases, out)):.3f}")
    for i, name in enumerate(KINDS):
        some = torch.tensor(kind == i)[out] & cases.known[out]
        print(f"{name:<14} {(found[some, 0] > 0).float().mean():.3f} of {int(some.sum())} taken for noisy")
    noisy = cases.noisy[out]
    error = found[noisy, 1] + BASE - cases.target[out][noisy]
    print(f"level: {error.mean():+.2f} octaves off on average, spread {error.std():.2f}")


def save(networks: nn.ModuleList, mean: np.ndarray, spread: np.ndarray, pictures: int) -> None:
    tensors = {"mean": torch.tensor(mean), "spread": torch.tensor(spread)}
    layers = [[layer for layer in network if isinstance(layer, nn.Linear)] for network in networks]
    for i, same in enumerate(zip(*layers, strict=True)):
        tensors[f"weight{i}"] = torch.stack([layer.weight.detach() for layer in same])
        tensors[f"bias{i}"] = torch.stack([layer.bias.detach() for layer in same])
    weights = choose_weights(card(METHOD), 3, None)
    assert weights is not None
    metadata = {"denoiser": weights.sha256, "data": weights.data, "licence": "open", "pictures": str(pictures)}
    save_file({name: tensor.float().contiguous() for name, tensor in tensors.items()}, PACKAGE / FILE, metadata)
    (PACKAGE / FILE).chmod(0o644)
    print(f"{FILE}: sha256 {hashlib.sha256((PACKAGE / FILE).read_bytes()).hexdigest()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=5000)
    parser.add_argument("--runs", type=Path, default=Path("runs/camera-noise-fit"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    x, level, kind, scene = read(options.pictures, options.runs)
    mean, spread = x.mean(0), x.std(0) + 1e-6
    z = torch.tensor(np.clip((x - mean) / spread, -FAR, FAR), dtype=torch.float32)
    target = torch.tensor(np.log2(np.maximum(level, 0.3)), dtype=torch.float32)
    cases = Set(z, target, torch.tensor(level > NOISY), torch.tensor((level > NOISY) | (level == 0)))
    left_out = torch.tensor(scene % FOLD == 0)
    tell(train(cases, torch.nonzero(~left_out)[:, 0]), cases, kind, torch.nonzero(left_out)[:, 0])
    save(train(cases, torch.arange(len(z))), mean, spread, len(x))


if __name__ == "__main__":
    main()
