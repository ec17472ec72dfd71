"""The warehouse, the quay and what stands on it, the jetty, the stones and the far mole."""

import numpy as np

from .world import ALONG, BACK, UP


def warehouse(s):
    o, long, deep, high, ridge = np.array([1.2, 18.2, 1.0]), 11.0, 6.4, 4.3, 2.5
    front = [(0.65 + 1.55 * k, 3.05, 0.8, 0.98, "window", (k, 1, 0)) for k in range(7)]
    front += [(0.65 + 1.55 * k, 0.85, 0.8, 1.2, "window", (k, 0, 0)) for k in (0, 1, 4, 5, 6)]
    front += [(3.55, 0.0, 1.5, 2.05, "door", (0.05, 0.16, 0.12))]
    s.wall(o, ALONG, long, high, BACK, front, "brick")
    side = [(0.9 + 1.9 * k, z, 0.8, 1.1, "window", (k, 3, 0)) for k in range(3) for z in (0.85, 2.85)]
    s.wall(o + BACK * deep, -BACK, deep, high, ALONG, side, "brick")
    foot, top = o + UP * high, o + UP * (high + ridge) + BACK * deep / 2
    s.surface([[foot + BACK * deep, foot], [top, top]], "brick",
              uv=np.array([[[0, high], [deep, high]], [[deep / 2, high + ridge]] * 2]))  # fmt: skip
    slope = BACK * deep / 2 + UP * ridge
    for start, rise in ((foot, slope), (foot + BACK * deep, slope - BACK * deep)):
        eave = start - rise * 0.1 - ALONG * 0.3 + UP * 0.06
        s.quad(eave, ALONG * (long + 0.6), rise * 1.1, "roof")
        s.quad(eave - UP * 0.12, rise * 1.1, UP * 0.12, "paint", (0.45, 0.42, 0.38))
        s.quad(eave - UP * 0.10, ALONG * (long + 0.6), UP * 0.10, "paint", (0.30, 0.28, 0.26))
    gutter = foot - slope * 0.1 - BACK * 0.06 - UP * 0.02
    s.tube([gutter - ALONG * 0.3, gutter + ALONG * long], 0.06, "paint", (0.16, 0.17, 0.17))
    pipe = o + ALONG * 0.22 - BACK * 0.08
    s.tube([pipe, pipe + UP * high], 0.045, "paint", (0.16, 0.17, 0.17))
    for along in (2.2, 7.4):
        s.box(top + ALONG * along - BACK * 0.35 - UP * 0.5, ALONG * 0.8, BACK * 0.6, UP * 1.35, "brick")
        s.box(top + ALONG * (along - 0.06) - BACK * 0.41 + UP * 0.85, ALONG * 0.92, BACK * 0.72, UP * 0.1,
              "stucco", (0.4, 0.36, 0.32))  # fmt: skip
        for pot in (0.22, 0.58):
            p = top + ALONG * (along + pot) - BACK * 0.05 + UP * 0.95
            s.tube([p, p + UP * 0.38], [0.11, 0.09], "paint", (0.42, 0.17, 0.09), sides=8)
    board = o + ALONG * 1.55 - BACK * 0.12 + UP * 2.22
    s.box(board, ALONG * 4.9, BACK * 0.1, UP * 0.72, "paint", (0.025, 0.07, 0.12))
    s.surface([[board - BACK * 0.004, board - BACK * 0.004 + ALONG * 4.9],
               [board - BACK * 0.004 + UP * 0.72, board - BACK * 0.004 + ALONG * 4.9 + UP * 0.72]],
              "sign", uv=np.array([[[0, 0], [1, 0]], [[0, 1], [1, 1]]], float))  # fmt: skip
    beam = o + BACK * deep / 2 + UP * (high + 1.2)
    s.box(beam - ALONG * 1.2, ALONG * 1.4, BACK * 0.14, UP * 0.16, "timber", (0.20, 0.13, 0.08))
    s.rope(beam - ALONG * 1.1, beam - ALONG * 1.1 - UP * 2.2)


