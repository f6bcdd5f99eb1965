"""Euler characteristic of all sub-level sets of a volume, from its cells in one pass.

A volume is a complex of cubes (voxels), faces, edges and corners. A cell belongs to a closed set of
voxels if any voxel around it does: it comes at their smallest value. It belongs to an open set if
all do: it comes at their largest value, and not at all at the border of the volume. Each cell
belongs to the block of the voxel behind it, so that counts of blocks add up.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Three = tuple[bool, bool, bool]


def euler_cells(
    bins: NDArray[np.uint16], count: int, *, first: Three, last: Three, wide: bool
) -> NDArray[np.int64]:
    """What the cells of a block add to the Euler characteristic, by the bin at which they come.

    Parameters
    ----------
    bins
        uint16 (z + 2, y + 2, x + 2): the bin of each voxel, below `count`, with one voxel around
        the block; beyond the volume the outermost voxels are repeated.
    count
        Number of bins.
    first, last
        For each axis (z, y, x): does the volume begin, or end, with this block?
    wide
        True: closed voxels, which are joined by 26 neighbours. False: open ones, joined by 6.

    Returns
    -------
    int64 (count,)
        The sum of all blocks up to bin k is the Euler characteristic of {bins <= k}.
    """
    found = np.zeros(count, np.int64)
    ends = np.array([n - 1 + (wide and end) for n, end in zip(bins.shape, last, strict=True)])
    _count(np.ascontiguousarray(bins), np.array(first), ends, wide, found)
    return found


@njit(nogil=True, cache=True)
def _count(bins, first, ends, wide, found):  # type: ignore[no-untyped-def]
    nz, ny, nx = bins.shape
    for z in range(1, ends[0]):
        for y in range(1, ends[1]):
            outer = z == nz - 1 or y == ny - 1 or (z == 1 and first[0]) or (y == 1 and first[1])
            start = 1
            if not outer and not first[2]:
                start = nx - 1
                _count_row(bins, z, y, 1, nx - 1, wide, found)
            elif not outer:
                _count_at(bins, z, y, 1, first, wide, found)
                start = nx - 1
                _count_row(bins, z, y, 2, nx - 1, wide, found)
            for x in range(start, ends[2]):
                _count_at(bins, z, y, x, first, wide, found)


@njit(nogil=True, cache=True)
def _count_row(bins, z, y, start, stop, wide, found):  # type: ignore[no-untyped-def]
    """Voxels of a row whose cells all lie in the volume."""
    sign = 1 if wide else -1
    for x in range(start, stop):
        here, by_x = bins[z, y, x], bins[z, y, x - 1]
        by_y, by_yx = bins[z, y - 1, x], bins[z, y - 1, x - 1]
        by_z, by_zx = bins[z - 1, y, x], bins[z - 1, y, x - 1]
        by_zy, by_zyx = bins[z - 1, y - 1, x], bins[z - 1, y - 1, x - 1]
        if here == by_x == by_y == by_yx == by_z == by_zx == by_zy == by_zyx:
            continue  # eight cells of alternating signs
        if wide:
            x0, x1, x2 = min(here, by_x), min(by_y, by_yx), min(by_z, by_zx)
            y0, z0, yz = min(here, by_y), min(here, by_z), min(by_z, by_zy)
            xy, xz, zy = min(x0, x1), min(x0, x2), min(y0, yz)
            corner = min(min(xy, x2), min(by_zy, by_zyx))
        else:
            x0, x1, x2 = max(here, by_x), max(by_y, by_yx), max(by_z, by_zx)
            y0, z0, yz = max(here, by_y), max(here, by_z), max(by_z, by_zy)
            xy, xz, zy = max(x0, x1), max(x0, x2), max(y0, yz)
            corner = max(max(xy, x2), max(by_zy, by_zyx))
        found[here] -= sign
        found[x0] += sign
        found[y0] += sign
        found[z0] += sign
        found[xy] -= sign
        found[xz] -= sign
        found[zy] -= sign
        found[corner] += sign


@njit(nogil=True, cache=True)
def _count_at(bins, z, y, x, first, wide, found):  # type: ignore[no-untyped-def]
    """One voxel, or a place behind the last one, with those of its eight cells that count."""
    place = (z, y, x)
    for cell in range(8):  # bit: the cell is as long as a voxel along this axis
        counts, dimension = True, 0
        for axis in range(3):
            long = cell >> axis & 1
            dimension += long
            beyond = place[axis] == bins.shape[axis] - 1
            border = (place[axis] == 1 and first[axis]) or beyond
            if (long and beyond) or (border and not long and not wide):
                counts = False
        if not counts:
            continue
        value = bins[z, y, x]
        for k in range(8):
            if k & cell:
                continue
            other = bins[z - (k & 1), y - (k >> 1 & 1), x - (k >> 2 & 1)]
            value = min(value, other) if wide else max(value, other)
        sign = 1 if (dimension % 2 == 0) == wide else -1
        found[value] += sign
