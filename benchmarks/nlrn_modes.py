"""NLRN in its two modes and DnCNN-S beside it, with the authors' weights for sigma 15, on the same noise.

    NONLOC_DATA=... python benchmarks/nlrn_modes.py [crops] [picture] [bsd68] [--threads 1]

crops     128 x 128 of House and Barbara: whole, and patches with stride 45, 22, 14 and 7 (the authors')
picture   House, 256 x 256: whole, and stride 22, 14 and 7
bsd68     each 4th picture of BSD68, 17 in all: whole, and DnCNN-S

Noise: `numpy-legacy`, drawn for the whole picture before crops are cut. Rows go to results/experiments/nlrn_modes.csv
as soon as they are measured, and are not measured again. Prints a line a row, then the table: gain over DnCNN-S, and
each stride against the whole picture at once, in dB and in CPU time.
"""

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from nonloc.benchmark.draws import Track, noisy
from nonloc.benchmark.identity import code
from nonloc.benchmark.results import Row, append_row, read_rows
from nonloc.datasets import load
from nonloc.degradation import GaussianNoise
from nonloc.engine import Plan, run
from nonloc.image.image import Image
from nonloc.importing import import_weights
from nonloc.methods.base import NetworkMethod
from nonloc.methods.networks.dncnn import DnCNN, DnCNNMethod
from nonloc.methods.networks.nlrn import NLRN, NLRNMethod
from nonloc.methods.registry import card
from nonloc.metrics.psnr import im2uint8, psnr
from nonloc.metrics.ssim import ssim
from nonloc.version import __version__

FILE = Path("results/experiments/nlrn_modes.csv")
SIGMA, TRACK = 15, Track("numpy-legacy")
CROPS = {"02.png": (64, 64), "09.png": (300, 100)}
MEMORY = 6 << 30  # in one piece, whatever the size


class Work:
    """One picture or crop, and what is run on it."""

    def __init__(self, where: str, clean: np.ndarray, damaged: np.ndarray, labels: list[str]):
        self.where, self.clean, self.damaged, self.labels = where, clean, damaged, labels


def works(parts: list[str]) -> Iterator[Work]:
    strides = ["nlrn:patch-45", "nlrn:patch-22", "nlrn:patch-14", "nlrn:patch-7"]
    for picture in load("set12"):
        name = picture.path.name
        clean = picture.pixels8("gray")
        damaged = noisy(clean, name, SIGMA, TRACK)
        if "crops" in parts and name in CROPS:
            top, left = CROPS[name]
            cut = slice(top, top + 128), slice(left, left + 128)
            where = f"set12/{name}[{top}:{top + 128},{left}:{left + 128}]"
            yield Work(where, clean[cut], np.ascontiguousarray(damaged[cut]), ["dncnn", "nlrn", *strides])
        if "picture" in parts and name == "02.png":
            yield Work(f"set12/{name}", clean, damaged, ["dncnn", "nlrn", *strides[1:]])
    if "bsd68" in parts:
        for picture in load("bsd68")[::4]:
            clean = picture.pixels8("gray")
            damaged = noisy(clean, picture.path.name, SIGMA, TRACK)
            yield Work(f"bsd68/{picture.path.name}", clean, damaged, ["dncnn", "nlrn"])


class Methods:
    """The methods by label, with the authors' weights."""

    def __init__(self):
        self.networks: dict[str, tuple[torch.nn.Module, str]] = {}
        for cls, file in ((DnCNN, "dncnn/dncnn_s_sigma15.mat"), (NLRN, "nlrn")):
            found = import_weights(Path(os.environ["NONLOC_DATA"]) / "reference" / file)
            network = cls(**found.facts.network)
            network.load_state_dict(found.state)
            self.networks[found.method] = network.eval().requires_grad_(False), found.facts.sha256

    def __call__(self, label: str) -> tuple[NetworkMethod, str]:
        name, _, mode = label.partition(":")
        network, digest = self.networks[name]
        if name == "dncnn":
            return DnCNNMethod(card(name), module=network), digest
        if not mode:
            return NLRNMethod(card(name), module=network), digest
        return NLRNMethod(card(name), module=network, mode="patch", stride=int(mode.removeprefix("patch-"))), digest


def measure(work: Work, label: str, methods: Methods) -> Row:
    method, digest = methods(label)
    wall, cpu = time.perf_counter(), time.process_time()
    plan = Plan(method, GaussianNoise(SIGMA), tile=None, memory=MEMORY)
    restored, record = run(plan, Image(samples=work.damaged, scale=1.0))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    output = im2uint8(restored.samples)
    return Row(
        version=__version__, code=code(card(method.card.name)), method=label, weights=digest, track=str(TRACK),
        regime="float", set="nlrn_modes", sigma=SIGMA, told=SIGMA, picture=work.where, pixels=work.clean.size,
        psnr=psnr(work.clean, output, data_range=255),
        psnr_float=psnr(work.clean / 255, restored.samples, data_range=1),
        ssim=ssim(work.clean, output, data_range=255),
        psnr_input=psnr(work.clean, im2uint8(work.damaged), data_range=255),
        cpu_s=cpu, wall_s=wall, threads=record.threads, device=record.device,
    ).rounded()  # fmt: skip


def table(rows: list[Row]) -> None:
    """Gain over DnCNN-S, and strides against the whole picture at once."""
    by: dict[str, dict[str, Row]] = {}
    for row in rows:
        by.setdefault(row.picture, {})[row.method] = row
    bsd68 = [found for where, found in by.items() if where.startswith("bsd68") and {"nlrn", "dncnn"} <= set(found)]
    if bsd68:
        gain = np.array([found["nlrn"].psnr - found["dncnn"].psnr for found in bsd68])
        spread = 1.96 * gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else float("nan")
        mean, ours, theirs = (
            np.mean([getattr(found[label], field) for found in bsd68])
            for label, field in (("nlrn", "psnr"), ("nlrn", "cpu_s"), ("dncnn", "cpu_s"))
        )
        print(f"BSD68, {len(gain)} pictures, whole at once: {mean:.3f} dB, {ours:.1f} CPU s (DnCNN-S {theirs:.1f})")
        print(f"  {gain.mean():+.3f} +- {spread:.3f} dB over DnCNN-S ({gain.min():+.3f} to {gain.max():+.3f})")
    for where, found in by.items():
        if where.startswith("bsd68") or "nlrn" not in found:
            continue
        whole = found.pop("nlrn")
        print(f"{where}: whole at once {whole.psnr:.3f} dB, {whole.cpu_s:.1f} CPU s")
        for label, row in found.items():
            apart, times = row.psnr - whole.psnr, row.cpu_s / whole.cpu_s
            print(f"  {label:<14} {row.psnr:.3f} dB ({apart:+.3f}), {times:.2f} times its time")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=["crops", "picture", "bsd68"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--file", type=Path, default=FILE)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    methods = Methods()
    now = {name: (code(card(name)), digest) for name, (_, digest) in methods.networks.items()}
    rows = [row for row in read_rows(asked.file) if row.identity == now.get(row.method.partition(":")[0])]
    for work in works(asked.parts):
        for label in work.labels:
            if any((row.picture, row.method) == (work.where, label) for row in rows):
                continue
            row = measure(work, label, methods)
            append_row(asked.file, row)
            rows.append(row)
            print(f"{work.where} {label} {row.psnr:.4f} dB {row.cpu_s:.1f} CPU s", flush=True)
    table(rows)


if __name__ == "__main__":
    main()
