"""Block matching: for each reference patch, the patches of its window that are most alike.

Source: Dabov, Foi, Katkovnik, Egiazarian, IEEE TIP 16(8), 2007, DOI 10.1109/TIP.2007.901238, equations (4) and (5)
without the coarse pre-filtering, which their normal profile leaves out. Exact within the window: nothing is skipped.

A patch is known by its top left pixel. Patches lie wholly inside the picture; a window is cut off at its border.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from ..errors import UsageError
from .strips import each


class Matches(NamedTuple):
    """The patches that are most alike, for a grid of R x C references in each of B pictures.

    neighbours: int32 (B, R, C, count), top left pixel of each patch as y * width + x; the nearest first, among equally
    near ones the reference itself, then reading order. Entries from `found` on are -1.
    distances: float32 (B, R, C, count), mean squared difference over patch and channels; infinite from `found` on.
    found: int32 (B, R, C), how many there are, at least 1, since a patch is its own nearest.
    """

    neighbours: np.ndarray
    distances: np.ndarray
    found: np.ndarray


def reference_grid(length: int, patch: int, step: int) -> np.ndarray:
    """Where reference patches begin along a side of `length` pixels: multiples of `step`, and flush with the end.

    Every pixel is in some reference patch when step <= patch. UsageError when the side is shorter than the patch.
    """
    if length < patch:
        raise UsageError(
            f"patches of {patch} pixels",
            f"the picture has a side of {length}",
            "Pad the picture, or take smaller patches",
        )
    last = length - patch
    starts = np.arange(0, last + 1, step)
    return starts if starts[-1] == last else np.append(starts, last)


def match(
    pixels: np.ndarray,
    patch: int,
    window: int,
    count: int,
    rows: np.ndarray,
    columns: np.ndarray,
    limit: float = np.inf,
) -> Matches:
    """The `count` nearest patches of each reference patch, found by looking at every patch of its window.

    pixels: float32 (B, C, H, W), compared over all channels together. patch: side of a patch. window: odd side of the
    square of top left pixels that are looked at, the reference in the middle. rows, columns: where references begin,
    ascending, such as `reference_grid` gives. limit: the largest distance that still counts as alike, in squared units
    of `pixels` per sample; the reference itself always counts.

    Runs on numba's threads; every reference is worked out alone, by the same sums in the same order wherever it lies,
    so that tiles and threads cannot change a choice. UsageError when window, count, rows or columns make no sense.
    """
    pixels = np.ascontiguousarray(pixels, np.float32)
    batch, _, height, width = pixels.shape
    rows, columns = np.asarray(rows, np.int64), np.asarray(columns, np.int64)
    _check(patch, window, count, rows, columns, height, width)
    shape = (batch, len(rows), len(columns))
    matches = Matches(
        np.empty((*shape, count), np.int32), np.empty((*shape, count), np.float32), np.empty(shape, np.int32)
    )

    def work(piece: tuple[int, int]) -> None:
        b, r = piece
        match_row(pixels[b], patch, window // 2, rows[r], columns, limit, *(part[b, r] for part in matches))

    each(work, np.ndindex(batch, len(rows)))
    return matches


def match_by_definition(
    pixels: np.ndarray,
    patch: int,
    window: int,
    count: int,
    rows: np.ndarray,
    columns: np.ndarray,
    limit: float = np.inf,
) -> Matches:
    """What `match` means, readable and slow: all distances of a window, sorted."""
    batch, _, height, width = pixels.shape
    shape = (batch, len(rows), len(columns))
    neighbours = np.full((*shape, count), -1, np.int32)
    distances = np.full((*shape, count), np.inf, np.float32)
    found = np.empty(shape, np.int32)

    def patch_at(b: int, y: int, x: int) -> np.ndarray:
        return pixels[b, :, y : y + patch, x : x + patch]

    for b, r, c in np.ndindex(shape):
        y, x = int(rows[r]), int(columns[c])
        near = []
        for v in range(max(0, y - window // 2), min(height - patch, y + window // 2) + 1):
            for u in range(max(0, x - window // 2), min(width - patch, x + window // 2) + 1):
                itself = (v, u) == (y, x)
                distance = np.mean((patch_at(b, v, u) - patch_at(b, y, x)) ** 2)
                if itself or distance <= limit:
                    near.append((distance, not itself, v * width + u))
        nearest = sorted(near)[:count]
        found[b, r, c] = len(nearest)
        for i, (distance, _, place) in enumerate(nearest):
            neighbours[b, r, c, i], distances[b, r, c, i] = place, distance
    return Matches(neighbours, distances, found)


@numba.njit(nogil=True, cache=True)
def match_row(pixels, patch, radius, y, columns, limit, neighbours, distances, found):
    """`match` for one row of references of one picture (C, H, W); fills (len(columns), count) arrays in place.

    For each displacement the squared differences are summed over the rows of a patch, for all x at once, and then
    along x by doubling; a reference then takes the patch if it is nearer than its worst so far. Displacements come in
    reading order, so among equals the earlier stays ahead.
    """
    channels, height, width = pixels.shape
    count = neighbours.shape[1]
    samples = np.float32(channels * patch * patch)
    worst = np.empty(len(columns), np.float32)
    for c in range(len(columns)):
        neighbours[c, :] = -1
        distances[c, :] = np.inf
        neighbours[c, 0] = y * width + columns[c]
        distances[c, 0] = 0
        found[c] = 1
        # the smallest number above the limit, as the test below is "less than"
        worst[c] = np.nextafter(np.float32(limit * samples), np.float32(np.inf)) if count > 1 else np.float32(-1)
    sums, scratch = np.empty(width, np.float32), np.empty(width, np.float32)
    reach = min(radius, width - patch)
    # references first[dx] to last[dx] have their neighbour at dx inside the picture
    first = np.searchsorted(columns, -np.arange(-reach, reach + 1))
    last = np.searchsorted(columns, width - patch - np.arange(-reach, reach + 1), "right")
    for dy in range(max(-radius, -y), min(radius, height - patch - y) + 1):
        for dx in range(-reach, reach + 1):
            if dy == 0 and dx == 0:
                continue
            left = max(0, -dx)  # x runs where both patches are inside the picture
            length = width - abs(dx)
            _column_sums(pixels, patch, y, dy, left, dx, sums[:length])
            _sums_of_neighbours(sums[:length], scratch[:length], patch)
            for c in range(first[dx + reach], last[dx + reach]):
                distance = sums[columns[c] - left]
                if distance < worst[c]:
                    place = (y + dy) * width + columns[c] + dx
                    found[c] = _insert(distances[c], neighbours[c], found[c], distance, place)
                    if found[c] == count:
                        worst[c] = distances[c, count - 1]
    distances /= samples


@numba.njit(nogil=True, cache=True)
def _column_sums(pixels, patch, y, dy, left, dx, sums):
    """Squared differences between the picture and itself moved by (dy, dx), summed down the rows of a patch."""
    length = len(sums)
    sums[:] = 0
    for channel in range(pixels.shape[0]):
        for i in range(y, y + patch):
            here = pixels[channel, i, left : left + length]
            there = pixels[channel, i + dy, left + dx : left + dx + length]
            for x in range(length):
                difference = here[x] - there[x]
                sums[x] += difference * difference


@numba.njit(nogil=True, cache=True)
def _sums_of_neighbours(values, scratch, patch):
    """Each value becomes the sum of itself and the next `patch` - 1; the last ones, which lack them, become anything.

    The binary digits of `patch`, the highest first: double the reach, then take one more where the digit is 1.
    """
    digit = 1
    while digit * 2 <= patch:
        digit *= 2
    if digit < patch:
        scratch[:] = values  # the single values
    reach = 1
    while digit > 1:
        digit //= 2
        for x in range(len(values) - reach):
            values[x] += values[x + reach]
        reach *= 2
        if patch & digit:
            for x in range(len(values) - reach):
                values[x] += scratch[x + reach]
            reach += 1


@numba.njit(nogil=True, cache=True)
def _insert(distances, neighbours, found, distance, place):
    """Put a patch where it belongs among the `found` sorted ones; what falls off the end is forgotten."""
    count = len(distances)
    i = min(found, count - 1)
    while distances[i - 1] > distance:
        distances[i] = distances[i - 1]
        neighbours[i] = neighbours[i - 1]
        i -= 1
    distances[i] = distance
    neighbours[i] = place
    return min(found + 1, count)


def _check(patch: int, window: int, count: int, rows: np.ndarray, columns: np.ndarray, height: int, width: int) -> None:
    if window < 1 or window % 2 == 0:
        raise UsageError(f"a window of {window}", "a window has a middle, so its side is odd", f"Take {window | 1}")
    if count < 1 or patch < 1:
        raise UsageError(f"{count} patches of side {patch}", "there must be something to find", "Take at least 1")
    for name, starts, length in (("rows", rows, height), ("columns", columns, width)):
        if len(starts) and not (starts[0] >= 0 and starts[-1] <= length - patch and (np.diff(starts) > 0).all()):
            raise UsageError(
                f"references at {name} {starts[0]} to {starts[-1]}",
                f"patches of {patch} must lie in {length} pixels, in ascending order",
                "See reference_grid",
            )
