"""The normal generator of MATLAB 4, `randn('seed', 0)`: the noise of the DnCNN family of papers.

Source: the minimal standard of Park and Miller, "Random number generators: good ones are hard to find", CACM
31(10), 1988, x <- 16807 x mod (2^31 - 1), and the polar method of Marsaglia and Bray, SIAM Review 6(3), 1964,
of whose two numbers this generator keeps only the first:

    a = 2 next() - 1;  b = 2 next() - 1;  s = a a + b b;  if s < 1: a sqrt(-2 ln(s) / s)

The seed that MATLAB prints is not the state: its 15 high and 15 low bits are exchanged. The state behind seed
0 is 1144108930, printed as 931316785. Checked against twelve published figures of DnCNN, digit by digit.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..errors import UsageError

M = 2**31 - 1
A = 16807
DEFAULT = 1144108930
_BLOCK = 16384


class Matlab4:
    """The generator, a numpy.random.Generator as far as `standard_normal`; numbers go on where the last call
    stopped.

    seed: 0 for the default, or a seed as MATLAB prints it, 1 to 2^31 - 2. state: the number x after the last
    draw.
    """

    def __init__(self, seed: int = 0):
        self.state = DEFAULT if seed == 0 else exchange(seed)
        if not (0 <= seed < 2**31 and 0 < self.state < M):
            raise UsageError(
                f"seed {seed} of the MATLAB 4 generator", "it has no such state", "Use 0, as the papers do"
            )

    def standard_normal(self, size: tuple[int, ...]) -> np.ndarray:
        """Normal numbers, float64, shape (H, W) or (C, H, W): plane after plane, each filled column by
        column.

        So (3, H, W) holds what MATLAB's randn(H, W, 3) holds.
        """
        *planes, height, width = size
        numbers = self.draw(int(np.prod(size))).reshape(*planes, width, height)
        return np.ascontiguousarray(np.swapaxes(numbers, -1, -2))

    def random(self, size: tuple[int, ...] = ()) -> Any:
        """Not there: what MATLAB 4 made uniform numbers of is another stream."""
        raise UsageError(
            "uniform numbers of the MATLAB 4 generator",
            "only its normal numbers are defined",
            "Use a numpy track",
        )

    def draw(self, count: int) -> np.ndarray:
        """The next `count` normal numbers, in the order they are made."""
        parts = []
        while count:
            # a pair is accepted with probability pi / 4; the margin makes a second round rare
            pairs = int(count * 4 / np.pi + 6 * np.sqrt(count)) + 64
            x = _states(self.state, 2 * pairs)
            u = x / M
            a, b = 2 * u[0::2] - 1, 2 * u[1::2] - 1
            s = a * a + b * b
            kept = np.flatnonzero(s < 1)[:count]
            a, s = a[kept], s[kept]
            parts.append(a * np.sqrt(-2 * np.log(s) / s))
            count -= len(kept)
            # stop behind the pair of the last number, so that the next call goes on from there
            self.state = int(x[-1] if count else x[2 * kept[-1] + 1])
        return np.concatenate(parts) if parts else np.empty(0)


def exchange(number: int) -> int:
    """The state behind a printed seed, or the other way: 15 high and 15 low bits change places."""
    return ((number & 0x7FFF) << 16) | (number & 0x8000) | (number >> 16)


def _states(state: int, count: int) -> np.ndarray:
    """The `count` states after `state`, uint64: x 16807^k mod M, block by block."""
    powers = _powers()
    blocks = -(-count // _BLOCK)
    starts = np.empty(blocks, dtype=np.uint64)
    leap = int(powers[-1])
    for block in range(blocks):
        starts[block] = state
        state = state * leap % M
    return (starts[:, np.newaxis] * powers % M).ravel()[:count]  # 31 x 31 bits fit into 64


@cache
def _powers() -> np.ndarray:
    """16807^k mod M for k = 1 .. the block's length."""
    powers = np.empty(_BLOCK, dtype=np.uint64)
    powers[0], have = A, 1
    while have < _BLOCK:
        powers[have : 2 * have] = powers[:have] * powers[have - 1] % M
        have *= 2
    return powers
