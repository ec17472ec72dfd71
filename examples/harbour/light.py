"""Sunlight with its shadows, light of the sky with its own, gloss, window panes."""

import numpy as np

from . import painted, stone, wood
from .raster import DepthMap
from .sky import sky
from .texture import SOFT, cell, mix, noise, step
from .world import HAZE, SUN, SUNLIGHT

SHADERS = {
    f.__name__: f
    for f in (
        *(wood.timber, wood.deck, wood.pile, wood.staves, wood.planking, wood.clinker, wood.cord, wood.canvas),
        *(stone.brick, stone.ashlar, stone.coping, stone.cobble, stone.roof, stone.stucco, stone.rock),
        *(painted.paint, painted.plastic, painted.beacon, painted.door, painted.cabin, painted.sign),
        *(painted.window, painted.lamp),
    )
}


class Light:
    def __init__(self, scene):
        self.sun = DepthMap(scene, SUN, 2048)
        self.taps = [(dx, dy) for dx in (-1.3, 0, 1.3) for dy in (-1.3, 0, 1.3)]
        golden = np.pi * (3 - np.sqrt(5))
        k = np.arange(14)
        z = 0.10 + 0.88 * (k + 0.5) / 14
        r = np.sqrt(1 - z * z)
        dome = np.stack([r * np.cos(golden * k), r * np.sin(golden * k), z], -1)
        self.dome = [DepthMap(scene, d, 300) for d in dome]
        glow = 1 + 0.9 * np.maximum(dome @ SUN, 0)[:, None] ** 3
        self.colours = sky(dome, hills=False) * glow * 2.0 / len(dome) * [0.95, 1.0, 1.12]

    def ambient(self, p, n, flat):
        total, raised = np.zeros((len(p), 3)), p + 0.06 * flat
        for m, colour in zip(self.dome, self.colours, strict=True):
            facing = n @ m.d
            some = np.flatnonzero(facing > 0)
            total[some] += (facing[some] * m.lit(raised[some], bias=0.06))[:, None] * colour
        return total + (0.5 - 0.5 * n[:, 2])[:, None] * np.array([0.11, 0.09, 0.07]) + 0.012

    def shade(self, scene, index, bary, eye):
        """Colour of visible points: triangle numbers (n,), weights (n, 3)."""
        w = bary[..., None]
        p, n = (scene.p[index] * w).sum(1), (scene.n[index] * w).sum(1)
        uv = (scene.uv[index] * w).sum(1)
        q, t = scene.p[index], scene.uv[index]
        e1, e2, t1, t2 = q[:, 1] - q[:, 0], q[:, 2] - q[:, 0], t[:, 1] - t[:, 0], t[:, 2] - t[:, 0]
        det = t1[:, 0] * t2[:, 1] - t2[:, 0] * t1[:, 1]
        det = np.where(np.abs(det) < 1e-12, 1e-12, det)[:, None]
        du, dv = (e1 * t2[:, 1:] - e2 * t1[:, 1:]) / det, (e2 * t1[:, :1] - e1 * t2[:, :1]) / det
        du, dv = (x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9) for x in (du, dv))
        view = eye - p
        distance = np.linalg.norm(view, axis=1, keepdims=True)
        view = view / distance
        flat = np.cross(e1, e2)
        flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12)
        turn = np.where((flat * view).sum(1, keepdims=True) < 0, -1.0, 1.0)
        flat, n = flat * turn, n * turn
        n = np.where((n * flat).sum(1, keepdims=True) < 0, -n, n)
        colour, gloss = np.zeros_like(p), np.zeros(len(p))
        bumped = n.copy()
        for k in np.unique(scene.m[index]):
            here = scene.m[index] == k
            out = SHADERS[scene.names[k]](uv[here, 0], uv[here, 1], p[here], scene.c[index[here]])
            colour[here], gloss[here] = np.clip(out[0], 0.004, 0.95), out[3]
            bumped[here] -= out[1][:, None] * du[here] + out[2][:, None] * dv[here]
        n = bumped / np.maximum(np.linalg.norm(bumped, axis=1, keepdims=True), 1e-9)
        facing = n @ SUN
        cloth = (scene.made_of(index, "canvas")) * 0.30
        sun = np.maximum(facing, 0) + cloth * np.maximum(-facing, 0)
        reach = np.zeros(len(p))
        some = (sun > 0) & ((flat @ SUN > 0) | (cloth > 0))
        reach[some] = self.sun.lit(p[some] + 0.03 * np.where(cloth[some, None] > 0, SUN, flat[some]), self.taps)
        half = view + SUN
        half /= np.linalg.norm(half, axis=1, keepdims=True)
        shine = gloss * np.maximum((n * half).sum(1), 0) ** (8 + 90 * gloss) * reach
        light = colour * (SUNLIGHT * (sun * reach)[:, None] * 0.62 + self.ambient(p, n, flat))
        light += 0.5 * shine[:, None] * SUNLIGHT
        light += glass(scene, index, uv, colour, n, view)
        bulb = scene.made_of(index, "lamp")
        light[bulb] += [2.6, 1.9, 1.1]
        return mix(light, HAZE * 0.9, 1 - np.exp(-np.maximum(distance[:, 0] - 8, 0) / 420))


def glass(scene, index, uv, colour, n, view):
    """Reflections in the panes and warm rooms behind a few of them."""
    out = np.zeros_like(colour)
    here = np.flatnonzero((scene.made_of(index, "window")) & (colour.sum(1) < 0.2))
    if not len(here):
        return out
    u, v, c = uv[here, 0], uv[here, 1], scene.c[index[here]]
    pane = (np.floor(u * 3) + 3 * np.floor(v * 4), c[:, 0] + 8 * c[:, 1])
    tilt = np.stack([cell(*pane, 4) - 0.5, 0 * u, cell(*pane, 5) - 0.5], -1) * 0.10
    m = n[here] + tilt + 0.006 * noise(SOFT, u / 3 + c[:, 0] / 5, v / 3)[:, :1]
    m /= np.linalg.norm(m, axis=1, keepdims=True)
    d = 2 * (m * view[here]).sum(1, keepdims=True) * m - view[here]
    d[:, 2] = np.abs(d[:, 2])
    out[here] = 0.30 * sky(d)
    room = cell(c[:, 0], c[:, 1], 9) > 0.74
    curtain = 0.55 + 0.45 * np.sin(26 * u + 4 * v) * step(0.55, 0.2, np.abs(u - 0.5))
    out[here] += np.where(room, 0.25 + 0.75 * v * curtain, 0)[:, None] * np.array([1.25, 0.72, 0.27])
    return out
