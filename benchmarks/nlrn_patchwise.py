"""NLRN on overlapping patches, as anyone would write it from the paper, beside our whole picture at once.

    NONLOC_DATA=... python benchmarks/nlrn_patchwise.py [--side 13] [--batch 2] [--threads 1] [--picture test003.png]

One 481 x 321 picture of BSD68 has 2,624 patches of 45 x 45 with stride 7. The straightforward way below restores the
side x side first ones (13 x 13 = 169, 6 %) and is extrapolated; where all patches over a pixel are among them, both
results are scored. Each way runs in processes of its own, taking turns (patches, window, patches, window), so that its
peak memory is its own; times are the smaller of two. Weights: the authors', for sigma 15. Nothing in the
straightforward way is slowed down: full attention as matrix products, patches in batches of the best size (of 1, 2, 4
and 8), no autograd.
"""

import argparse
import json
import multiprocessing
import os
import resource
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from nonloc.benchmark.draws import Track, noisy
from nonloc.datasets import load
from nonloc.degradation import GaussianNoise
from nonloc.engine import Plan, run
from nonloc.image.image import Image
from nonloc.importing import import_weights
from nonloc.methods.networks.nlrn import NLRN, NLRNMethod
from nonloc.methods.registry import card
from nonloc.metrics.psnr import im2uint8, psnr

SIGMA, PATCH, STRIDE = 15, 45, 7


def authors_network() -> NLRN:
    found = import_weights(Path(os.environ["NONLOC_DATA"]) / "reference" / "nlrn")
    network = NLRN(**found.facts.network)
    network.load_state_dict(found.state)
    return network.eval()


def pair(name: str) -> tuple[np.ndarray, np.ndarray]:
    picture = next(p for p in load("bsd68") if p.path.name == name)
    clean = picture.pixels8("gray")
    return clean, noisy(clean, name, SIGMA, Track("numpy-legacy"))


def straightforward(network: NLRN, x: torch.Tensor) -> torch.Tensor:
    """NLRN on patches (B, 1, 45, 45), white 1, line by line as the paper draws it."""
    y = network.first(network.norm_in(255 * x))
    h, S = y, 0
    for norms in network.norms:
        r = F.relu(norms.before(h))
        theta, phi, g = (layer(r).flatten(2) for layer in (network.theta, network.phi, network.g))
        S = theta.transpose(1, 2) @ phi + S
        z = (torch.softmax(S, dim=2) @ g.transpose(1, 2)).transpose(1, 2).reshape(r.shape)
        r = norms.between(r + z)
        h = network.b(F.relu(norms.within(network.a(r)))) + y
    return x + network.last(F.relu(network.norm_out(h))) / 255


def patchwise(name: str, side: int, batch: int) -> dict:
    network, (clean, damaged) = authors_network(), pair(name)
    height, width = clean.shape
    starts = [[*range(0, length - PATCH, STRIDE), length - PATCH] for length in (height, width)]
    chosen = [(top, left) for top in starts[0][:side] for left in starts[1][:side]]
    total, count = torch.zeros(height, width), torch.zeros(height, width)
    pixels = torch.from_numpy(damaged)
    with torch.inference_mode():
        straightforward(network, pixels[None, None, :PATCH, :PATCH])  # loads what is loaded once
        wall, cpu = time.perf_counter(), time.process_time()
        for i in range(0, len(chosen), batch):
            group = chosen[i : i + batch]
            patches = torch.stack([pixels[None, top : top + PATCH, left : left + PATCH] for top, left in group])
            for (top, left), patch in zip(group, straightforward(network, patches), strict=True):
                total[top : top + PATCH, left : left + PATCH] += patch[0]
                count[top : top + PATCH, left : left + PATCH] += 1
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    whole = (starts[0][side] if side < len(starts[0]) else height, starts[1][side] if side < len(starts[1]) else width)
    return {
        "patches": len(chosen), "of": len(starts[0]) * len(starts[1]), "wall": wall, "cpu": cpu, "peak": peak(),
        "scored": whole, "psnr": score(clean, (total / count).numpy(), whole),
    }  # fmt: skip


def window(name: str, side: int, scored: tuple[int, int]) -> dict:
    method, (clean, damaged) = NLRNMethod(card("nlrn"), module=authors_network()), pair(name)

    def restore(samples):
        return run(Plan(method, GaussianNoise(SIGMA), tile=None), Image(samples, scale=1.0))

    restore(damaged[:64, :64].copy())
    wall, cpu = time.perf_counter(), time.process_time()
    restored, record = restore(damaged)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "wall": wall, "cpu": cpu, "peak": peak(), "predicted": record.peak,
        "psnr": score(clean, restored.samples, scored), "psnr_all": score(clean, restored.samples, clean.shape),
    }  # fmt: skip


def score(clean: np.ndarray, restored: np.ndarray, area: tuple[int, int]) -> float:
    place = slice(area[0]), slice(area[1])
    return psnr(clean[place], im2uint8(restored[place]), data_range=255)


def peak() -> float:
    """Of this process, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def alone(work, threads: int, *arguments) -> dict:
    """`work` in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1, torch.set_num_threads, (threads,)) as pool:
        found = pool.apply(work, arguments)
    print(work.__name__, json.dumps(found), flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=13)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--picture", default="test003.png")
    asked = parser.parse_args()
    theirs, ours = [], []
    for _ in range(asked.repeat):
        theirs.append(alone(patchwise, asked.threads, asked.picture, asked.side, asked.batch))
        ours.append(alone(window, asked.threads, asked.picture, asked.side, tuple(theirs[-1]["scored"])))
    first, whole = theirs[0], ours[0]
    share = first["patches"] / first["of"]
    print(f"{asked.picture}, threads {asked.threads}: {first['patches']} of {first['of']} patches timed ({share:.1%})")
    for clock in ("cpu", "wall"):
        slow, fast = (min(found[clock] for found in runs) for runs in (theirs, ours))
        slow /= share
        print(
            f"{clock}: patches {slow:.0f} s (extrapolated), whole at once {fast:.1f} s, {slow / fast:.1f} times faster"
        )
    print(
        f"pixels with all their patches, {first['scored'][0]} x {first['scored'][1]}: patches {first['psnr']:.3f} dB,"
    )
    print(f"  whole at once {whole['psnr']:.3f} dB; the whole picture {whole['psnr_all']:.4f} dB")
    print(f"peak memory: patches {first['peak']:.0f} MiB, whole at once {whole['peak']:.0f} MiB,")
    print(f"  predicted {whole['predicted'] / 2**20:.0f}")


if __name__ == "__main__":
    main()
