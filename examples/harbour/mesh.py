"""Triangles and the shapes that they are put together to."""

from itertools import pairwise

import numpy as np


class Scene:
    """Triangles: corners, normals, texture coordinates in metres, material and colour."""

    def __init__(self):
        self.parts = {"p": [], "n": [], "uv": [], "m": [], "c": []}
        self.names = []

    def surface(self, points, material, colour=(0.5, 0.5, 0.5), uv=None, at=(0.0, 0.0)):
        """A grid of points (rows, columns, 3); u runs along columns and v along rows, by arc length."""
        p = np.asarray(points, float)
        if uv is None:
            u = np.linalg.norm(np.diff(p, axis=1), axis=-1).mean(0)
            v = np.linalg.norm(np.diff(p, axis=0), axis=-1).mean(1)
            u, v = np.r_[0, np.cumsum(u)] + at[0], np.r_[0, np.cumsum(v)] + at[1]
            uv = np.stack(np.meshgrid(u, v), -1)
        n = np.cross(np.gradient(p, axis=1), np.gradient(p, axis=0))
        n /= np.maximum(np.linalg.norm(n, axis=-1, keepdims=True), 1e-12)
        a, b, c, d = np.s_[:-1, :-1], np.s_[:-1, 1:], np.s_[1:, 1:], np.s_[1:, :-1]
        for name, value in (("p", p), ("n", n), ("uv", uv)):
            for one in ((a, b, c), (a, c, d)):
                width = value.shape[-1]
                self.parts[name].append(np.stack([value[k] for k in one], -2).reshape(-1, 3, width))
        count = 2 * (p.shape[0] - 1) * (p.shape[1] - 1)
        if material not in self.names:
            self.names.append(material)
        self.parts["m"].append(np.full(count, self.names.index(material)))
        self.parts["c"].append(np.tile(np.asarray(colour, float), (count, 1)))

    def quad(self, o, e, f, material, colour=(0.5, 0.5, 0.5), at=(0.0, 0.0)):
        o, e, f = (np.asarray(x, float) for x in (o, e, f))
        self.surface([[o, o + e], [o + f, o + e + f]], material, colour, at=at)

    def box(self, o, e, f, g, material, colour=(0.5, 0.5, 0.5), at=(0.0, 0.0)):
        """A box at corner o along e and f (level) and g (up); no bottom."""
        o, e, f, g = (np.asarray(x, float) for x in (o, e, f, g))
        for corner, a, b in ((o, e, g), (o + f, e, g), (o, f, g), (o + e, f, g), (o + g, e, f)):
            self.quad(corner, a, b, material, colour, at)

    def tube(self, path, radius, material, colour=(0.5, 0.5, 0.5), sides=6, cap=False):
        """A round bar along a path (n, 3) with one radius or n of them."""
        path = np.asarray(path, float)
        radius = np.broadcast_to(radius, len(path))
        along = np.gradient(path, axis=0)
        along /= np.linalg.norm(along, axis=-1, keepdims=True)
        helper = np.where(np.abs(along[:, 2:]) > 0.9, [[1.0, 0, 0]], [[0, 0, 1.0]])
        s = np.cross(along, helper)
        s /= np.linalg.norm(s, axis=-1, keepdims=True)
        t = np.cross(along, s)
        angle = np.linspace(0, 2 * np.pi, sides + 1)[None, :, None]
        ring = np.cos(angle) * s[:, None] + np.sin(angle) * t[:, None]
        points = path[:, None] + ring * radius[:, None, None]
        self.surface(points, material, colour)
        if cap:
            self.surface(np.stack([points[-1], np.broadcast_to(path[-1], points[-1].shape)]), material, colour)

    def rope(self, a, b, sag=0.0, radius=0.016, colour=(0.30, 0.24, 0.16), parts=9):
        t = np.linspace(0, 1, parts if sag else 2)[:, None]
        path = np.asarray(a, float) * (1 - t) + np.asarray(b, float) * t
        path[:, 2] -= (sag * 4 * t * (1 - t))[:, 0]
        self.tube(path, radius, "paint", colour, sides=4)

    def stone(self, centre, radii, seed, colour=(0.25, 0.22, 0.19), fine=14):
        """A boulder: a sphere, cut by a few planes and made uneven."""
        rng = np.random.default_rng(seed)
        a, b = np.meshgrid(np.linspace(0, 2 * np.pi, 2 * fine + 1), np.linspace(0.02, np.pi - 0.02, fine))
        d = np.stack([np.cos(a) * np.sin(b), np.sin(a) * np.sin(b), np.cos(b)], -1)
        cuts = rng.standard_normal((9, 3))
        cuts /= np.linalg.norm(cuts, axis=-1, keepdims=True)
        reach = rng.uniform(0.62, 0.95, 9) / np.maximum(d @ cuts.T, 1e-3)
        r = np.minimum(1, -np.log(np.exp(-14 * np.minimum(reach, 2)).sum(-1) + np.exp(-14)) / 14)
        r = r * (1 + 0.03 * np.sin(d @ rng.standard_normal(3) * 9) * np.sin(d @ rng.standard_normal(3) * 7))
        self.surface(np.asarray(centre) + d * r[..., None] * np.asarray(radii), "rock", colour)

    def wall(self, o, e, length, height, inward, openings, material, depth=0.16):
        """A wall from o along the unit vector e with openings (u, v, width, height, material, colour)."""
        o, e, inward, up = np.asarray(o, float), np.asarray(e), np.asarray(inward) * depth, np.array([0, 0, 1.0])
        us = sorted({0, length, *(x for q in openings for x in (q[0], q[0] + q[2]))})
        vs = sorted({0, height, *(x for q in openings for x in (q[1], q[1] + q[3]))})
        for u0, u1 in pairwise(us):
            for v0, v1 in pairwise(vs):
                u, v = (u0 + u1) / 2, (v0 + v1) / 2
                if not any(q[0] < u < q[0] + q[2] and q[1] < v < q[1] + q[3] for q in openings):
                    self.quad(o + e * u0 + up * v0, e * (u1 - u0), up * (v1 - v0), material, at=(u0, v0))
        for u, v, w, h, kind, colour in openings:
            p = o + e * u + up * v
            for corner, side in ((p, up * h), (p + e * w, up * h), (p, e * w), (p + up * h, e * w)):
                self.quad(corner, side, inward, "stucco", (0.42, 0.36, 0.30))
            self.surface(
                [[p + inward, p + inward + e * w], [p + inward + up * h, p + inward + e * w + up * h]],
                kind, colour, uv=np.array([[[0, 0], [1, 0]], [[0, 1], [1, 1]]], float),
            )  # fmt: skip
            sill = p - inward * 0.5 - e * 0.08 - up * 0.09
            if kind == "window":
                self.box(sill, e * (w + 0.16), inward * 0.6, up * 0.09, "stucco", (0.50, 0.46, 0.40))
            self.box(p + up * h - e * 0.1 - inward * 0.12, e * (w + 0.2), inward * 0.1, up * 0.16,
                     "stucco", (0.46, 0.41, 0.35))  # fmt: skip

    def close(self):
        for name, value in self.parts.items():
            setattr(self, name, np.concatenate(value))
        return self

    def made_of(self, index, name):
        """Which of the triangles `index` are of this material."""
        return self.m[index] == self.names.index(name)
