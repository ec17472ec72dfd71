"""Renders the bundled sample picture, a small harbour at evening: `python examples/render_sample.py [OUT.png]`.

A small rasteriser in NumPy: meshes with smooth normals, depth maps of the sun and of the sky for shadows, a mirrored
view for the water, procedural materials (in `harbour/`). Drawn three times too large and shrunk, so that it is free
of noise and of aliasing. Nothing in it is fetched or photographed; the picture is ours and under the project's licence.
"""

import sys
from pathlib import Path

import numpy as np
from harbour.boats import boat, dinghy
from harbour.land import jetty, quay, shore, warehouse
from harbour.light import Light
from harbour.mesh import Scene
from harbour.raster import raster
from harbour.sky import sky
from harbour.water import water
from harbour.world import EYE, FOCAL, HEIGHT, HORIZON, WIDTH
from PIL import Image

TARGET = Path(__file__).parents[1] / "src" / "nonloc" / "samples" / "harbour.png"


def harbour():
    s = Scene()
    warehouse(s)
    quay(s)
    boat(s)
    dinghy(s)
    jetty(s)
    shore(s)
    return s.close()


def view(scene, light, over, mirrored=False):
    """Colour (h, w, 3), cover (h, w) and distance (h, w) of the scene, or of its mirror image in the water."""
    height, width = HEIGHT * over, WIDTH * over
    p = scene.p.copy()
    eye = EYE.copy()
    if mirrored:
        p[..., 2] = -np.maximum(p[..., 2], 0)
        eye[2] = -eye[2]
    depth = p[..., 1] - EYE[1]
    x = width * (0.5 + FOCAL * (p[..., 0] - EYE[0]) / depth)
    y = height * HORIZON - width * FOCAL * (p[..., 2] - EYE[2]) / depth
    index, near, (a, b, c) = raster(np.stack([x, y], -1), 1 / depth, height, width)
    rows, cols = np.nonzero(index >= 0)
    t = index[rows, cols]
    bary = a[t] * (cols + 0.5)[:, None] + b[t] * (rows + 0.5)[:, None] + c[t]
    bary = bary / depth[t]
    bary /= bary.sum(1, keepdims=True)
    colour = np.zeros((height, width, 3))
    colour[rows, cols] = light.shade(scene, t, bary, eye)
    return colour, (index >= 0), np.where(index >= 0, 1 / np.maximum(near, 1e-6), 1e9)


def rays(over):
    x = (np.arange(WIDTH * over) + 0.5) / (WIDTH * over) - 0.5
    y = HORIZON * HEIGHT / WIDTH - (np.arange(HEIGHT * over) + 0.5) / (WIDTH * over)
    x, z = np.meshgrid(x / FOCAL, y / FOCAL)
    return np.stack([x, np.ones_like(x), z], -1)


def develop(light):
    """Linear light to display samples in 0..1: a film-like shoulder (Narkowicz 2015), then sRGB."""
    x = light * 0.70
    y = np.clip(x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14), 0, 1)
    return np.where(y <= 0.0031308, 12.92 * y, 1.055 * y ** (1 / 2.4) - 0.055)


def render(over=3):
    """The picture, (HEIGHT, WIDTH, 3) uint8; `over` is how many times larger it is drawn."""
    scene = harbour()
    light = Light(scene)
    colour, cover, far = view(scene, light, over)
    d = rays(over)
    surface = np.where(d[..., 2] < 0, EYE[2] / np.maximum(-d[..., 2], 1e-9), np.inf)
    wet = surface < far
    air = ~cover & ~wet
    colour[air] = sky(d[air])
    mirror = view(scene, light, max(1, over // 2), mirrored=True)
    colour[wet] = water(light, over, d[wet], mirror)
    y, x = np.mgrid[-1 : 1 : HEIGHT * over * 1j, -1 : 1 : WIDTH * over * 1j]
    shown = develop(colour * (1 - 0.10 * (x * x + y * y))[..., None]).astype(np.float32)
    planes = [Image.fromarray(shown[..., k]).resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS) for k in range(3)]
    return np.clip(np.rint(np.stack([np.asarray(q) for q in planes], -1) * 255), 0, 255).astype(np.uint8)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    target.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(render()).save(target, optimize=True)
