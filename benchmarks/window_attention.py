"""Window attention: microseconds per pixel and step of each path, beside one unfold and a batched product.

    OMP_NUM_THREADS=1 python benchmarks/window_attention.py [--steps 5] [--blocks] [--out FILE]

Each figure is the least process CPU time of some steps that carry logits, on one thread, divided by the pixels, so that
other programs on the machine matter little. `unfold` gathers the window of each pixel of a row and multiplies: what one
writes first. --blocks also measures the blocked path with other block sizes than its own.
"""

import argparse
import csv
import platform
import time
from pathlib import Path

import torch
from torch.nn import functional

from nonloc.nonlocal_ops import window_blocked, window_native
from nonloc.nonlocal_ops.window import choose, window_attention

NETWORKS = {"nlrn": (64, 128, 45), "nlrn-fast": (16, 48, 15)}  # l, m, q
SIDES = [(48, 96), (128, 128)]
BLOCKS = [(8, 8), (8, 16), (12, 12), (16, 16)]
ROUNDED = {"products": torch.bfloat16}


def unfolded(theta, phi, g, q, carried):
    """z and S, row by row, windows cut at the border by zeros: only its speed counts here."""
    r, height, z, rows = q // 2, theta.shape[2], torch.empty_like(g), []
    phi, g = (functional.pad(part, (r, r, r, r))[0].permute(1, 2, 0).contiguous() for part in (phi, g))
    for y in range(height):
        # (q, W, channels, q) -> (W, q * q, channels)
        keys, values = (
            part[y : y + q].unfold(1, q, 1).permute(1, 0, 3, 2).flatten(1, 2).contiguous() for part in (phi, g)
        )
        S = torch.bmm(theta[0, :, y].T[:, None], keys.mT)
        S = S if carried is None else S + carried[y]
        z[0, :, y] = torch.bmm(S.softmax(2), values)[:, 0].T
        rows.append(S)
    return z, rows


def measure(step, pixels, steps):
    """Microseconds per pixel of the fastest of `steps` steps, after one that warms up."""
    _, carried = step(None)
    times = []
    for _ in range(steps):
        start = time.process_time()
        _, carried = step(carried)
        times.append(time.process_time() - start)
    return min(times) / pixels * 1e6


def paths(q):
    """Name -> one step of it on (theta, phi, g)."""
    ways = {"blocked": ("blocked", {}), "blocked bfloat16": ("blocked", ROUNDED)}
    if window_native.load() is not None:
        ways |= {"native": ("native", {}), "native bfloat16": ("native", ROUNDED)}
        ways["native, float32 held"] = ("native", {"held_as": torch.float32})
    return {
        name: lambda maps, carried, path=path, more=more: window_attention(
            *maps, q, carried=carried, keep=True, path=path, **more
        )
        for name, (path, more) in ways.items()
    }


def table(steps, blocks):
    """Rows of the table: network, height, width, path, microseconds, times faster than unfold."""
    for network, (l, m, q) in NETWORKS.items():  # noqa: E741
        for height, width in SIDES:
            torch.manual_seed(0)
            maps = [scale * torch.randn(1, n, height, width) for n, scale in ((l, l**-0.25), (l, l**-0.25), (m, 1))]
            few = [part[:, :, :4] for part in maps]  # rows are alike, and here each takes long
            slow = measure(lambda c, few=few, q=q: unfolded(*few, q, c), 4 * width, 2)
            yield network, height, width, "unfold and bmm", slow, 1
            for name, step in paths(q).items():
                time_of = measure(lambda c, step=step, maps=maps: step(maps, c), height * width, steps)
                yield network, height, width, name, time_of, slow / time_of
            for block in BLOCKS if blocks else []:
                usual, window_blocked.BLOCKS = window_blocked.BLOCKS, ((0, block),)
                step = paths(q)["blocked"]
                time_of = measure(lambda c, step=step, maps=maps: step(maps, c), height * width, steps)
                yield network, height, width, "blocked {} x {}".format(*block), time_of, slow / time_of
                window_blocked.BLOCKS = usual
            few = torch.empty(1, l, height, width), torch.empty(1, m, height, width)
            print(f"{network} {height} x {width}: auto is {choose(*few, differentiable=False)}")


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--steps", type=int, default=5)
    options.add_argument("--blocks", action="store_true")
    options.add_argument("--out", type=Path, default=Path("results/experiments/window_attention.csv"))
    chosen = options.parse_args()
    torch.set_num_threads(1)
    print(f"{platform.machine()}, torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}")
    print(f"native: {window_native.status()}")
    rows = []
    with torch.no_grad():
        for row in table(chosen.steps, chosen.blocks):
            rows.append([*row[:4], f"{row[4]:.2f}", f"{row[5]:.1f}"])
            print("{:10} {:4} x {:<4} {:24} {:>9} us {:>7} x".format(*rows[-1]), flush=True)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    with chosen.out.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["network", "height", "width", "path", "microseconds_per_pixel_and_step", "times_faster"])
        writer.writerows(rows)


if __name__ == "__main__":
    main()
