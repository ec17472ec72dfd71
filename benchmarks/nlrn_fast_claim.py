"""Does a non-local part pay? nlrn-fast, its twin without attention, and its twin with a plain long-reach filter.

All start from the shipped weights of nonloc-s, train for the same core minutes on the same crops by seed, and cost
about the same operations: 'none' makes five steps where the others make four. The verdict on a set is the difference of
two variants' means over seeds beside twice the spread of the seeds.

    python benchmarks/nlrn_fast_claim.py --minutes 20 --seeds 3        # trains what is missing, scores, prints

Rows go to results/experiments/nlrn_fast_claim.csv; trainings resume in runs/nlrn-fast-claim.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from equal_time import append, read, score, spread, train, varied

VARIANTS = {
    "non-local": {"reach": "non-local", "steps": 4},
    "none": {"reach": "none", "steps": 5},
    "depthwise": {"reach": "depthwise", "steps": 4},
    "not carried": {"reach": "non-local", "steps": 4, "propagate": False},
}
SETS = ("bsd68", "set12", "kodak24", "mcmaster")
FILE = Path("results/experiments/nlrn_fast_claim.csv")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--sigma", type=float, default=25)
    parser.add_argument("--train-only", action="store_true")
    parser.add_argument("--print-only", action="store_true")
    parser.add_argument("--runs", type=Path, default=Path("runs/nlrn-fast-claim"))
    options = parser.parse_args()
    for seed in range(0 if options.print_only else options.seeds):
        for name in options.variants:
            recipe = varied("nlrn-fast-gray", seed, options.minutes, VARIANTS[name])
            training = train(recipe, options.runs / f"{name.replace(' ', '-')}-{seed}")
            if options.train_only:
                continue
            known = {(r["variant"], r["seed"], r["set"]) for r in read(FILE)}
            for set_name in SETS:
                if (name, str(seed), set_name) not in known:
                    rows = score(training, set_name, options.sigma)
                    append(FILE, [(name, seed, set_name, options.sigma, p, f"{v:.4f}", f"{s:.2f}") for p, v, s in rows])
    report()


VIEWS = {name: (lambda r, name=name: r["set"] == name) for name in SETS} | {
    "Barbara": lambda r: r["set"] == "set12" and r["picture"].startswith("09")
}


def by_seed(rows: list[dict[str, str]]) -> dict[str, list[list[float]]]:
    """For each variant and view, the mean PSNR of each seed."""
    found: dict[str, list[list[float]]] = {}
    for variant in dict.fromkeys(r["variant"] for r in rows):
        mine = [r for r in rows if r["variant"] == variant]
        seeds = sorted({r["seed"] for r in mine})
        found[variant] = [
            [statistics.mean(float(r["psnr"]) for r in mine if r["seed"] == seed and of(r)) for seed in seeds]
            for of in VIEWS.values()
        ]
    return found


def differences(rows: list[dict[str, str]]) -> dict[str, list[tuple[float, bool]]]:
    """Non-local minus each other variant, and whether that is beyond twice the larger spread of the seeds."""
    found = by_seed(rows)
    if "non-local" not in found:
        return {}
    told: dict[str, list[tuple[float, bool]]] = {}
    for other in [v for v in found if v != "non-local"]:
        told[other] = []
        for ours, theirs in zip(found["non-local"], found[other], strict=True):
            gain = statistics.mean(ours) - statistics.mean(theirs)
            several = min(len(ours), len(theirs)) > 1
            told[other].append((gain, several and abs(gain) > 2 * max(spread(ours), spread(theirs))))
    return told


def report() -> None:
    rows = read(FILE)
    print(f"{'':14}" + "".join(f"{name:>18}" for name in VIEWS))
    for variant, found in by_seed(rows).items():
        print(f"{variant:14}" + "".join(f"{statistics.mean(s):11.3f} ±{spread(s):.3f}" for s in found))
    for other, found in differences(rows).items():
        print(f"{'- ' + other:14}" + "".join(f"{d:+11.3f} {'sure' if sure else 'open':>6}" for d, sure in found))


if __name__ == "__main__":
    main()
