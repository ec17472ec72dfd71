"""Clips of a shaken camera, sharpened: DeblurNet beside its twin that sees one frame, on clips made of Kodak pictures.

    NONLOC_DATA=... python benchmarks/shaken_clips.py FOLDER... [--clips 20]

FOLDER holds the `weights.safetensors` of a training of deblurnet-small or deblurnet-small-alone. Each clip is five
frames of 256 x 256 by `nonloc.degradation.shake`, from a picture that no training saw, with a hand as fast as in
training. PSNR of the sharp middle frame, 8-bit rule. Writes results/experiments/shaken_clips.csv.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open

from nonloc.datasets import load
from nonloc.degradation.shake import shaken
from nonloc.methods.video.deblurnet import DeblurNet
from nonloc.metrics.psnr import im2uint8, psnr

RESULTS = Path(__file__).parent.parent / "results" / "experiments" / "shaken_clips.csv"
SIDE, SPEED = 256, 6.0


def network(folder: Path) -> tuple[str, DeblurNet, float]:
    """The network that was trained in a folder, with its name and the minutes that it took."""
    with safe_open(folder / "weights.safetensors", "pt") as file:
        told = file.metadata()
        module = DeblurNet(**json.loads(told["network"]))
        module.load_state_dict({name: file.get_tensor(name).float() for name in file.keys()})  # noqa: SIM118
    return json.loads(told["recipe"])["name"], module.eval(), float(told["minutes"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--clips", type=int, default=20)
    options = parser.parse_args()
    networks = [network(folder) for folder in options.folders]
    rows = []
    for number, picture in enumerate(load("kodak24")[: options.clips]):
        clean = picture.pixels8("rgb").transpose(2, 0, 1) / np.float32(255)
        frames, sharp = shaken(clean, SIDE, np.random.default_rng([0, number]), speed=SPEED)
        middle = frames[len(frames) // 2]
        rows.append([picture.name, "blurred", "", f"{figure(middle, sharp):.3f}"])
        for name, module, minutes in networks:
            seen = frames if module.frames > 1 else middle[np.newaxis]
            with torch.inference_mode():
                out = module(torch.from_numpy(seen)[np.newaxis])[0].numpy()
            rows.append([picture.name, name, f"{minutes:g}", f"{figure(out, sharp):.3f}"])
    with open(RESULTS, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["picture", "method", "minutes", "psnr"], *rows])
    for method in dict.fromkeys(row[1] for row in rows):
        print(f"{method:24} {np.mean([float(row[3]) for row in rows if row[1] == method]):.2f} dB")


def figure(out: np.ndarray, sharp: np.ndarray) -> float:
    return psnr(im2uint8(sharp), im2uint8(out), data_range=255)


if __name__ == "__main__":
    main()
