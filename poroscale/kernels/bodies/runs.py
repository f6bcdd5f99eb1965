"""Connected components of one block from its x-runs: union-find with fused integer moments.

A run is a row's stretch of foreground. Labelling runs instead of voxels touches each voxel once,
eight at a time where all are background, and the sums over a run have closed forms. Runs, and with
them components, come in scan order: (z, y, x), the last axis fastest.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]

BACKGROUND, FOREGROUND, MARKED = 0, 1, 2
"""Values of a foreground block. Marked voxels are foreground that a component is asked for:
seeds of a flood, strong voxels of a hysteresis, pore voxels beside the outside."""

COLUMNS = (
    "voxel_count",
    "marked",
    "first_z",
    "first_y",
    "first_x",
    "z0",
    "y0",
    "x0",
    "z1",
    "y1",
    "x1",
    "sz",
    "sy",
    "sx",
    "szz",
    "syy",
    "sxx",
    "szy",
    "szx",
    "syx",
)
"""Integers known of each component. Boxes are half-open; s. are sums of voxel indices and of their
products over the component."""

CONNECTIVITIES = (6, 18, 26)


class Runs(NamedTuple):
    """The runs of a block.

    Attributes
    ----------
    rows
        Index of the first run of each of the nz * ny rows, and the number of runs: (nz ny + 1).
    start, stop
        First x of each run and the x after its last.
    label
        Component of each run, from 0, in scan order.
    """

    rows: Int32
    start: Int32
    stop: Int32
    label: Int32


def label_runs(
    block: NDArray[np.uint8], *, connectivity: int = 6, origin: tuple[int, int, int] = (0, 0, 0)
) -> tuple[Runs, Int64]:
    """Runs and components of a block.

    Parameters
    ----------
    block
        uint8 (nz, ny, nx): `BACKGROUND`, `FOREGROUND` or `MARKED`.
    connectivity
        6, 18 or 26 neighbours.
    origin
        Index of the block's first voxel in the frame that the table is to speak of.

    Returns
    -------
    Runs
        The runs, labelled.
    ndarray
        int64 (components, len(COLUMNS)).
    """
    if connectivity not in CONNECTIVITIES:
        raise ValueError(f"connectivity must be 6, 18 or 26, got {connectivity}")
    block = np.ascontiguousarray(block)
    shape = block.shape
    flat = block.reshape(shape[0] * shape[1], shape[2])
    words = flat.view(np.uint64) if shape[2] % 8 == 0 else np.empty((0, 0), np.uint64)
    rows = np.zeros(len(flat) + 1, np.int32)
    _count(flat, words, rows)
    start, stop, marked = (np.empty(rows[-1], np.int32) for _ in range(3))
    _extract(flat, words, rows, start, stop, marked)
    label = np.arange(rows[-1], dtype=np.int32)
    for dz, dy, reach in _behind(connectivity):
        _join(rows, start, stop, label, shape[1], dz, dy, reach)
    count = _number(label)
    table = np.zeros((count, len(COLUMNS)), np.int64)
    _measure(rows, start, stop, marked, label, shape[1], np.array(origin, np.int64), table)
    return Runs(rows, start, stop, label), table


def _behind(connectivity: int) -> list[tuple[int, int, int]]:
    """Earlier rows that a row's runs can touch: (dz, dy, steps in x that still touch)."""
    diagonal = connectivity >= 18
    near = [(0, -1, int(diagonal)), (-1, 0, int(diagonal))]
    reach = int(connectivity == 26)
    return near + ([(-1, -1, reach), (-1, 1, reach)] if diagonal else [])


def paint_runs(runs: Runs, values: NDArray[Any], shape: tuple[int, int, int]) -> NDArray[Any]:
    """A block in which each voxel holds the value of its component, 0 elsewhere.

    Parameters
    ----------
    runs
        The runs of a block of `shape`.
    values
        One value for each component.
    shape
        (nz, ny, nx).
    """
    out = np.zeros((shape[0] * shape[1], shape[2]), values.dtype)
    _paint(runs.rows, runs.start, runs.stop, runs.label, values, out)
    return out.reshape(shape)


