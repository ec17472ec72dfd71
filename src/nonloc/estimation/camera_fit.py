"""The two lines of `correlated`; benchmarks/camera_noise_fit.py fits them, and tells how well."""

import numpy as np

# mean and spread of each figure, its weight for the log odds of noise, its weight for log2 of the level
TABLE = np.array([
    [5.4912, 1.2044, -0.8989, 0.0413],  # flat luminance 1
    [3.8498, 1.2960, -0.4226, -0.0494],  # flat luminance 2
    [3.1702, 1.3306, 1.1959, 0.4437],  # flat luminance 3
    [2.5098, 1.3966, 1.0058, 0.0846],  # flat luminance 4
    [2.0175, 1.4235, 0.1879, -0.4746],  # flat luminance 5
    [1.5583, 1.4155, 0.4088, 0.6842],  # flat luminance 6
    [0.6822, 1.4861, -0.1849, -0.0716],  # flat luminance 7
    [3.1428, 1.2027, 1.1986, -0.1088],  # flat chroma 1
    [1.7080, 1.1829, 0.4080, -0.1718],  # flat chroma 2
    [0.8362, 1.2412, 0.4410, 0.2024],  # flat chroma 3
    [0.0508, 1.3161, 0.2773, -0.3726],  # flat chroma 4
    [0.7646, 0.0467, 0.2050, -0.1429],  # flat look 1
    [0.4722, 0.1493, -0.7657, -0.1553],  # flat look 2
    [0.5010, 0.1528, -0.2685, 0.1873],  # flat look 3
    [1.5410, 0.2727, -0.9200, -0.4309],  # flat look 4
    [6.2230, 0.9293, 0.2564, -0.0648],  # middling luminance 1
    [4.9137, 1.0558, -0.3231, -0.2581],  # middling luminance 2
    [4.1530, 1.1262, 0.1103, -0.5471],  # middling luminance 3
    [3.4271, 1.2213, -0.1917, 0.4677],  # middling luminance 4
    [2.8731, 1.2872, -0.5567, -0.0003],  # middling luminance 5
    [2.2781, 1.2940, -0.5100, 0.4431],  # middling luminance 6
    [1.2974, 1.3585, -0.6597, -0.3783],  # middling luminance 7
    [3.6733, 1.1450, 0.9435, 0.0858],  # middling chroma 1
    [2.2760, 1.1683, -0.5868, 0.3355],  # middling chroma 2
    [1.3346, 1.2591, -1.1982, 0.2276],  # middling chroma 3
    [0.4949, 1.3373, -1.1070, -0.0271],  # middling chroma 4
    [0.7541, 0.0522, -0.1662, -0.1890],  # middling look 1
    [0.4929, 0.1474, -0.3579, -0.2687],  # middling look 2
    [0.5167, 0.1538, -0.0508, -0.0517],  # middling look 3
    [1.6389, 0.3045, 0.3968, -0.0177],  # middling look 4
])  # fmt: skip
MEAN, SPREAD, NOISE, LEVEL = TABLE.T
NOISE_AT_MEAN, LEVEL_AT_MEAN = -2.0355, 2.8644
REACH = 1.69  # the best level was at most so many times off in 80 of 100 simulated pictures left out
