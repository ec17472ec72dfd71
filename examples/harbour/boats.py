"""The sailing boat and the dinghy."""

import numpy as np

from .world import UP


def boat(s):
    at, x, y, z = hull(s, (-1.95, 13.3, 0), (-0.95, -0.30, 0), 5.4, 1.8, 0.78, (0.022, 0.075, 0.17))
    deck = np.stack([at(x, -0.96 * y, z - 0.10), at(x, 0.96 * y, z - 0.10)])
    s.surface(deck, "planking", (0.40, 0.27, 0.15))
    ahead, right = at(1, 0, 0) - at(0, 0, 0), at(0, 1, 0) - at(0, 0, 0)
    ahead = ahead / np.linalg.norm(ahead)
    house = at(-0.42, -0.5, 0.66)
    s.box(house, ahead * 1.55, right * 1.0, UP * 0.42, "cabin", (0.72, 0.68, 0.60))
    s.box(house - ahead * 0.06 - right * 0.06 + UP * 0.42, ahead * 1.67, right * 1.12, UP * 0.05, "timber",
          (0.40, 0.24, 0.11))  # fmt: skip
    foot, head = at(0.22, 0, 0.7), at(0.22, 0, 6.35)
    s.tube([foot, foot * 0.5 + head * 0.5, head], [0.07, 0.065, 0.04], "timber", (0.46, 0.27, 0.11), sides=10)
    boom = [at(0.20, 0, 1.62), at(-0.93, 0.22, 1.58)]
    s.tube(boom, 0.045, "timber", (0.46, 0.27, 0.11), sides=8)
    sail(s, at(0.195, 0, 1.72), at(0.195, 0, 6.0), at(-0.88, 0.20, 1.68), right, 0.20, (0.80, 0.73, 0.60))
    tack, peak = at(1.05, 0, 1.12), at(0.24, 0, 5.25)
    sail(s, tack * 0.96 + peak * 0.04, tack * 0.06 + peak * 0.94, at(0.28, 0.35, 1.35), right, 0.16, (0.46, 0.13, 0.05))
    wire = (0.12, 0.11, 0.10)
    s.rope(at(1.08, 0, 1.08), at(0.23, 0, 5.4), colour=wire)
    s.rope(at(-1.0, 0, 0.95), head, colour=wire)
    for across in (-0.86, 0.86):
        for along in (0.10, 0.30):
            s.rope(at(along, across, 0.80), at(0.22, 0, 4.9), colour=wire, radius=0.013)
        s.rope(at(0.2, across, 0.8), head, colour=wire, radius=0.013)
        for k in range(1, 8):  # ratlines between the two shrouds
            t = 0.09 * k
            a = at(0.10, across, 0.80) * (1 - t) + at(0.22, 0, 4.9) * t
            b = at(0.30, across, 0.80) * (1 - t) + at(0.22, 0, 4.9) * t
            s.rope(a, b, colour=wire, radius=0.011)
    s.rope(boom[1], head, colour=wire, radius=0.011)
    s.rope(at(-0.9, 0.2, 1.55), at(-0.85, 0.3, 0.8), colour=(0.5, 0.44, 0.34))
    s.rope(at(-0.98, -0.4, 0.9), (1.4, 15.6, 1.35), sag=0.16, radius=0.02, colour=(0.5, 0.42, 0.28))
    s.rope(at(1.0, 0, 1.1), (-1.70, 8.72, 1.12), sag=0.55, radius=0.02, colour=(0.5, 0.42, 0.28))
    for along, colour in ((-0.55, (0.62, 0.60, 0.55)), (-0.05, (0.60, 0.13, 0.03)), (0.42, (0.62, 0.60, 0.55))):
        k = np.argmin(np.abs(x - along))
        p = at(along, y[k] + 0.10, z[k] - 0.1)
        s.rope(p + UP * 0.1, p - UP * 0.1)
        t = np.linspace(0, np.pi, 9)
        s.tube(p - UP * (0.1 + 0.24 * (1 - np.cos(t)))[:, None], 0.02 + 0.10 * np.sin(t) ** 0.7, "paint", colour, 12)
    flag = at(0.22, 0, 6.3)
    u, v = np.meshgrid(np.linspace(0, 1, 12), np.linspace(0, 1, 4))
    cloth = flag + (-ahead * u[..., None]) * 0.6 + UP * (0.24 * (v - 0.5) * (1 - 0.6 * u))[..., None]
    s.surface(cloth + right * (0.06 * np.sin(u * 7))[..., None], "paint", (0.60, 0.05, 0.04))


