"""The two lines of `correlated`; benchmarks/camera_noise_fit.py fits them, and tells how well."""

import numpy as np

# mean and spread of each figure, its weight for the log odds of noise, its weight for log2 of the level
TABLE = np.array([
    [5.3614, 1.1897, -1.0222, -0.2339],  # flat luminance 1
    [3.7363, 1.2863, -0.3323, -0.2037],  # flat luminance 2
    [3.0298, 1.3250, 1.4121, 0.8520],  # flat luminance 3
    [2.3230, 1.4018, 0.9250, -0.1559],  # flat luminance 4
    [1.8157, 1.4383, -0.0983, -0.3973],  # flat luminance 5
    [1.3719, 1.4250, 0.2903, 0.8789],  # flat luminance 6
    [0.4694, 1.4883, 0.0398, -0.2722],  # flat luminance 7
    [2.9931, 1.2517, 1.2749, 0.0627],  # flat chroma 1
    [1.5521, 1.2383, 0.4012, -0.0872],  # flat chroma 2
    [0.6854, 1.2791, 0.2978, 0.3045],  # flat chroma 3
    [-0.1004, 1.3391, 0.0763, -0.0893],  # flat chroma 4
    [0.7613, 0.0468, 0.1636, -0.2070],  # flat look 1
    [0.4604, 0.1511, -0.5065, -0.0472],  # flat look 2
    [0.5035, 0.1539, -0.3401, 0.0384],  # flat look 3
    [1.5471, 0.2756, -0.9391, -0.5125],  # flat look 4
    [6.1011, 0.9241, 0.0118, 0.1578],  # middling luminance 1
    [4.7854, 1.0460, -0.2196, -0.2335],  # middling luminance 2
    [4.0037, 1.1202, 0.2993, -0.0303],  # middling luminance 3
    [3.2406, 1.2369, 0.0435, -0.1689],  # middling luminance 4
    [2.6655, 1.3233, -0.6820, 0.0157],  # middling luminance 5
    [2.0797, 1.3276, -0.7187, 0.6375],  # middling luminance 6
    [1.0828, 1.3880, -0.9586, -0.4983],  # middling luminance 7
    [3.5368, 1.1694, 0.8739, 0.1070],  # middling chroma 1
    [2.1164, 1.2123, -0.5497, 0.1390],  # middling chroma 2
    [1.1832, 1.2903, -0.8563, 0.0754],  # middling chroma 3
    [0.3445, 1.3589, -0.7555, -0.2952],  # middling chroma 4
    [0.7523, 0.0519, -0.1801, -0.0213],  # middling look 1
    [0.4790, 0.1497, -0.5131, -0.2619],  # middling look 2
    [0.5199, 0.1542, 0.0934, 0.0464],  # middling look 3
    [1.6373, 0.3058, 0.1892, 0.1026],  # middling look 4
])  # fmt: skip
MEAN, SPREAD, NOISE, LEVEL = TABLE.T
NOISE_AT_MEAN, LEVEL_AT_MEAN = -1.8722, 2.7486
REACH = 1.62  # the level was at most so many times off in 80 of 100 simulated pictures left out
