"""What non-local blocks are worth in someone else's network: DnCNN with and without them, trained for equal time.

    NONLOC_DATA=... python benchmarks/block_in_dncnn.py [--minutes 30] [--seeds 3] [--window 15] [--out FILE]

Blocks stand behind layers 2, 8 and 15, see a window of keys that are not pooled (`--window 0`: everything, pooled, the
paper's own), and start as the identity; host and guest of a seed begin with the same weights and see crops from the
same stream. Both take the same core minutes on one thread, so the guest takes fewer steps. Depth 17 as in the paper,
but 32 features instead of 64, so that a core gets through enough steps; gray, sigma 25, the recipe dncnn-s-25.
PSNR is the mean of the first 8 pictures of bsd32val, kept from training, whole and through the engine.

Writes a row as each run ends, and leaves out what the file already has. A gain counts when the mean difference is more
than twice its spread over the seeds.
"""

import argparse
import copy
import statistics
import tempfile
from pathlib import Path

import torch
from equal_time import append, read, spread, varied

from nonloc.nonlocal_ops.block import NonLocalBlock, insert
from nonloc.training.loop import Training
from nonloc.training.recipe import Recipe

RESULTS = Path(__file__).parent.parent / "results" / "experiments" / "block_in_dncnn.csv"
FIELDS = (
    "variant",
    "window",
    "seed",
    "core_minutes",
    "features",
    "parameters",
    "steps",
    "set",
    "pictures",
    "sigma",
    "psnr",
)
FEATURES, SIGMA = 32, 25
LAYERS = ["noise.4", "noise.22", "noise.43"]  # the ReLU of layers 2, 8 and 15


class WithBlocks(Training):
    """The training of a recipe, with non-local blocks in the network."""

    def __init__(self, recipe: Recipe, folder: Path, window: int):
        super().__init__(recipe, folder)
        insert(self.module, LAYERS, lambda: NonLocalBlock(FEATURES, window=window or None))
        self.ema = copy.deepcopy(self.module).eval().requires_grad_(False)
        chosen = recipe.optimizer
        self.optimizer = torch.optim.AdamW(
            self.module.parameters(), lr=chosen.rate, betas=chosen.betas, weight_decay=chosen.weight_decay
        )


def run(variant: str, seed: int, minutes: float, window: int) -> tuple:
    # one precision for both: which one is the faster may differ
    recipe = varied("dncnn-s-25", seed, minutes, {"features": FEATURES}, precision="fp32")
    with tempfile.TemporaryDirectory() as folder:
        training = WithBlocks(recipe, Path(folder), window) if variant == "blocks" else Training(recipe, Path(folder))
        psnr = training.run(lambda event: print(f"  {event}", flush=True), tell_every=500)[SIGMA]
    parameters = sum(p.numel() for p in training.module.parameters())
    tested = (recipe.validate.pictures, recipe.validate.count, SIGMA, f"{psnr:.4f}")
    return variant, window, seed, f"{minutes:g}", FEATURES, parameters, training.progress.step, *tested


def tell(rows: list[dict[str, str]], minutes: float, window: int) -> None:
    """Each seed, then the mean difference with its spread."""
    of = {
        (row["variant"], int(row["seed"])): row
        for row in rows
        if row["core_minutes"] == f"{minutes:g}" and int(row["window"]) in (window, -1)
    }
    differences = []
    print("seed    host   blocks   difference   (steps)")
    for seed in sorted({seed for _, seed in of}):
        host, guest = of.get(("host", seed)), of.get(("blocks", seed))
        if host and guest:
            one, other = float(host["psnr"]), float(guest["psnr"])
            differences.append(other - one)
            print(f"{seed:>4} {one:7.3f}  {other:7.3f}   {other - one:+10.3f}   ({host['steps']}, {guest['steps']})")
    if differences:
        about = f"spread {spread(differences):.3f} dB" if len(differences) > 1 else "one seed, so no spread"
        print(f"mean difference {statistics.mean(differences):+.3f} dB, {about}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=30, help="core minutes of each of the 2 x seeds trainings")
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--window", type=int, default=15)
    options.add_argument("--out", type=Path, default=RESULTS)
    given = options.parse_args()
    torch.set_num_threads(1)
    for seed in range(given.seeds):
        for variant in ("host", "blocks"):
            window = given.window if variant == "blocks" else -1  # a host is the same for all
            key = (variant, str(window), str(seed), f"{given.minutes:g}")
            if key in {(r["variant"], r["window"], r["seed"], r["core_minutes"]) for r in read(given.out)}:
                continue
            print(f"{variant}, seed {seed}", flush=True)
            append(given.out, [run(variant, seed, given.minutes, window)], FIELDS)
    tell(read(given.out), given.minutes, given.window)


if __name__ == "__main__":
    main()
