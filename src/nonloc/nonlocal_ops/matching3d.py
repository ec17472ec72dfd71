"""Block matching in volumes: for each reference cube, the cubes of its window that are most alike.

Source: Maggioni, Katkovnik, Egiazarian, Foi, IEEE TIP 22(1), 2013, DOI 10.1109/TIP.2012.2210725, equation (5). As
`matching`, with a third axis in front: a cube is known by its first voxel, z * H * W + y * W + x.
"""

from __future__ import annotations

import numba
import numpy as np

from .matching import Matches, _insert, _sums_of_neighbours
from .strips import each


def match3d(
    volume: np.ndarray,
    cube: int,
    window: int,
    count: int,
    grid: tuple[np.ndarray, np.ndarray, np.ndarray],
    limit: float = np.inf,
) -> Matches:
    """The `count` nearest cubes of each reference cube, found by looking at every cube of its window.

    volume: float32 (D, H, W). cube: its side. window: odd side of the cube of first voxels that are looked at, the
    reference in the middle; it is cut off at the border. grid: where references begin along each axis, ascending, such
    as `matching.reference_grid` gives. limit: the largest mean squared difference that still counts as alike; the
    reference itself always counts.

    The arrays of the Matches are (Z, Y, X, count), and (Z, Y, X) for `found`. Every row of references is worked out
    alone, by the same sums in the same order wherever it lies, so that slabs and threads cannot change a choice.
    """
    volume = np.ascontiguousarray(volume, np.float32)
    zs, ys, xs = (np.asarray(starts, np.int64) for starts in grid)
    shape = (len(zs), len(ys), len(xs))
    found = Matches(
        np.empty((*shape, count), np.int32), np.empty((*shape, count), np.float32), np.empty(shape, np.int32)
    )

    def work(row: tuple[int, int]) -> None:
        match_row3d(volume, cube, window // 2, zs[row[0]], ys[row[1]], xs, limit, *(part[row] for part in found))

    each(work, np.ndindex(*shape[:2]))
    return found


def match3d_by_definition(volume, cube, window, count, grid, limit=np.inf) -> Matches:
    """What `match3d` means, readable and slow: all distances of a window, sorted."""
    shape, radius = tuple(map(len, grid)), window // 2
    neighbours = np.full((*shape, count), -1, np.int32)
    distances = np.full((*shape, count), np.inf, np.float32)
    found = np.empty(shape, np.int32)

    def at(place: tuple[int, ...]) -> np.ndarray:
        return volume[tuple(slice(start, start + cube) for start in place)]

    for index in np.ndindex(shape):
        here = tuple(int(starts[i]) for starts, i in zip(grid, index, strict=True))
        spans = [
            range(max(0, start - radius), min(length - cube, start + radius) + 1)
            for start, length in zip(here, volume.shape, strict=True)
        ]
        near = []
        for there in ((z, y, x) for z in spans[0] for y in spans[1] for x in spans[2]):
            distance = np.mean((at(there) - at(here)) ** 2)
            if there == here or distance <= limit:
                near.append((distance, there != here, np.ravel_multi_index(there, volume.shape)))
        nearest = sorted(near)[:count]
        found[index] = len(nearest)
        for i, (distance, _, place) in enumerate(nearest):
            neighbours[(*index, i)], distances[(*index, i)] = place, distance
    return Matches(neighbours, distances, found)


@numba.njit(nogil=True, cache=True)
def match_row3d(volume, cube, radius, z, y, columns, limit, neighbours, distances, found):
    """`match3d` for one row of references; fills (len(columns), count) arrays in place. See `matching.match_row`."""
    depth, height, width = volume.shape
    count = neighbours.shape[1]
    samples = np.float32(cube * cube * cube)
    worst = np.empty(len(columns), np.float32)
    for c in range(len(columns)):
        neighbours[c, :] = -1
        distances[c, :] = np.inf
        neighbours[c, 0] = (z * height + y) * width + columns[c]
        distances[c, 0] = 0
        found[c] = 1
        # the smallest number above the limit, as the test below is "less than"
        worst[c] = np.nextafter(np.float32(limit * samples), np.float32(np.inf)) if count > 1 else np.float32(-1)
    sums, scratch = np.empty(width, np.float32), np.empty(width, np.float32)
    reach = min(radius, width - cube)
    # references first[dx] to last[dx] have their neighbour at dx inside the volume
    first = np.searchsorted(columns, -np.arange(-reach, reach + 1))
    last = np.searchsorted(columns, width - cube - np.arange(-reach, reach + 1), "right")
    for dz in range(max(-radius, -z), min(radius, depth - cube - z) + 1):
        for dy in range(max(-radius, -y), min(radius, height - cube - y) + 1):
            for dx in range(-reach, reach + 1):
                if dz == 0 and dy == 0 and dx == 0:
                    continue
                left = max(0, -dx)  # x runs where both cubes are inside the volume
                length = width - abs(dx)
                _column_sums3d(volume, cube, z, y, dz, dy, left, dx, sums[:length])
                _sums_of_neighbours(sums[:length], scratch[:length], cube)
                for c in range(first[dx + reach], last[dx + reach]):
                    distance = sums[columns[c] - left]
                    if distance < worst[c]:
                        place = ((z + dz) * height + y + dy) * width + columns[c] + dx
                        found[c] = _insert(distances[c], neighbours[c], found[c], distance, place)
                        if found[c] == count:
                            worst[c] = distances[c, count - 1]
    distances /= samples


@numba.njit(nogil=True, cache=True)
def _column_sums3d(volume, cube, z, y, dz, dy, left, dx, sums):
    """Squared differences between the volume and itself moved by (dz, dy, dx), summed over a cube's z and y."""
    length = len(sums)
    sums[:] = 0
    for k in range(z, z + cube):
        for i in range(y, y + cube):
            here = volume[k, i, left : left + length]
            there = volume[k + dz, i + dy, left + dx : left + dx + length]
            for x in range(length):
                difference = here[x] - there[x]
                sums[x] += difference * difference
