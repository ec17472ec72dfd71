"""Nearest triangle per pixel, and depth maps of far lights made with it."""

import numpy as np


def raster(screen, key, height, width):
    """Nearest triangle per pixel centre: its index (or -1), its key (larger is nearer), and the affine barycentrics."""
    x, y = screen[..., 0], screen[..., 1]
    area = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
    area = np.where(np.abs(area) < 1e-9, np.inf, area)
    a = np.stack([y[:, 1] - y[:, 2], y[:, 2] - y[:, 0], y[:, 0] - y[:, 1]], 1) / area[:, None]
    b = np.stack([x[:, 2] - x[:, 1], x[:, 0] - x[:, 2], x[:, 1] - x[:, 0]], 1) / area[:, None]
    cross = [x[:, i] * y[:, j] - x[:, j] * y[:, i] for i, j in ((1, 2), (2, 0), (0, 1))]
    c = np.stack(cross, 1) / area[:, None]
    plane = np.stack([(q * key).sum(1) for q in (a, b, c)], 1)
    nearest = np.full((height, width), -np.inf)
    index = np.full((height, width), -1, np.int32)
    x0 = np.clip(np.ceil(x.min(1) - 0.5), 0, width).astype(int)
    x1 = np.clip(np.floor(x.max(1) - 0.5) + 1, 0, width).astype(int)
    y0 = np.clip(np.ceil(y.min(1) - 0.5), 0, height).astype(int)
    y1 = np.clip(np.floor(y.max(1) - 0.5) + 1, 0, height).astype(int)
    columns, rows = np.arange(width) + 0.5, (np.arange(height) + 0.5)[:, None]
    for t in np.flatnonzero((x1 > x0) & (y1 > y0) & np.isfinite(area)):
        px, py = columns[x0[t] : x1[t]], rows[y0[t] : y1[t]]
        at, bt, ct = a[t], b[t], c[t]
        inside = (at[0] * px + (bt[0] * py + ct[0])) >= 0
        inside &= (at[1] * px + (bt[1] * py + ct[1])) >= 0
        inside &= (at[2] * px + (bt[2] * py + ct[2])) >= 0
        depth = plane[t, 0] * px + (plane[t, 1] * py + plane[t, 2])
        here = nearest[y0[t] : y1[t], x0[t] : x1[t]]
        inside &= depth > here
        here[inside] = depth[inside]
        index[y0[t] : y1[t], x0[t] : x1[t]][inside] = t
    return index, nearest, (a, b, c)


class DepthMap:
    """What a far light in direction d sees of the scene around (centre), `side` metres wide."""

    def __init__(self, scene, d, size, side=30.0, centre=(1.0, 13.0, 2.0)):
        d = d / np.linalg.norm(d)
        s = np.cross(d, [0, 0, 1.0]) if abs(d[2]) < 0.99 else np.array([1.0, 0, 0])
        s /= np.linalg.norm(s)
        self.axes = np.stack([s, np.cross(s, d), d])
        self.size, self.side, self.centre, self.d = size, side, np.asarray(centre), d
        x, y, key = self.place(scene.p)
        _, self.near, _ = raster(np.stack([x, y], -1), key, size, size)

    def place(self, p):
        """Map coordinates x, y in cells and the height towards the light, each of p's shape less the last axis."""
        half, cells = self.size / 2, self.size / self.side
        rows = self.axes * [[cells], [cells], [1.0]]
        return [p[..., 0] * a + p[..., 1] * b + p[..., 2] * c + o
                for (a, b, c), o in zip(rows, [half, half, 0.0] - rows @ self.centre, strict=True)]  # fmt: skip

    def lit(self, p, taps=((0.0, 0.0),), bias=0.03):
        """Share of the light that reaches p, 0 to 1; bilinear over the four nearest map cells at each tap."""
        u, v, key = self.place(p)
        key = key + bias
        total = np.zeros(len(p))
        flat = self.near.ravel()
        for ox, oy in taps:
            x = np.clip(u + (ox - 0.5), 0, self.size - 1.001)
            y = np.clip(v + (oy - 0.5), 0, self.size - 1.001)
            i, j = x.astype(np.int64), y.astype(np.int64)
            fx, fy, at = x - i, y - j, j * self.size + i
            one = (flat[at] < key) * (1 - fx) + (flat[at + 1] < key) * fx
            two = (flat[at + self.size] < key) * (1 - fx) + (flat[at + self.size + 1] < key) * fx
            total += one * (1 - fy) + two * fy
        return total / len(taps)