def dinghy(s):
    at, x, y, z = hull(s, (1.75, 10.0, 0), (0.80, -0.60, 0), 2.7, 1.15, 0.36, (0.42, 0.035, 0.022), bowrise=0.55)
    s.surface(np.stack([at(x, -0.8 * y, z * 0 + 0.14), at(x, 0.8 * y, z * 0 + 0.14)]), "planking", (0.30, 0.20, 0.12))
    ahead, right = at(1, 0, 0) - at(0, 0, 0), at(0, 1, 0) - at(0, 0, 0)
    for along in (-0.62, -0.08, 0.34):
        k = np.argmin(np.abs(x - along))
        s.box(at(along, 0.10 - y[k], z[k] - 0.1), ahead * 0.17, right * (2 * y[k] - 0.20), UP * 0.035, "timber",
              (0.46, 0.31, 0.18))  # fmt: skip
    for across in (-0.2, 0.16):
        s.tube([at(-0.80, across, 0.41), at(0.62, across * 0.6, 0.46)], 0.022, "timber", (0.55, 0.40, 0.24), sides=6)
    s.rope(at(1.05, 0, 0.5), (3.42, 8.55, 0.66), sag=0.12, radius=0.016, colour=(0.55, 0.47, 0.32))
    s.tube(
        [(3.42, 8.55, 0.2), (3.42, 8.55, 0.72), (3.42, 8.55, 0.76)],
        [0.03, 0.03, 0.05],
        "paint",
        (0.08, 0.05, 0.04),
        8,
        True,
    )


def hull(s, centre, bow, length, beam, free, colour, material="clinker", bowrise=0.42):
    """A clinker hull; returns the function that gives a point of it from (along, across, height)."""
    bow = np.asarray(bow, float) / np.linalg.norm(bow)
    right = np.cross(bow, UP)
    x, t = np.meshgrid(np.linspace(-1, 1, 29), np.linspace(0, 1, 13))
    fore = np.clip(x, 0, 1)
    aft = np.clip(-x, 0, 1)
    half = beam / 2 * (1 - fore**2.3) * (1 - 0.38 * aft**2.5)
    rim = free * (1 + bowrise * fore**2 + 0.18 * aft**2)
    y = half * np.minimum(1, 0.25 + 1.1 * t) ** 1.1 * (0.30 + 0.70 * t**0.5)
    z = -0.25 + (rim + 0.25) * t
    x = x * (1 + 0.06 * t * fore)

    def at(along, across, up):
        a, c, u = (np.asarray(q, float)[..., None] for q in (along, across, up))
        return np.asarray(centre) + bow * a * length / 2 + right * c + UP * u

    for side in (-1, 1):
        s.surface(at(x, side * y, z), material, colour)
        edge = at(x[-1], side * (y[-1] + 0.01), z[-1] + 0.01)
        s.tube(edge, 0.035, "timber", (0.42, 0.25, 0.11), sides=6)
        s.surface(at(x[8:], side * 0.94 * y[8:], z[8:]), "timber", (0.40, 0.27, 0.15))
    s.surface(at(np.stack([x[:, 0]] * 2), np.stack([-y[:, 0], y[:, 0]]), np.stack([z[:, 0]] * 2)), material, colour)
    return at, x[-1], y[-1], z[-1]


def sail(s, tack, head, clew, out, belly, colour):
    """A three-cornered sail, wind from one side; u along the foot and v up the luff, in metres."""
    u, v = np.meshgrid(np.linspace(0, 1, 15), np.linspace(0, 1, 19))
    leech = u * (1 - v) * (1 + 0.10 * np.sin(np.pi * v))
    p = tack + (head - tack) * v[..., None] + (clew - tack) * leech[..., None]
    bulge = belly * np.sin(np.pi * np.clip(u, 0, 1)) * np.sin(np.pi * (0.12 + 0.80 * v)) * (1 - 0.5 * v)
    folds = 0.012 * np.sin(9 * u + 14 * v) * (1 - v)
    p = p + out * (bulge + folds)[..., None]
    metres = np.stack([leech * np.linalg.norm(clew - tack), v * np.linalg.norm(head - tack)], -1)
    s.surface(p, "canvas", colour, uv=metres)
