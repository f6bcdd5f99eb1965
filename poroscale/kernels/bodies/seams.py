"""Seams of blocks: the faces of a labelled block, and the labels that touch across a seam."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
from numba import njit
from numpy.typing import NDArray

from poroscale.kernels.bodies.runs import Int32, Runs

Step = tuple[int, int, int]
FACES = ("z0", "z1", "y0", "y1", "x0", "x1")
"""First and last layer of a block along each axis."""

_ORDER = {6: 1, 18: 2, 26: 3}


def faces_of(runs: Runs, shape: tuple[int, int, int]) -> dict[str, Int32]:
    """Label + 1 of every voxel on the six faces, 0 for background; int32, copies.

    Parameters
    ----------
    runs
        The runs of a block of `shape`.
    shape
        (nz, ny, nx).
    """
    nz, ny, nx = shape
    extents = [(ny, nx), (ny, nx), (nz, nx), (nz, nx), (nz, ny), (nz, ny)]
    faces = [np.zeros(extent, np.int32) for extent in extents]
    _fill_faces(*runs, nz, ny, nx, *faces)
    return dict(zip(FACES, faces, strict=True))


@njit(nogil=True, cache=True)
def _fill_faces(rows, start, stop, label, nz, ny, nx, z0, z1, y0, y1, x0, x1):  # type: ignore[no-untyped-def]
    for row in range(rows.size - 1):
        z, y = row // ny, row % ny
        for run in range(rows[row], rows[row + 1]):
            value, a, b = label[run] + 1, start[run], stop[run]
            if z == 0:
                z0[y, a:b] = value
            if z == nz - 1:
                z1[y, a:b] = value
            if y == 0:
                y0[z, a:b] = value
            if y == ny - 1:
                y1[z, a:b] = value
            if a == 0:
                x0[z, y] = value
            if b == nx:
                x1[z, y] = value


def forward_steps(connectivity: int) -> tuple[Step, ...]:
    """Steps to those neighbours of a block that come after it and can touch it."""
    steps = product((-1, 0, 1), repeat=3)
    order = _ORDER[connectivity]
    return tuple(
        (z, y, x) for z, y, x in steps if (z, y, x) > (0, 0, 0) and _size(z, y, x) <= order
    )


def _size(*step: int) -> int:
    return sum(map(abs, step))


def faces_for(step: Step) -> tuple[str, str]:
    """Names of the face of a block, and of the neighbour a `step` away, that meet."""
    axis = "zyx"[next(i for i, s in enumerate(step) if s)]
    return f"{axis}1", f"{axis}0"


def pairs_across(here: Int32, there: Int32, step: Step, *, connectivity: int) -> NDArray[np.int32]:
    """Labels of a block and of its neighbour a `step` away that touch.

    Parameters
    ----------
    here, there
        The faces `faces_for(step)` of the two: label + 1, or 0.
    step
        Position of the neighbour; its first entry that is not 0 is 1.
    connectivity
        6, 18 or 26.

    Returns
    -------
    ndarray
        int32 (n, 2): labels here and there, without repetition.
    """
    axis = next(i for i, s in enumerate(step) if s)
    across = [s for i, s in enumerate(step) if i != axis]
    a = np.ascontiguousarray(here[_edge(across, near=True)])
    b = np.ascontiguousarray(there[_edge(across, near=False)])
    spare = _ORDER[connectivity] - _size(*step)
    found = [_meet(a, b, dy, dx) for dy, dx in _shifts(across, spare)]
    pairs = np.concatenate(found).astype(np.int64)
    packed = np.unique(pairs[:, 0] << 32 | pairs[:, 1])  # as rows they would sort ten times slower
    return np.stack([packed >> 32, packed & 0xFFFFFFFF], 1).astype(np.int32)


def _edge(across: list[int], *, near: bool) -> tuple[slice, slice]:
    """The part of a face that a diagonal neighbour touches: all of it, an edge or a corner."""
    last, first = slice(-1, None), slice(0, 1)
    sides = {0: slice(None), 1: last if near else first, -1: first if near else last}
    y, x = (sides[s] for s in across)
    return y, x


def _shifts(across: list[int], spare: int) -> Iterator[tuple[int, int]]:
    ranges = [(0,) if s else (-1, 0, 1) for s in across]
    return ((dy, dx) for dy, dx in product(*ranges) if _size(dy, dx) <= spare)


@njit(nogil=True, cache=True)
def _meet(a, b, dy, dx):  # type: ignore[no-untyped-def]
    """Pairs (a[y, x], b[y + dy, x + dx]), both foreground; repetitions in a row are dropped."""
    ny, nx = a.shape
    found = np.empty((a.size, 2), np.int32)
    count = 0
    for y in range(max(0, -dy), min(ny, ny - dy)):
        last_a = last_b = 0
        for x in range(max(0, -dx), min(nx, nx - dx)):
            here, there = a[y, x], b[y + dy, x + dx]
            if here and there and (here != last_a or there != last_b):
                found[count, 0], found[count, 1] = here - 1, there - 1
                count += 1
                last_a, last_b = here, there
    return found[:count].copy()


@njit(nogil=True, cache=True)
def join_pairs(parent, pairs):  # type: ignore[no-untyped-def]
    """Union of the pairs, int64 (m, 2), in `parent`, int64 (n,): to the smaller root, in place."""
    for i in range(pairs.shape[0]):
        a, b = pairs[i, 0], pairs[i, 1]
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        while parent[b] != b:
            parent[b] = parent[parent[b]]
            b = parent[b]
        if a < b:
            parent[b] = a
        elif b < a:
            parent[a] = b


@njit(nogil=True, cache=True)
def flatten(parent):  # type: ignore[no-untyped-def]
    """Let every entry of `parent`, int64 (n,), point at its root, in place."""
    for i in range(parent.size):
        parent[i] = parent[parent[i]]
