"""Fits the Gaussian mixture that EPLL uses as its prior, by expectation maximisation on patches of training pictures.

    NONLOC_DATA=... python benchmarks/epll_prior.py fit --folder runs/epll [--data bsd398] [--components 200]
        [--stages 200000x20,500000x1] [--minutes 60] [--threads 1] [--seed 0]
    NONLOC_DATA=... python benchmarks/epll_prior.py ship --folder runs/epll --title epll-gray

Source: Zoran, Weiss, "From learning models of natural image patches to whole image restoration", ICCV 2011, DOI
10.1109/ICCV.2011.6126278, section 5: 200 components with full covariance on patches of 8 x 8 without their mean. A
stage is a number of patches and of iterations: the first ones place the components on few patches, the last ones
refine them on many. The first assignment is to the nearest of random directions, since clusters of raw patches all sit
on low contrast. State is kept after every iteration: killed and started again it goes on. `--minutes` is processor time
of this call. The held-out likelihood, in nats a patch, is of bsd32val; nothing is chosen by it.
"""

from __future__ import annotations

import argparse
import platform
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from nonloc.datasets import load
from nonloc.methods.classical.gaussian_mixture import GaussianMixture, without_mean
from nonloc.methods.weights import save
from nonloc.training.ship import ship
from nonloc.training.terms import terms

PATCH = 8
FLOOR = 1e-5  # added to every variance, where white is 1: files are rounded to 1/255, whose variance is 1.3e-6
KEPT = 1e-3  # a smaller share in a patch adds nothing to a covariance
CHUNK = 128  # patches whose products with all components stay in the cache: 2.7 times as fast as 1024
BLOCK = 8192
HELD_OUT = ("bsd32val", 5_000)