@njit(nogil=True, cache=True)
def _count(flat, words, rows):  # type: ignore[no-untyped-def]
    nx = flat.shape[1]
    total = 0
    for row in range(flat.shape[0]):
        rows[row] = total
        if words.size:
            before = False
            for w in range(words.shape[1]):
                if words[row, w] == 0:
                    before = False
                    continue
                for x in range(8 * w, 8 * w + 8):
                    inside = flat[row, x] != 0
                    total += inside and not before
                    before = inside
        else:
            before = False
            for x in range(nx):
                inside = flat[row, x] != 0
                total += inside and not before
                before = inside
    rows[flat.shape[0]] = total


@njit(nogil=True, cache=True)
def _extract(flat, words, rows, start, stop, marked):  # type: ignore[no-untyped-def]
    nx = flat.shape[1]
    for row in range(flat.shape[0]):
        run = rows[row]
        last = rows[row + 1]
        x = 0
        while run < last:
            while flat[row, x] == 0:
                if words.size and x % 8 == 0:
                    while words[row, x // 8] == 0:
                        x += 8
                    if flat[row, x] != 0:
                        break
                x += 1
            start[run] = x
            seen = 0
            while x < nx and flat[row, x] != 0:
                seen += flat[row, x] == 2
                x += 1
            stop[run] = x
            marked[run] = seen
            run += 1


@njit(nogil=True, cache=True, inline="always")
def _root(parent, i):  # type: ignore[no-untyped-def]
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(nogil=True, cache=True)
def _join(rows, start, stop, parent, ny, dz, dy, reach):  # type: ignore[no-untyped-def]
    """Union of touching runs of the rows (z, y) and (z + dz, y + dy), to the smaller root."""
    for row in range(rows.size - 1):
        z, y = row // ny, row % ny
        if z + dz < 0 or not 0 <= y + dy < ny:
            continue
        other = (z + dz) * ny + y + dy
        a, a_end = rows[row], rows[row + 1]
        b, b_end = rows[other], rows[other + 1]
        while a < a_end and b < b_end:
            if start[a] < stop[b] + reach and start[b] < stop[a] + reach:
                ra, rb = _root(parent, a), _root(parent, b)
                if ra < rb:
                    parent[rb] = ra
                elif rb < ra:
                    parent[ra] = rb
            if stop[a] < stop[b]:
                a += 1
            else:
                b += 1


@njit(nogil=True, cache=True)
def _number(parent):  # type: ignore[no-untyped-def]
    """Replace roots by consecutive numbers; a root is the first run of its component."""
    count = 0
    for i in range(parent.size):
        if parent[i] == i:
            parent[i] = count
            count += 1
        else:
            parent[i] = parent[parent[i]]
    return count


@njit(nogil=True, cache=True)
def _measure(rows, start, stop, marked, label, ny, origin, table):  # type: ignore[no-untyped-def]
    for row in range(rows.size - 1):
        z = row // ny + origin[0]
        y = row % ny + origin[1]
        for run in range(rows[row], rows[row + 1]):
            a = start[run] + origin[2]
            b = stop[run] + origin[2]
            t = table[label[run]]
            n = b - a
            if t[0] == 0:
                t[2], t[3], t[4] = z, y, a
                t[5], t[6], t[7] = z, y, a
                t[8], t[9], t[10] = z + 1, y + 1, b
            sx = n * (a + b - 1) // 2
            t[0] += n
            t[1] += marked[run]
            t[6] = min(t[6], y)
            t[7] = min(t[7], a)
            t[8] = z + 1
            t[9] = max(t[9], y + 1)
            t[10] = max(t[10], b)
            t[11] += n * z
            t[12] += n * y
            t[13] += sx
            t[14] += n * z * z
            t[15] += n * y * y
            t[16] += (b - 1) * b * (2 * b - 1) // 6 - (a - 1) * a * (2 * a - 1) // 6
            t[17] += n * z * y
            t[18] += z * sx
            t[19] += y * sx


@njit(nogil=True, cache=True)
def _paint(rows, start, stop, label, values, out):  # type: ignore[no-untyped-def]
    for row in range(rows.size - 1):
        for run in range(rows[row], rows[row + 1]):
            value = values[label[run]]
            for x in range(start[run], stop[run]):
                out[row, x] = value
