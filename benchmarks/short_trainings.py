"""Every network of the article's Table 2 that has no weights yet, trained for ten core minutes: what its recipe does.

    NONLOC_DATA=... python benchmarks/short_trainings.py [--minutes 10] [--only red memnet] [--print-only]

One thread, the network's own recipe, scored on each 4th picture of its set (17 of BSD68, matlab4 noise, 8-bit result).
The figures say that the network learns and how fast, not how good it is: the papers trained for days. ELDRN is also
scored on its authors' truncated noise. Trainings live in runs/short and go on where they were stopped; rows go to
results/experiments/short_trainings.csv and are not measured again. Writes the table of docs/table2_networks.md.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import marked
import torch
from equal_time import append, read, score, varied

from nonloc.benchmark.truncation import CUT, input_psnr
from nonloc.methods.parameters import parameters
from nonloc.methods.registry import card
from nonloc.training.loop import Event, Training

ROOT = Path(__file__).parent.parent
FILE, PAGE = ROOT / "results" / "experiments" / "short_trainings.csv", ROOT / "docs" / "table2_networks.md"
FIELDS = (
    "method", "recipe", "network", "minutes", "parameters", "steps", "loss_first", "loss_last", "set", "track", "sigma",
    "pictures", "psnr", "cpu_s",
)  # fmt: skip
# method: recipe, and what is smaller than in the card, since ten minutes are too short for all of it
ROWS: dict[str, tuple[str, dict]] = {
    "ecndnet": ("ecndnet-25", {}),
    "brdnet": ("brdnet-25", {}),
    "ddrnet": ("ddrnet-25", {}),
    "eldrn": ("eldrn-25", {}),
    "eedn": ("eedn-25", {}),
    "nbcnn": ("nbcnn-25", {}),
    "phgms": ("phgms-25", {}),
    "psn-k": ("psn-k-25", {}),
    "dwdn": ("dwdn-25", {}),
    "mwcnn": ("mwcnn-25", {"widths": [80, 128, 128]}),
    "memnet": ("memnet-25", {"features": 32}),
    "red": ("red-25", {"features": 64}),
}
EVERY = 4


def trained(method: str, minutes: float, runs: Path) -> tuple[Training, float, float]:
    """The network at the end of its minutes, and its mean loss over the first and the last fifth of them."""
    torch.set_num_threads(1)
    recipe, network = ROWS[method]
    wanted = varied(recipe, 0, minutes, network, precision="bf16")
    validate = dataclasses.replace(wanted.validate, minutes=minutes / 5, count=2)
    training = Training(dataclasses.replace(wanted, validate=validate), runs / method)
    curve = runs / method / "log.csv"

    def tell(event: Event) -> None:
        if event.psnr is not None:
            print(f"{method}: step {event.step}, loss {event.loss:.5f}, {event.psnr}", flush=True)

    if not training.progress.done:
        training.run(tell)
    losses = [float(line["loss"]) for line in read(curve)]
    return training, losses[0], losses[-1]


def measure(method: str, minutes: float, runs: Path) -> None:
    training, first, last = trained(method, minutes, runs)
    sigma = training.recipe.validate.sigma[0]
    name = "bsd68" if training.recipe.channels == 1 else "cbsd68"
    for track in ("matlab4", "truncated") if method == "eldrn" else ("matlab4",):
        found = score(training, name, sigma, EVERY, track)
        count = sum(p.numel() for p in training.module.parameters())
        network = " ".join(f"{key}={value}" for key, value in ROWS[method][1].items())
        psnr, seconds = (sum(row[i] for row in found) / len(found) for i in (1, 2))
        row = (method, training.recipe.name, network, f"{minutes:g}", count, training.progress.step, f"{first:.6f}")
        row += (f"{last:.6f}", name, track, f"{sigma:g}", len(found), f"{psnr:.4f}", f"{seconds:.2f}")
        append(FILE, [row], FIELDS)
        print(f"{method} {track}: {psnr:.2f} dB", flush=True)


def table() -> str:
    """What was measured, and for each network how much of it was there to be trained."""
    lines = []
    for row in read(FILE):
        found, track = card(row["method"]), row["track"]
        noise = input_psnr(float(row["sigma"]), CUT if track == "truncated" else float("inf"))
        part = int(row["parameters"]) / (parameters(found) or 1)
        name = f"`{row['method']}`" + "*" * (found.fidelity == "re-creation")
        lines.append(
            [
                name + (f", {track} noise" if track != "matlab4" else ""),
                f"{parameters(found) or 0:,}",
                f"{part:.0%}" if part < 0.99 else "",
                row["minutes"],
                f"{int(row['steps']):,}",
                f"{100 * (float(row['loss_last']) / float(row['loss_first']) - 1):+.0f} %",
                f"{float(row['psnr']):.2f}",
                f"{float(row['psnr']) - noise:+.2f}",
                f"{float(row['cpu_s']):.1f}",
            ]
        )
    lines.sort(key=lambda line: -float(line[6]))
    head = ["network", "parameters", "trained at", "core minutes", "steps", "loss", "PSNR", "over noisy", "CPU s"]
    return marked.table(head, lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--only", nargs="*", default=list(ROWS), choices=list(ROWS))
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "short")
    parser.add_argument("--print-only", action="store_true", help="write the page from what is measured")
    given = parser.parse_args()
    for method in () if given.print_only else given.only:
        if not any(row["method"] == method and float(row["minutes"]) == given.minutes for row in read(FILE)):
            measure(method, given.minutes, given.runs)
    marked.write(PAGE, "networks", table())


if __name__ == "__main__":
    main()