def quay(s):
    o = np.array([-0.25, 14.9, -0.06])
    s.box(o, ALONG * 22, BACK * 16, UP * 0.94, "ashlar")
    s.box(o - ALONG * 0.05 - BACK * 0.05 + UP * 0.94, ALONG * 22, BACK * 0.6, UP * 0.14, "coping")
    s.box(o - ALONG * 0.05 + BACK * 0.55 + UP * 0.94, ALONG * 0.6, BACK * 15, UP * 0.14, "coping")
    s.quad(o + ALONG * 0.5 + BACK * 0.5 + UP * 1.05, ALONG * 22, BACK * 16, "cobble")
    top = o + UP * 1.08
    for along in (0.5, 4.6):
        p = top + ALONG * along + BACK * 0.42
        s.tube([p, p + UP * 0.3, p + UP * 0.34, p + UP * 0.48], [0.13, 0.10, 0.17, 0.15], "paint",
               (0.03, 0.03, 0.035), sides=12, cap=True)  # fmt: skip
    for along, back, lift in ((2.1, 2.3, 0), (2.75, 2.45, 0), (2.4, 2.0, 0.0)):
        barrel(s, top + ALONG * along + BACK * back + UP * lift, 0.31, 0.82)
    crate = top + ALONG * 6.9 + BACK * 1.7
    colours = ((0.55, 0.36, 0.03), (0.04, 0.14, 0.36), (0.48, 0.06, 0.035))
    for k, colour in enumerate(colours):
        turn = ALONG * np.cos(0.1 * k - 0.1) + BACK * np.sin(0.1 * k - 0.1)
        side = np.cross(UP, turn)
        s.box(crate + UP * 0.30 * k, turn * 0.85, side * 0.55, UP * 0.27, "plastic", colour)
    s.box(crate + ALONG * 1.15, ALONG * 0.75, BACK * 0.7, UP * 0.7, "timber", (0.42, 0.29, 0.17))
    lamp = top + ALONG * 8.6 + BACK * 0.9
    s.tube([lamp, lamp + UP * 0.4, lamp + UP * 0.45, lamp + UP * 3.1], [0.1, 0.09, 0.05, 0.04], "paint",
           (0.03, 0.045, 0.04), sides=10)  # fmt: skip
    s.tube([lamp + UP * 3.1, lamp + UP * 3.42], [0.10, 0.16], "lamp", sides=8)
    s.tube([lamp + UP * 3.42, lamp + UP * 3.47, lamp + UP * 3.62], [0.22, 0.2, 0.02], "paint",
           (0.03, 0.045, 0.04), sides=8)  # fmt: skip
    for along in (1.9, 5.9):
        p = o + ALONG * along - BACK * 0.05
        for side in (0, 0.34):
            s.tube([p + ALONG * side, p + ALONG * side + UP * 1.1], 0.022, "paint", (0.10, 0.06, 0.045), sides=5)
        for rung in np.arange(0.15, 1.0, 0.2):
            s.tube([p + UP * rung, p + ALONG * 0.34 + UP * rung], 0.018, "paint", (0.10, 0.06, 0.045), sides=5)


def barrel(s, p, radius, high):
    t = np.linspace(0, 1, 9)
    bulge = radius * (0.80 + 0.20 * np.sin(np.pi * t))
    s.tube(p + UP * high * t[:, None], bulge, "staves", (0.30, 0.18, 0.09), sides=18)
    s.tube([p + UP * (high - 0.05), p + UP * (high - 0.045)], [0.8 * radius, 0.01], "timber", (0.33, 0.22, 0.13), 18)
    for at in (0.1, 0.3, 0.7, 0.9):
        r = radius * (0.80 + 0.20 * np.sin(np.pi * at)) + 0.008
        s.tube([p + UP * (high * at - 0.025), p + UP * (high * at + 0.025)], r, "paint", (0.05, 0.05, 0.055), 18)


