"""Frame, eye and sun. Metres: x to the right, y away from the eye, z up; light is linear, red green blue."""

import numpy as np

WIDTH, HEIGHT = 512, 384
FOCAL, HORIZON = 1.08, 0.455  # in widths; the row of the horizon, in heights
EYE = np.array([0.0, 0.0, 3.0])
SUN = np.array([-0.66, -0.56, 0.40]) / np.linalg.norm([-0.66, -0.56, 0.40])
SUNLIGHT = np.array([3.5, 2.45, 1.45])
HAZE = np.array([0.80, 0.66, 0.58])
UP = np.array([0, 0, 1.0])
ALONG = np.array([0.968, 0.25, 0]) / np.hypot(0.968, 0.25)  # the long side of the warehouse and of the quay
BACK = np.array([-ALONG[1], ALONG[0], 0])
