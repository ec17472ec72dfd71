"""What each choice of NLRN is worth: steps, window, propagation, affinity, border rule, at a scale that a CPU trains.

Every variant is the same small NLRN (32 features, 4 steps, window 15) with one thing changed, trained for sigma 25 for
the same core minutes: quality on 8 pictures of bsd32val, steps of training made, parameters, and seconds on 481 x 321.
The spread of the unchanged network over its seeds says which differences count.

    python benchmarks/nlrn_ablations.py --minutes 4 --seeds 3      # trains what is missing; table and plot

Rows go to results/experiments/nlrn_ablations.csv, the plot to docs/nlrn_ablations.svg; trainings resume in
runs/nlrn-ablations.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import time
from pathlib import Path

import torch
from equal_time import append, read, spread, train, varied

BASE = {"features": 32, "embedding": 16, "steps": 4, "window": 15, "thrifty": False}
CHANGES: dict[str, dict] = {
    "unchanged": {},
    "T = 1": {"steps": 1},
    "T = 2": {"steps": 2},
    "T = 8": {"steps": 8},
    "q = 7": {"window": 7},
    "q = 23": {"window": 23},
    "q = 31": {"window": 31},
    "no propagation": {"propagation": False},
    "euclidean": {"affinity": "euclidean"},
    "symmetric": {"affinity": "symmetric"},
    "gaussian": {"affinity": "gaussian"},
    "border mask": {"border": "mask"},
}
FILE, PLOT = Path("results/experiments/nlrn_ablations.csv"), Path("docs/nlrn_ablations.svg")
FIELDS = ("variant", "seed", "core_minutes", "steps", "psnr", "parameters", "seconds")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=4)
    parser.add_argument("--seeds", type=int, default=3, help="of the unchanged network; the others have one")
    parser.add_argument("--runs", type=Path, default=Path("runs/nlrn-ablations"))
    parser.add_argument("--print-only", action="store_true")
    options = parser.parse_args()
    jobs = [("unchanged", seed) for seed in range(options.seeds)] + [(name, 0) for name in CHANGES if CHANGES[name]]
    for name, seed in [] if options.print_only else jobs:
        if (name, str(seed)) not in {(r["variant"], r["seed"]) for r in read(FILE)}:
            append(FILE, [(name, seed, *measured(name, seed, options.minutes, options.runs))], FIELDS)
    report()
    draw()


def measured(name: str, seed: int, minutes: float, runs: Path) -> tuple:
    recipe = varied("nlrn-25", seed, minutes, {**BASE, **CHANGES[name]})
    recipe = dataclasses.replace(
        recipe,
        data=dataclasses.replace(recipe.data, patch=40, batch=4),
        optimizer=dataclasses.replace(recipe.optimizer, betas=(0.9, 0.99)),
    )
    training = train(recipe, runs / f"{name.replace(' ', '').replace('=', '')}-{seed}")
    module = training.ema
    parameters = sum(p.numel() for p in module.parameters())
    picture, best = torch.rand(1, 1, 321, 481), float("inf")
    for _ in range(3):
        start = time.process_time()
        with torch.inference_mode():
            module(picture)
        best = min(best, time.process_time() - start)
    return minutes, training.progress.step, f"{training.scores[25]:.4f}", parameters, f"{best:.3f}"


def report() -> None:
    rows = read(FILE)
    base = [float(r["psnr"]) for r in rows if r["variant"] == "unchanged"]
    mean = statistics.mean(base)
    print(f"{'':16}{'dB':>8}{'change':>9}{'steps':>8}{'parameters':>12}{'s':>7}")
    for r in rows:
        values = f"{float(r['psnr']):8.3f}{float(r['psnr']) - mean:+9.3f}{r['steps']:>8}"
        print(f"{r['variant']:16}{values}{r['parameters']:>12}{float(r['seconds']):7.2f}")
    print(f"spread over the seeds of the unchanged network: {spread(base):.3f} dB")


def draw() -> None:
    """PSNR against seconds a picture, one point a variant."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 4))
    for r in read(FILE):
        axes.plot(float(r["seconds"]), float(r["psnr"]), "k." if r["variant"] == "unchanged" else "C0.")
        if r["seed"] == "0":
            axes.annotate(r["variant"], (float(r["seconds"]), float(r["psnr"])), (4, 2), textcoords="offset points")
    axes.set(xlabel="CPU seconds, 481 x 321, one thread", ylabel="PSNR in dB, sigma 25, bsd32val", xscale="log")
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(PLOT, metadata={"Date": None})


if __name__ == "__main__":
    main()
