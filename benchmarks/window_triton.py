"""How fast windowed attention is on a GPU: our Triton kernels, FlexAttention, blocks and dense products, in one run.

    python benchmarks/window_triton.py [--sweep] [--tflops N --tbs N]
    TRITON_INTERPRET=1 python benchmarks/window_triton.py --smoke

Shapes: a step of NLRN on a whole picture (481 x 321, l 64, m 128, q 45) with and without carried logits, its 12 steps,
and training on crops. Each row: milliseconds (median of 10 after 3, clock read after the device is done), useful FLOP
and bytes that no way of computing it can avoid, and the roofline ratio: the time that these need at the device's peak,
divided by the time taken. --sweep tries sizes of query blocks, warps and stages. --smoke shows on a CPU, on a tiny map
in Triton's interpreter, that all of this still runs; its times mean nothing.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nonloc.nonlocal_ops import window_triton as ours
from nonloc.nonlocal_ops.definition import non_local

PEAKS = {"H100": (989, 3.35), "H200": (989, 4.8), "A100": (312, 2.04)}  # dense bf16 TFLOP/s, TB/s; vendor's sheets


class Shape(NamedTuple):
    name: str
    batch: int
    height: int
    width: int
    l: int  # noqa: E741
    m: int
    window: int
    steps: int

    @property
    def keys(self) -> int:
        """Pairs of query and key, border 'clamp'."""
        positions = self.batch * self.height * self.width
        return positions * min(self.window, self.height) * min(self.window, self.width)


WHOLE = Shape("NLRN 481x321", 1, 481, 321, 64, 128, 45, 12)
CROPS = [Shape("16 crops of 43x43", 16, 43, 43, 64, 128, 45, 12), Shape("4 crops of 96x96", 4, 96, 96, 64, 128, 45, 12)]
TINY = Shape("tiny 7x18", 1, 7, 18, 4, 3, 5, 2)


class Machine(NamedTuple):
    """Where it runs: device and dtype of the maps, peak FLOP/s and bytes/s, and how often a thing is timed."""

    device: str
    dtype: torch.dtype
    flops: float
    bandwidth: float
    repeats: tuple[int, int]

    def milliseconds(self, work: Callable[[], Any]) -> float:
        for _ in range(self.repeats[0]):
            work()
        times = []
        for _ in range(self.repeats[1]):
            self.wait()
            start = time.perf_counter()
            work()
            self.wait()
            times.append(1e3 * (time.perf_counter() - start))
        return statistics.median(times)

    def wait(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--sweep", action="store_true")
    parser.add_argument("--tflops", type=float)
    parser.add_argument("--tbs", type=float)
    options = parser.parse_args(arguments)
    if reason := ours.why_not():
        sys.exit(f"windowed attention in Triton cannot run here: {reason}.")
    if options.smoke != ours.interpreted():
        sys.exit("--smoke and TRITON_INTERPRET=1 belong together: one without the other measures nothing.")
    if options.smoke:
        machine, whole, crops = Machine("cpu", torch.float32, 1e9, 1e9, (0, 1)), TINY, [TINY]
    else:
        name = torch.cuda.get_device_name()
        known = next((peak for key, peak in PEAKS.items() if key in name), (options.tflops, options.tbs))
        tflops, tbs = options.tflops or known[0], options.tbs or known[1]
        if not tflops or not tbs:
            sys.exit(f"the peak of {name} is not known here: give --tflops (dense bf16) and --tbs.")
        machine, whole, crops = Machine("cuda", torch.bfloat16, tflops * 1e12, tbs * 1e12, (3, 10)), WHOLE, CROPS
        print(f"{name}, torch {torch.__version__}, peak {tflops:g} TFLOP/s and {tbs:g} TB/s")
    print(f"{'shape':<18} {'work':<34} {'ms':>9} {'GFLOP':>9} {'GB':>8} {'roofline':>9} {'TFLOP/s':>8}")
    inference(whole, machine)
    for shape in crops:
        training(shape, machine)
    if options.sweep:
        sweep(whole, machine)


def inference(shape: Shape, machine: Machine) -> None:
    """One step alone, one in the middle of a run, and the whole run."""
    maps = drawn(shape, machine)
    step = cost(shape, machine)
    held = held_bytes(shape, machine)
    flex = flex_step(shape, machine)
    with torch.no_grad():
        z = ours_step(maps, shape)[0]
        check(f"{shape.name}, Triton against FlexAttention", z, flex(*maps))
        row(shape, machine, "one step, Triton", lambda: ours_step(maps, shape), *step)
        row(shape, machine, "one step, FlexAttention", lambda: flex(*maps), *step)
        need = dense_bytes(shape, machine)
        row(shape, machine, "one step, dense", lambda: dense(maps, shape), *step, need=need)
        kept = [ours_step(maps, shape, keep=True)[1]]

        def middle() -> None:
            kept[0] = ours_step(maps, shape, kept[0], True)[1]

        row(shape, machine, "one step, carried, Triton", middle, step[0], step[1] + 2 * held)
        joined = [torch.cat([x] * 4, 1) if n < 2 else x for n, x in enumerate(maps)]
        work = "4th step by concatenation, Flex"
        row(shape, machine, work, lambda: flex(*joined), *cost(shape, machine, joined=4))
        total = shape.steps * step[0], shape.steps * step[1] + 2 * (shape.steps - 1) * held
        row(shape, machine, f"{shape.steps} steps, carried, Triton", lambda: run(maps, shape), *total)


def training(shape: Shape, machine: Machine) -> None:
    """Forward and backward: one step, and a run with carried logits."""
    maps = [x.requires_grad_() for x in drawn(shape, machine)]
    flops, numbers = cost(shape, machine)
    # back: S again, dS, dtheta, dphi, dg; of the maps, all are read again, and the gradients written
    both = flops + 2 * shape.keys * (3 * shape.l + 2 * shape.m), 3 * numbers
    flex = flex_step(shape, machine)
    peers: dict[str, tuple[Callable[..., Tensor], int]] = {
        "Triton": (lambda *x: ours_step(x, shape)[0], 0),
        "FlexAttention": (flex, 0),
        "dense": (lambda *x: dense(x, shape), 4 * dense_bytes(shape, machine)),
    }
    truth = gradients(lambda *x: dense(x, shape), [x[:1].detach().float() for x in maps])
    mine = gradients(peers["Triton"][0], [x[:1].detach() for x in maps])
    for letter, got, right in zip(("theta", "phi", "g"), mine, truth, strict=True):
        check(f"{shape.name}, gradient of {letter} against the definition", got, right)
    for name, (attention, need) in peers.items():
        if name == "FlexAttention" and machine.device == "cpu":
            continue  # has no backward there
        row(shape, machine, f"with gradients, {name}", partial(gradients, attention, maps), *both, need=need)
    held = 2 * held_bytes(shape, machine)  # float32
    # forward and back each read and write S; back reads and writes G too, and S is read twice
    total = shape.steps * both[0], shape.steps * (both[1] + 7 * held)
    work = f"{shape.steps} steps with gradients, Triton"
    row(shape, machine, work, lambda: gradients(lambda *x: run(x, shape), maps), *total)


def sweep(shape: Shape, machine: Machine) -> None:
    """The forward step with carried logits, for sizes of query blocks, warps and key tiles on their way."""
    from nonloc.nonlocal_ops import window_triton_steps as steps

    maps, key = drawn(shape, machine), (True, machine.dtype == torch.float32)
    usual = steps.SHAPES[key]
    flops, numbers = cost(shape, machine)
    for across, warps, stages in ((a, w, s) for a in (1, 2) for w in (4, 8) for s in (1, 2, 3, 4)):
        steps.SHAPES[key] = ((warps, warps), stages)
        with torch.no_grad():
            kept = [ours_step(maps, shape, None, True, across)[1]]

            def middle(kept: list = kept, across: int = across) -> None:
                kept[0] = ours_step(maps, shape, kept[0], True, across)[1]

            work = f"{across} tiles, {warps} warps, {stages} stages"
            row(shape, machine, work, middle, flops, numbers + 2 * held_bytes(shape, machine))
    steps.SHAPES[key] = usual


def drawn(shape: Shape, machine: Machine) -> list[Tensor]:
    rng = torch.Generator().manual_seed(0)
    maps = [torch.randn(shape.batch, c, shape.height, shape.width, generator=rng) for c in (shape.l, shape.l, shape.m)]
    return [(x / 2).to(machine.device, machine.dtype) for x in maps]


def ours_step(
    maps: Sequence[Tensor], shape: Shape, carried: Any = None, keep: bool = False, across: int | None = None
) -> tuple[Tensor, Any]:
    theta, phi, g = maps
    return ours.window_attention_triton(theta, phi, g, shape.window, carried=carried, keep=keep, across=across)


def run(maps: Sequence[Tensor], shape: Shape) -> Tensor:
    """The sum of all steps' results; each step has the same maps."""
    z, carried = ours_step(maps, shape, None, True)
    for t in range(1, shape.steps):
        step, carried = ours_step(maps, shape, carried, t + 1 < shape.steps)
        z = z + step
    return z