def jetty(s):
    rng = np.random.default_rng(5)
    left, right, high = -4.6, -1.75, 0.72
    for k, y in enumerate(np.arange(4.6, 8.75, 0.225)):
        o = np.array([left + rng.uniform(-0.05, 0.05), y, high + rng.uniform(-0.012, 0.012)])
        e = np.array([right - left + rng.uniform(-0.06, 0.06), rng.uniform(-0.02, 0.02), rng.uniform(-0.01, 0.01)])
        tone = (
            np.array([0.34, 0.27, 0.20]) * rng.uniform(0.75, 1.2) * [1, rng.uniform(0.95, 1.03), rng.uniform(0.9, 1.1)]
        )
        s.box(o, e, [0, 0.205, 0], [0, 0, 0.055], "deck", tone, at=(rng.uniform(0, 9), 0.3 * k))
    for x in (left + 0.3, right - 0.35):
        s.box([x, 4.2, high - 0.2], [0.12, 0, 0], [0, 4.5, 0], [0, 0, 0.19], "timber", (0.20, 0.15, 0.11))
    for y, tall in ((5.75, 1.5), (8.62, 1.42)):
        for x in (right + 0.10, left - 0.02):
            p = np.array([x, y, -0.06])
            s.tube([p, p + UP * 0.6, p + UP * (tall - 0.04), p + UP * tall], [0.15, 0.145, 0.13, 0.10], "pile",
                   (0.26, 0.20, 0.15), sides=18, cap=True)  # fmt: skip
    p = np.array([right + 0.10, 8.62, 1.05])
    for k in range(4):  # turns of the mooring line
        t = np.linspace(0, 2 * np.pi, 17)
        ring = np.stack([np.cos(t), np.sin(t), 0 * t], -1) * 0.15
        s.tube(p + ring + UP * 0.045 * k, 0.025, "cord", (0.52, 0.43, 0.29), sides=5)
    centre = np.array([-2.55, 6.75, high + 0.075])
    for turn in range(6):  # a flemish coil on the planks
        t = np.linspace(0, 2 * np.pi, 33)
        r = 0.08 + 0.055 * (turn + t / (2 * np.pi))
        s.tube(centre + np.stack([np.cos(t) * r, np.sin(t) * r, 0 * t], -1), 0.027, "cord", (0.55, 0.46, 0.31), 5)
    t = np.linspace(0, np.pi, 13)
    for (x, y), r, colour in (((-2.35, 8.0), 0.17, (0.75, 0.20, 0.02)), ((-2.72, 8.18), 0.15, (0.72, 0.50, 0.03))):
        ball = np.array([x, y, high + 0.05]) + UP * (r * (1 - np.cos(t)))[:, None]
        s.tube(ball, 0.001 + r * np.sin(t), "paint", colour, sides=20)


def shore(s):
    rng = np.random.default_rng(11)
    for k in range(22):
        y = rng.uniform(6.4, 9.0)
        x = 0.36 * y + 0.1 + 2.0 * rng.random() ** 1.3
        r = rng.uniform(0.28, 0.62)
        tone = np.array([0.25, 0.225, 0.20]) * rng.uniform(0.7, 1.25) * [1.04, 1, rng.uniform(0.88, 1.06)]
        s.stone(
            [x, y, 0.06 * rng.random() + 0.22 * (x - 0.36 * y)],
            r * rng.uniform([0.9, 0.9, 0.55], [1.3, 1.2, 0.85]),
            k,
            tone,
        )
    for k in range(26):  # the far mole
        x = -72 + 2.1 * k
        s.stone([x, 88 + rng.uniform(-1, 1), 0.2], [1.9, 1.5, rng.uniform(1.0, 1.9)], 50 + k, (0.24, 0.2, 0.18), fine=7)
    p = np.array([-24.5, 89, 0.5])
    t = np.linspace(0, 1, 9)
    s.tube(p + UP * (9.5 * t)[:, None], 1.35 - 0.45 * t, "beacon", (0.70, 0.66, 0.60), sides=16)
    s.tube([p + UP * 9.5, p + UP * 9.8], [1.25, 1.25], "paint", (0.10, 0.10, 0.10), sides=14, cap=True)
    s.tube([p + UP * 9.8, p + UP * 11.2], 0.6, "lamp", sides=10)
    s.tube([p + UP * 11.2, p + UP * 12.2], [0.8, 0.05], "paint", (0.36, 0.05, 0.035), sides=12)
