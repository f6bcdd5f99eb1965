"""FlowFaces between voxels that carry a velocity, and how each one is coupled to its neighbours.

A staggered grid: the pressure lies in the centres of the pore voxels, and one component of the
velocity in the centre of each face between two of them. Only these are numbered, in the order of
the voxels, so that memory grows with the pores and not with the box.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

SOLID, PORE, SLIP, OPEN, STILL = 0, 1, 2, 3, 4
"""Codes of a voxel, also of those beside the box: a wall; pore; a plane of symmetry; a face of
given pressure through which the flow leaves straight on; the same, without sideways velocity."""


class FlowFaces(NamedTuple):
    """The faces of one component of the velocity, and their part of the momentum balance.

    The balance of a face is `diagonal * u - sum of u of its neighbours`; on a face of given
    pressure, which has half a volume, the neighbours beside it count half.
    """

    neighbours: NDArray[np.uint32]
    """uint32 (6, n): numbers of the neighbours, two along the component first; n stands for none.

    Without a sign, numba need not ask whether an index counts from the end."""
    diagonal: NDArray[np.floating]
    """(n,)"""
    cells: NDArray[np.int32]
    """int32 (n, 2): the pore before the face and the one behind; their number stands for none."""
    first_halves: int
    """How many faces at the start are halves: those of given pressure before the box."""
    last_halves: tuple[int, int]
    """Range of the halves behind the box."""


def coded_voxels(
    pore: NDArray[np.bool_], before_and_behind: tuple[int, int, int], periodic: tuple[bool, ...]
) -> NDArray[np.uint8]:
    """Codes of the voxels with a frame of one voxel, for each axis of one code or periodic.

    Parameters
    ----------
    pore
        bool (nz, ny, nx).
    before_and_behind
        For each axis the code of the frame on both sides, where it is not periodic.
    periodic
        Which axes are periodic: there the frame repeats the voxels of the other side.

    Returns
    -------
    uint8 (nz + 2, ny + 2, nx + 2).
    """
    codes = np.zeros([n + 2 for n in pore.shape], np.uint8)
    codes[1:-1, 1:-1, 1:-1] = pore
    for axis in (2, 1, 0):
        view = np.moveaxis(codes, axis, 0)
        if periodic[axis]:
            view[0], view[-1] = view[-2], view[1]
        else:
            view[0] = view[-1] = before_and_behind[axis]
    return codes


def numbered_cells(codes: NDArray[np.uint8], periodic: tuple[bool, ...]) -> NDArray[np.int32]:
    """Numbers of the pore voxels within the frame, in their order; -1 elsewhere.

    int32, of the shape of `codes`.
    """
    numbers = np.full(codes.shape, -1, np.int32)
    inside = codes[1:-1, 1:-1, 1:-1] == PORE
    numbers[1:-1, 1:-1, 1:-1][inside] = np.arange(np.count_nonzero(inside), dtype=np.int32)
    _wrap(numbers, periodic)
    return numbers


def flow_faces(
    codes: NDArray[np.uint8],
    cells: NDArray[np.int32],
    component: int,
    *,
    periodic: tuple[bool, ...],
    corner: float,
    dtype: type[np.floating],
) -> FlowFaces:
    """The faces across one axis, with the coupling of their velocities.

    A wall beside a face lies half a voxel away and holds the fluid, which counts 2 on the diagonal.
    Where only one of the two voxels beside a face is solid, `corner` counts instead.

    Parameters
    ----------
    codes, cells
        From `coded_voxels` and `numbered_cells`.
    component
        Axis of the velocity.
    periodic
        Which axes are periodic.
    corner
        Between 1 (the velocity vanishes one voxel away) and 2 (as at a flat wall).
    dtype
        Of the diagonal.
    """
    numbers = np.full(codes.shape, -1, np.int32)
    step = np.zeros(3, np.int64)
    step[component] = 1
    start = step if periodic[component] else np.zeros(3, np.int64)
    count = int(_number(codes, step, start, numbers))
    _wrap(numbers, periodic)
    neighbours = np.empty((6, count), np.uint32)
    diagonal = np.empty(count, dtype)
    beside = np.empty((count, 2), np.int32)
    pores = int(cells.max()) + 1
    _couple(codes, cells, numbers, step, start, corner, pores, neighbours, diagonal, beside)
    if periodic[component] or component:
        return FlowFaces(neighbours, diagonal, beside, 0, (0, 0))
    inside = numbers[:, 1:-1, 1:-1] >= 0  # the frame repeats faces where a side is periodic
    first, last = (int(np.count_nonzero(inside[i])) for i in (0, -2))
    return FlowFaces(neighbours, diagonal, beside, first, (count - last, count))


def _wrap(numbers: NDArray[np.int32], periodic: tuple[bool, ...]) -> None:
    for axis in range(3):
        view = np.moveaxis(numbers, axis, 0)
        if periodic[axis]:
            view[0], view[-1] = view[-2], view[1]


@njit(nogil=True, cache=True)
def _number(codes, step, start, numbers):  # type: ignore[no-untyped-def]
    """Number the faces behind the voxels: between two pores, or a pore and an open end."""
    nz, ny, nx = codes.shape
    count = 0
    for z in range(1 - step[0] + start[0], nz - 1):
        for y in range(1 - step[1] + start[1], ny - 1):
            for x in range(1 - step[2] + start[2], nx - 1):
                a = codes[z, y, x]
                b = codes[z + step[0], y + step[1], x + step[2]]
                if (a == PORE and (b == PORE or b >= OPEN)) or (a >= OPEN and b == PORE):
                    numbers[z, y, x] = count
                    count += 1
    return count


@njit(nogil=True, cache=True)
def _couple(codes, cells, numbers, step, start, corner, pores, neighbours, diagonal, beside):  # type: ignore[no-untyped-def]
    nz, ny, nx = codes.shape
    dz, dy, dx = step
    count = np.uint32(diagonal.size)
    for z in range(1 - dz + start[0], nz - 1):
        for y in range(1 - dy + start[1], ny - 1):
            for x in range(1 - dx + start[2], nx - 1):
                i = numbers[z, y, x]
                if i < 0:
                    continue
                a = cells[z, y, x]
                b = cells[z + dz, y + dy, x + dx]
                beside[i, 0] = a if a >= 0 else pores
                beside[i, 1] = b if b >= 0 else pores
                diagonal[i] = _row(codes, numbers, z, y, x, step, corner, neighbours[:, i], count)


@njit(nogil=True, cache=True)
def _row(codes, numbers, z, y, x, step, corner, row, none):  # type: ignore[no-untyped-def]
    """Fill in the neighbours of a face; returns its diagonal."""
    dz, dy, dx = step
    before = codes[z, y, x] >= OPEN
    behind = codes[z + dz, y + dy, x + dx] >= OPEN
    weight = 0.5 if before or behind else 1.0
    total = 0.0
    place = 2
    for axis in range(3):
        for sign in (-1, 1):
            ez = sign if axis == 0 else 0
            ey = sign if axis == 1 else 0
            ex = sign if axis == 2 else 0
            if step[axis]:
                column = 0 if sign < 0 else 1
                row[column] = none
                if (before and sign < 0) or (behind and sign > 0):
                    continue
                j = numbers[z + ez, y + ey, x + ex]
                if j >= 0:
                    row[column] = j
                total += 1.0
                continue
            a = codes[z + ez, y + ey, x + ex]
            b = codes[z + dz + ez, y + dy + ey, x + dx + ex]
            if before:
                a = b
            if behind:
                b = a
            row[place] = none
            if a == PORE and b == PORE:
                row[place] = numbers[z + ez, y + ey, x + ex]
                total += weight
            elif a == STILL or (a == SOLID and b == SOLID):
                total += 2.0 * weight
            elif a not in (SLIP, OPEN):
                total += corner * weight
            place += 1
    return total
