"""A scratched scan, made from the bundled sample and repaired: `python examples/scratched_scan.py [FOLDER]`.

Writes scratched.png (bent scratches, hairs and dust of a negative, all white), mask.png (what the method took for
damage), repaired.png, and repaired-by-hand.png, for which `inpaint` was given the true places.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from nonloc.degradation import Missing
from nonloc.methods.registry import create

SAMPLE = Path(__file__).parents[1] / "src" / "nonloc" / "samples" / "harbour.png"


def scratched(clean, seed=0, scratches=5, hairs=3, specks=40):
    """`clean` (3, H, W), white 1, as a dirty negative would give it, and the places (H, W) that differ by 10 levels."""
    rng = np.random.default_rng(seed)
    height, width = clean.shape[1:]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    cover = np.zeros((height, width), np.float32)

    def add(shape, strength):
        np.maximum(cover, strength * shape, out=cover)

    for _ in range(scratches):  # along the transport of the film, slightly bent, of changing strength
        at, lean, bend = rng.uniform(0, width), rng.normal(0, 0.05), rng.uniform(40, 120)
        top, length = rng.uniform(-100, height / 2), rng.uniform(150, height)
        across = x - at - lean * y - 2 * np.sin(y / bend)
        along = (y > top) & (y < top + length)
        add(
            np.exp(-(np.abs(across / rng.uniform(0.7, 1.5)) ** 3)) * along,
            rng.uniform(0.6, 0.95) + 0.05 * np.sin(y / 9),
        )
    for _ in range(hairs):  # arcs
        cy, cx, radius = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(25, 60)
        arc = np.abs(np.arctan2(y - cy, x - cx) - rng.uniform(-2, 2)) < 1
        add(np.exp(-(np.abs((np.hypot(y - cy, x - cx) - radius) / 1.1) ** 3)) * arc, rng.uniform(0.6, 0.9))
    for _ in range(specks):
        cy, cx, radius, flat = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(1.2, 4), rng.uniform(0.7, 1.4)
        edge = radius * (1 + 0.25 * np.sin(3 * np.arctan2(y - cy, x - cx)))
        far = np.hypot((y - cy) * flat, (x - cx) / flat) - edge
        add(1 / (1 + np.exp(np.clip(4 * far, -30, 30))), rng.uniform(0.7, 0.95))
    damaged = clean + cover * (1 - clean)
    return damaged.astype(np.float32), np.abs(damaged - clean).max(0) > 10 / 255


def main(folder="."):
    clean = np.moveaxis(np.asarray(Image.open(SAMPLE).convert("RGB"), np.float32) / 255, -1, 0)
    damaged, places = scratched(clean)
    method = create("scratches", channels=3, arguments={"polarity": "bright"})
    repaired, extras = method.restore(damaged[None], None)
    by_hand, _ = create("inpaint", channels=3).restore(damaged[None], Missing(places))
    mask = extras["mask"][0].any(0)

    def save(name, pixels):
        eight = np.rint(255 * np.clip(pixels, 0, 1)).astype(np.uint8)
        Image.fromarray(eight if eight.ndim == 2 else np.moveaxis(eight, 0, -1)).save(Path(folder) / name)

    save("scratched.png", damaged)
    save("mask.png", mask)
    save("repaired.png", repaired[0])
    save("repaired-by-hand.png", by_hand[0])
    found, false = (mask & places).sum() / places.sum(), (mask & ~places).mean()
    print(f"found {found:.0%} of the damage; {false:.2%} of the picture taken for damage that is none")
    for name, pixels in (("scratched", damaged), ("repaired", repaired[0]), ("with the true places", by_hand[0])):
        print(f"{name}: {-10 * np.log10(np.mean((np.clip(pixels, 0, 1) - clean) ** 2)):.1f} dB")


if __name__ == "__main__":
    main(*sys.argv[1:])