def dense(maps: Sequence[Tensor], shape: Shape) -> Tensor:
    theta, phi, g = maps
    return non_local(theta, phi, g, window=shape.window)[0]


def gradients(attention: Callable[..., Tensor], maps: list[Tensor]) -> tuple[Tensor, ...]:
    maps = [x.requires_grad_() for x in maps]
    z = attention(*maps)
    return torch.autograd.grad(z, maps, torch.ones_like(z).tril())


def flex_step(shape: Shape, machine: Machine) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """FlexAttention with the clamped window as its mask, on tokens in our tile order, so that it skips blocks too."""
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    from nonloc.nonlocal_ops.window_triton_steps import Grid

    grid = Grid(shape.height, shape.width, shape.window, "clamp", 1.0, 2)
    rows, columns = grid.tiles

    def first(i: Tensor, side: int) -> Tensor:
        return (i.clamp(max=side - 1) - shape.window // 2).clamp(max=side - min(shape.window, side)).clamp(min=0)

    def inside(b: Tensor, h: Tensor, query: Tensor, key: Tensor) -> Tensor:
        near = key >= 0
        for side, place in ((shape.height, row_of), (shape.width, column_of)):
            start, at = first(place(query), side), place(key)
            near = near & (start <= at) & (at < start + min(shape.window, side))
        return near

    def row_of(token: Tensor) -> Tensor:
        return token // 64 // columns * 8 + token % 64 // 8

    def column_of(token: Tensor) -> Tensor:
        return token // 64 % columns * 8 + token % 8

    on_gpu = machine.device == "cuda"
    tokens = 64 * rows * columns
    options = {"_compile": True} if on_gpu else {}
    mask = create_block_mask(inside, None, None, tokens, tokens, device=machine.device, **options)
    attention = torch.compile(flex_attention, dynamic=False) if on_gpu else flex_attention

    def step(theta: Tensor, phi: Tensor, g: Tensor) -> Tensor:
        Q, K, V = (ours.to_tiles(x, grid)[:, None] for x in (theta, phi, g))
        return ours.from_tiles(attention(Q, K, V, block_mask=mask, scale=1.0)[:, 0], g.shape[1], grid)

    return step


def cost(shape: Shape, machine: Machine, joined: int = 1) -> tuple[float, float]:
    """FLOP of both products over the keys really inside, and bytes of theta, phi, g and z, each moved once."""
    numbers = shape.batch * shape.height * shape.width * 2 * (joined * shape.l + shape.m)
    return 2 * shape.keys * (joined * shape.l + shape.m), numbers * machine.dtype.itemsize


def held_bytes(shape: Shape, machine: Machine) -> float:
    """Bytes of the logits in 16 bits that a step really touches, once."""
    from nonloc.nonlocal_ops.window_triton_steps import TILE, Grid

    across = 1 if machine.dtype == torch.float32 else 2
    grid = Grid(shape.height, shape.width, shape.window, "clamp", 1.0, across)
    return 2 * shape.batch * grid.pairs * across * TILE * TILE


def dense_bytes(shape: Shape, machine: Machine) -> int:
    """Memory of dense logits and weights."""
    return 2 * shape.batch * (shape.height * shape.width) ** 2 * machine.dtype.itemsize


def check(what: str, got: Tensor, right: Tensor) -> None:
    error = (got.float() - right.float()).norm() / right.float().norm()
    print(f"{what}: relative error {error:.1e}")
    if not error < 0.05:
        sys.exit("that is wrong: times of wrong results are not printed.")


def row(
    shape: Shape, machine: Machine, work: str, call: Callable[[], Any], flops: float, numbers: float, need: int = 0
) -> None:
    """Time and print; `need` is memory that the call takes, for those that may not fit."""
    figures = f"{flops / 1e9:>9.1f} {numbers / 1e9:>8.3f}"
    if machine.device == "cuda" and need > 0.8 * torch.cuda.mem_get_info()[0]:
        print(f"{shape.name:<18} {work:<34} {'-':>9} {figures}  needs {need / 1e9:.0f} GB")
        return
    try:
        ms = machine.milliseconds(call)
    except Exception as error:  # a peer that refuses a shape must not end the run
        print(f"{shape.name:<18} {work:<34} {'-':>9} {figures}  {type(error).__name__}: {str(error)[:60]!r}")
        if "Triton" in work or machine.device == "cpu":
            raise
        return
    bound = 1e3 * max(flops / machine.flops, numbers / machine.bandwidth)
    print(f"{shape.name:<18} {work:<34} {ms:>9.3f} {figures} {bound / ms:>8.1%} {flops / ms / 1e9:>8.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
