"""How much easier truncated noise is, for a network that is told the level, and the page that says so.

    NONLOC_DATA=... python benchmarks/eldrn.py [--threads 1]

nonloc-s on each 4th picture of BSD68 (17 in all), at 15, 25 and 50: white noise; the same numbers with those beyond two
sigma drawn again, with the network told sigma, and told what is left of it; and white noise of that lower level. Rows
go to results/experiments/eldrn.csv as soon as they are measured, and are not measured again. Writes the tables of
docs/eldrn.md.
"""

import argparse
import time
from pathlib import Path

import marked
import numpy as np
import torch

from nonloc.benchmark.draws import CUT, Track, noisy
from nonloc.benchmark.identity import code
from nonloc.benchmark.published import table2_rows
from nonloc.benchmark.results import Row, append_row, read_rows
from nonloc.benchmark.truncation import floor_cost, input_psnr, truncated_std
from nonloc.datasets import DatasetPicture, load
from nonloc.degradation import GaussianNoise
from nonloc.engine import Plan, run
from nonloc.image.image import Image
from nonloc.methods import registry
from nonloc.metrics.psnr import im2uint8, psnr
from nonloc.metrics.ssim import ssim
from nonloc.version import __version__

ROOT = Path(__file__).parent.parent
FILE, PAGE = ROOT / "results" / "experiments" / "eldrn.csv", ROOT / "docs" / "eldrn.md"
METHOD, SIGMAS = "nonloc-s", (15, 25, 50)
WHITE, TRUNCATED = Track("numpy"), Track("truncated")
LEFT = truncated_std()
# name: the draw, and the level of noise and the level told, over sigma
CASES = {
    "white": (WHITE, 1.0, 1.0),
    "truncated, told sigma": (TRUNCATED, 1.0, 1.0),
    "truncated, told what is left": (TRUNCATED, 1.0, LEFT),
    "white of what is left": (WHITE, LEFT, LEFT),
}


def measure(picture: DatasetPicture, sigma: float, case: str) -> Row:
    track, level, told = CASES[case]
    method = registry.create(METHOD, channels=1, sigma=told * sigma)
    clean = picture.pixels8("gray")
    damaged = noisy(clean, picture.path.name, level * sigma, track)
    wall, cpu = time.perf_counter(), time.process_time()
    restored, record = run(Plan(method, GaussianNoise(told * sigma), tile=None), Image(damaged, scale=1.0))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    output = im2uint8(restored.samples)
    return Row(
        version=__version__, code=code(method.card), method=METHOD, weights=method.weights.sha256, track=str(track),
        regime="float", set="eldrn", sigma=sigma * level, told=sigma * told, picture=picture.name, pixels=clean.size,
        psnr=psnr(clean, output, data_range=255), psnr_float=psnr(clean / 255, restored.samples, data_range=1),
        ssim=ssim(clean, output, data_range=255), psnr_input=psnr(clean, im2uint8(damaged), data_range=255),
        cpu_s=cpu, wall_s=wall, threads=torch.get_num_threads(), device=record.device,
    )  # fmt: skip


def scores(rows: list[Row], sigma: float, case: str) -> np.ndarray:
    """PSNR of a case, picture by picture."""
    track, level, told = CASES[case]
    wanted = (str(track), f"{level * sigma:.4g}", f"{told * sigma:.4g}")
    as_text = "{:.4g}".format
    found = {row.picture: row.psnr for row in rows if (row.track, as_text(row.sigma), as_text(row.told)) == wanted}
    return np.array([found[name] for name in sorted(found)])


def arithmetic() -> str:
    """What follows from the formulas alone."""
    lines = [
        [
            f"{sigma}",
            f"{sigma * LEFT:.2f}",
            f"{input_psnr(sigma):.2f}",
            f"{input_psnr(sigma, CUT):.2f}",
            f"{floor_cost(published('ELDRN')[sigma]):.3f}",
        ]
        for sigma in SIGMAS
    ]
    head = ["sigma", "what is left", "white noise, dB", "truncated, dB", "lost by cutting off digits, dB"]
    told = (
        f"Of the variance {LEFT**2:.5f} is left, of the standard deviation {LEFT:.5f}, or {20 * np.log10(LEFT):+.3f}\n"
        "dB. In the table: sigma, what is left of it, the PSNR of the noisy picture, and what a result of the\n"
        "published PSNR loses by becoming 8 bits without rounding."
    )
    return f"{told}\n\n{marked.table(head, lines)}"


def gains(rows: list[Row]) -> str:
    """What was measured, beside what was published."""
    if not rows:
        return "Not measured yet."
    white = [scores(rows, sigma, "white") for sigma in SIGMAS]
    lines, worth = [], {}
    for case in CASES:
        gain = worth[case] = [scores(rows, sigma, case) - base for sigma, base in zip(SIGMAS, white, strict=True)]
        means = [f"{(base + more).mean():.2f}" for base, more in zip(white, gain, strict=True)]
        if case != "white":
            means = [
                f"{value} ({more.mean():+.2f} ± {more.std(ddof=1) / len(more) ** 0.5:.2f})"
                for value, more in zip(means, gain, strict=True)
            ]
        lines.append([case, *means])
    matched = worth["truncated, told what is left"]
    less = [published("ELDRN")[sigma] - more.mean() for sigma, more in zip(SIGMAS, matched, strict=True)]
    others = [
        [name, *(f"{published(name)[sigma]:.2f}" for sigma in SIGMAS)] for name in ("ELDRN", "DDRNet", "DnCNN", "EEDN")
    ]
    others.insert(1, ["ELDRN, less the gain", *(f"{value:.2f}" for value in less)])
    return (
        f"{METHOD} on {len(white[0])} pictures of BSD68, mean PSNR in dB; in brackets the gain over white noise, with\n"
        f"the standard error of its mean:\n\n"
        f"{marked.table(['sigma', *map(str, SIGMAS)], lines)}\n\n"
        f"The published figures, in dB, and ELDRN's less what its noise was worth:\n\n"
        f"{marked.table(['sigma', *map(str, SIGMAS)], others)}"
    )


def published(name: str) -> dict[float, float]:
    return next(dict(row.best) for row in table2_rows() if row.name == name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    torch.set_num_threads(parser.parse_args().threads)
    found = registry.card(METHOD)
    now = (code(found), registry.choose_weights(found, 1, 25).sha256)
    rows = [row for row in read_rows(FILE) if row.identity == now]
    for picture in load("bsd68")[::4]:
        for sigma in SIGMAS:
            for case, (track, level, told) in CASES.items():
                wanted = (picture.name, str(track), f"{level * sigma:.4g}", f"{told * sigma:.4g}")
                if any((row.picture, row.track, f"{row.sigma:.4g}", f"{row.told:.4g}") == wanted for row in rows):
                    continue
                rows.append(measure(picture, sigma, case))
                append_row(FILE, rows[-1])
                print(f"{picture.name} {sigma} {case}: {rows[-1].psnr:.3f} dB", flush=True)
    marked.write(PAGE, "arithmetic", arithmetic())
    marked.write(PAGE, "gains", gains(rows))


if __name__ == "__main__":
    main()