def patches(name: str, number: int, seed: int) -> Tensor:
    """`number` patches at random places of a set's gray pictures, in the basis without the mean: (number, D)."""
    rng = np.random.default_rng([seed, number])
    pictures = load(name)
    share = np.diff(np.linspace(0, number, len(pictures) + 1).round().astype(int))
    found = []
    for picture, count in zip(pictures, share, strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(picture.pixels8("gray"), (PATCH, PATCH))
        rows, columns = (rng.integers(0, side, count) for side in windows.shape[:2])
        found.append(windows[rows, columns].reshape(count, -1).astype(np.float32) / 255)
    return torch.from_numpy(np.concatenate(found)) @ without_mean(PATCH)


def begin(z: Tensor, components: int, seed: int) -> dict[str, Tensor]:
    """A mixture of the patches that are nearest in direction to each of K random ones."""
    generator = torch.Generator().manual_seed(seed)
    directions = z / z.norm(dim=1, keepdim=True).clamp_min(1e-6)
    chosen = directions[torch.randperm(len(z), generator=generator)[:components]]
    nearest = torch.cat([(part @ chosen.T).abs().argmax(1) for part in directions.split(BLOCK)])
    whole = z.T @ z / len(z)
    members = [z[nearest == k] for k in range(components)]
    # with the mean of all as one member more, a component with few patches still has a full covariance
    covariances = torch.stack([(mine.T @ mine + whole) / (len(mine) + 1) for mine in members])
    return {"weights": torch.tensor([len(mine) + 1.0 for mine in members]) / (len(z) + components), "c": covariances}


def whitening(mixture: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """(D, K D) whose columns whiten under each component, and (K,) what stands before the squares."""
    k, d = mixture["c"].shape[:2]
    eye = torch.eye(d, dtype=torch.float64)
    factors = torch.linalg.cholesky(mixture["c"].double() + FLOOR * eye)
    inverses = torch.linalg.solve_triangular(factors, eye.expand(k, d, d), upper=False)
    constants = mixture["weights"].double().log() - factors.diagonal(dim1=1, dim2=2).log().sum(1)
    return inverses.permute(2, 0, 1).reshape(d, k * d).float(), (constants - d / 2 * np.log(2 * np.pi)).float()


def scores(z: Tensor, columns: Tensor, constants: Tensor) -> Tensor:
    """log pi_k + log N(z; 0, C_k), (N, K)."""
    k = len(constants)
    return torch.cat(
        [constants - (part @ columns).view(-1, k, z.shape[1]).square().sum(2) / 2 for part in z.split(CHUNK)]
    )


def iterate(z: Tensor, mixture: dict[str, Tensor]) -> tuple[dict[str, Tensor], float]:
    """One step of expectation maximisation; the mixture after it, the mean log-likelihood before it."""
    k, d = mixture["c"].shape[:2]
    told = whitening(mixture)
    total, mass, scatter = 0.0, torch.zeros(k), torch.zeros(k, d, d)
    for part in z.split(BLOCK):
        found = scores(part, *told)
        evidence = found.logsumexp(1, keepdim=True)
        total += float(evidence.double().sum())
        share = (found - evidence).exp()
        mass += share.sum(0)
        columns, rows = (share.T > KEPT).nonzero(as_tuple=True)
        scaled = part[rows] * share[rows, columns].sqrt()[:, None]
        for i, mine in enumerate(scaled.split(columns.bincount(minlength=k).tolist())):
            scatter[i].addmm_(mine.T, mine)
    whole = scatter.sum(0) / len(z)
    # one mean patch more for each component, as at the beginning
    covariances = (scatter + whole) / (mass + 1)[:, None, None]
    return {"weights": (mass + 1) / (len(z) + k), "c": covariances}, total / len(z)


def fit(asked: argparse.Namespace) -> None:
    torch.set_num_threads(asked.threads)
    asked.folder.mkdir(parents=True, exist_ok=True)
    file = asked.folder / "state.pt"
    stages = [tuple(int(part) for part in stage.split("x")) for stage in asked.stages.split(",")]
    state = (
        torch.load(file, weights_only=True)
        if file.is_file()
        else {"stage": 0, "iteration": 0, "minutes": 0.0, "log": [], "data": asked.data, "seed": asked.seed}
    )
    if (state["data"], state["seed"]) != (asked.data, asked.seed):
        raise SystemExit(f"{asked.folder} holds a fit on {state['data']}, seed {state['seed']}: take another folder")
    held_out = patches(*HELD_OUT, asked.seed)
    before = state["minutes"]

    def spent() -> float:
        return time.process_time() / 60

    while state["stage"] < len(stages):
        number, iterations = stages[state["stage"]]
        z = patches(asked.data, number, asked.seed)
        if "mixture" not in state:
            state["mixture"] = begin(z, asked.components, asked.seed)
        while state["iteration"] < iterations:
            state["mixture"], reached = iterate(z, state["mixture"])
            state["iteration"] += 1
            state["minutes"] = before + spent()
            told = whitening(state["mixture"])
            unseen = float(scores(held_out, *told).logsumexp(1).mean())
            line = {"patches": number, "iteration": state["iteration"], "train": reached, "held out": unseen}
            state["log"].append(line)
            print(f"{state['minutes']:7.2f} min  {line}", flush=True)
            keep(state, file)
            if spent() > asked.minutes:
                return
        state["stage"], state["iteration"] = state["stage"] + 1, 0
        keep(state, file)


def keep(state: dict, file: Path) -> None:
    """Write the state; a half-written file never takes the place of a whole one."""
    temporary = file.with_name(file.name + ".tmp")
    torch.save(state, temporary)
    temporary.replace(file)


def shipped(asked: argparse.Namespace) -> None:
    """The mixture as a file of weights in the package, and its entry on the card."""
    state = torch.load(asked.folder / "state.pt", weights_only=True)
    covariances = state["mixture"]["c"] + FLOOR * torch.eye(PATCH**2 - 1)
    network = {"channels": 1, "components": len(covariances), "patch": PATCH}
    mixture = GaussianMixture(**network)
    mixture.set(state["mixture"]["weights"], covariances)
    last = state["log"][-1]
    runs: dict[int, int] = {}
    for line in state["log"]:
        runs[line["patches"]] = runs.get(line["patches"], 0) + 1
    metadata = {
        "method": "epll",
        "network": network,
        "recipe": {
            "name": asked.title,
            "method": "epll",
            "degradation": "none",  # the prior knows clean patches only
            "data": {"pictures": [state["data"]]},
            "seed": state["seed"],
            "start": "scratch",
            "patches and iterations": [[number, count] for number, count in runs.items()],
            "floor": FLOOR,
        },
        "data": terms((state["data"],)),
        "steps": len(state["log"]),
        "minutes": round(state["minutes"], 1),
        "device": f"cpu, {platform.machine()}, {asked.threads} thread, fp32",
        "torch": torch.__version__,
        "validation": {"pictures": HELD_OUT[0], "nats": round(last["held out"], 3)},
    }
    trained = asked.folder / f"{asked.title}.safetensors"
    save(mixture, trained, metadata)
    print(ship(trained, title=asked.title) if asked.command == "ship" else trained)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["fit", "write", "ship"], help="write: the file alone, outside the package")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--data", default="bsd398")
    parser.add_argument("--components", type=int, default=200)
    parser.add_argument("--stages", default="200000x20,500000x1")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--title", default="epll-gray")
    asked = parser.parse_args()
    fit(asked) if asked.command == "fit" else shipped(asked)


if __name__ == "__main__":
    main()
