"""The 7-point operator of conduction on numbered voxels: products, sweeps, energy and flux.

Two voxels that touch are joined by the harmonic mean of their conductivities, times what the edges
of a voxel make of it. Voxels of the driven faces are joined to the face by half a cell. No current
crosses the sides, but where the margin of the lattice repeats the opposite side. Vectors are
float32 (n,), in the order of the numbers; sums are float64.

All functions take `numbers` and `codes` of a lattice (`numbering`) and `pairs`, float32
(3, phases, phases): the conductance between voxels of two phases along each axis, 0 with code 0.
So a neighbour that carries nothing needs no case: it counts with a conductance of 0.

A lattice may be a slab of a larger one, whose margin holds the planes before and behind it. `ends`
then says which driven faces are its own: `FIRST`, `LAST`, both or none.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Pairs = NDArray[np.float32]
FIRST, LAST, BOTH = 1, 2, 3
"""Driven faces that belong to a lattice."""


def pair_table(conductivities: NDArray[np.float64], weights: tuple[float, float, float]) -> Pairs:
    """Conductance between voxels of two phases along each axis: float32 (3, phases, phases).

    Parameters
    ----------
    conductivities
        float64 (phases,), 0 for code 0.
    weights
        Area of a face over the distance of two centres, along each axis.
    """
    a, b = conductivities[:, None], conductivities[None, :]
    total = a + b
    mean = np.divide(2 * a * b, total, out=np.zeros_like(total), where=total > 0)
    return (np.array(weights)[:, None, None] * mean).astype(np.float32)


@njit(nogil=True, cache=True)
def inverse_diagonal(numbers, codes, pairs, out, ends):  # type: ignore[no-untyped-def]
    """One over the sum of the conductances of each voxel, those to a driven face included."""
    nz, ny, nx = numbers.shape
    for z in range(1, nz - 1):
        faces = (z == 1 and ends & FIRST != 0) + (z == nz - 2 and ends & LAST != 0)
        for y in range(1, ny - 1):
            for x in range(1, nx - 1):
                c = codes[z, y, x]
                if c:
                    total = np.float32(2 * faces) * pairs[0, c, c]
                    total += pairs[0, c, codes[z - 1, y, x]] + pairs[0, c, codes[z + 1, y, x]]
                    total += pairs[1, c, codes[z, y - 1, x]] + pairs[1, c, codes[z, y + 1, x]]
                    total += pairs[2, c, codes[z, y, x - 1]] + pairs[2, c, codes[z, y, x + 1]]
                    out[numbers[z, y, x]] = np.float32(1) / total


@njit(nogil=True, cache=True)
def flow_into(numbers, codes, pairs, values, first, out, ends):  # type: ignore[no-untyped-def]
    """The current into each voxel, with `first` at the first face and 0 at the last.

    Differences are summed, not products: a product with the diagonal would lose the small current
    of a smooth potential in rounding. Returns the product of `values` and `out`.
    """
    nz, ny, nx = numbers.shape
    z_pairs, y_pairs, x_pairs = pairs[0], pairs[1], pairs[2]
    product = 0.0
    for z in range(1, nz - 1):
        at_first, at_last = z == 1 and ends & FIRST, z == nz - 2 and ends & LAST
        for y in range(1, ny - 1):
            own, row = codes[z, y], numbers[z, y]
            below, above = codes[z - 1, y], codes[z + 1, y]
            before, behind = codes[z, y - 1], codes[z, y + 1]
            n_below, n_above = numbers[z - 1, y], numbers[z + 1, y]
            n_before, n_behind = numbers[z, y - 1], numbers[z, y + 1]
            for x in range(1, nx - 1):
                c = own[x]
                if c:
                    i = row[x]
                    here = values[i]
                    total = z_pairs[c, below[x]] * (values[n_below[x]] - here)
                    total += z_pairs[c, above[x]] * (values[n_above[x]] - here)
                    total += y_pairs[c, before[x]] * (values[n_before[x]] - here)
                    total += y_pairs[c, behind[x]] * (values[n_behind[x]] - here)
                    total += x_pairs[c, own[x - 1]] * (values[row[x - 1]] - here)
                    total += x_pairs[c, own[x + 1]] * (values[row[x + 1]] - here)
                    if at_first:
                        total += np.float32(2) * z_pairs[c, c] * (first - here)
                    if at_last:
                        total -= np.float32(2) * z_pairs[c, c] * here
                    out[i] = total
                    product += np.float64(here) * np.float64(total)
    return product


@njit(nogil=True, cache=True)
def sweep_up(numbers, codes, pairs, inverse, right, out):  # type: ignore[no-untyped-def]
    """A sweep of Gauss and Seidel from 0 in the order of the numbers: higher ones count as 0.

    Where a margin repeats the opposite side, its voxels are lower ones only at the higher end.
    """
    nz, ny, nx = numbers.shape
    z_pairs, y_pairs, x_pairs = pairs[0], pairs[1], pairs[2]
    out[:] = 0
    for z in range(1, nz - 1):
        for y in range(1, ny - 1):
            own, row = codes[z, y], numbers[z, y]
            below, before, behind = codes[z - 1, y], codes[z, y - 1], codes[z, y + 1]
            n_below, n_before, n_behind = numbers[z - 1, y], numbers[z, y - 1], numbers[z, y + 1]
            last = y == ny - 2
            for x in range(1, nx - 1):
                c = own[x]
                if c:
                    i = row[x]
                    total = right[i] + z_pairs[c, below[x]] * out[n_below[x]]
                    total += y_pairs[c, before[x]] * out[n_before[x]]
                    total += x_pairs[c, own[x - 1]] * out[row[x - 1]]
                    if last:
                        total += y_pairs[c, behind[x]] * out[n_behind[x]]
                    if x == nx - 2:
                        total += x_pairs[c, own[x + 1]] * out[row[x + 1]]
                    out[i] = total * inverse[i]


@njit(nogil=True, cache=True)
def restrict_swept(numbers, codes, pairs, values, groups, out):  # type: ignore[no-untyped-def]
    """Add up over each group the residual that `sweep_up` leaves: the current from higher voxels.

    A sweep brings the residual of a voxel to 0, and then its higher neighbours change. Returns the
    product of `values` and that residual.
    """
    nz, ny, nx = numbers.shape
    z_pairs, y_pairs, x_pairs = pairs[0], pairs[1], pairs[2]
    out[:] = 0
    product = 0.0
    for z in range(1, nz - 1):
        for y in range(1, ny - 1):
            own, row = codes[z, y], numbers[z, y]
            above, before, behind = codes[z + 1, y], codes[z, y - 1], codes[z, y + 1]
            n_above, n_before, n_behind = numbers[z + 1, y], numbers[z, y - 1], numbers[z, y + 1]
            last = y == ny - 2
            for x in range(1, nx - 1):
                c = own[x]
                if c:
                    total = z_pairs[c, above[x]] * values[n_above[x]]
                    if not last:
                        total += y_pairs[c, behind[x]] * values[n_behind[x]]
                    if y == 1:
                        total += y_pairs[c, before[x]] * values[n_before[x]]
                    if x < nx - 2:
                        total += x_pairs[c, own[x + 1]] * values[row[x + 1]]
                    if x == 1:
                        total += x_pairs[c, own[0]] * values[row[0]]
                    out[groups[row[x]]] += total
                    product += np.float64(values[row[x]]) * np.float64(total)
    return product


@njit(nogil=True, cache=True)
def sweep_down(numbers, codes, pairs, inverse, right, out):  # type: ignore[no-untyped-def]
    """A sweep of Gauss and Seidel on `out`, against the order of the numbers."""
    nz, ny, nx = numbers.shape
    z_pairs, y_pairs, x_pairs = pairs[0], pairs[1], pairs[2]
    for z in range(nz - 2, 0, -1):
        for y in range(ny - 2, 0, -1):
            own, row = codes[z, y], numbers[z, y]
            below, above = codes[z - 1, y], codes[z + 1, y]
            before, behind = codes[z, y - 1], codes[z, y + 1]
            n_below, n_above = numbers[z - 1, y], numbers[z + 1, y]
            n_before, n_behind = numbers[z, y - 1], numbers[z, y + 1]
            for x in range(nx - 2, 0, -1):
                c = own[x]
                if c:
                    i = row[x]
                    total = right[i] + z_pairs[c, below[x]] * out[n_below[x]]
                    total += z_pairs[c, above[x]] * out[n_above[x]]
                    total += y_pairs[c, before[x]] * out[n_before[x]]
                    total += y_pairs[c, behind[x]] * out[n_behind[x]]
                    total += x_pairs[c, own[x - 1]] * out[row[x - 1]]
                    total += x_pairs[c, own[x + 1]] * out[row[x + 1]]
                    out[i] = total * inverse[i]


@njit(nogil=True, cache=True)
def lattice_energy(numbers, codes, pairs, values, first, ends):  # type: ignore[no-untyped-def]
    """The power that potentials dissipate, with `first` at the first face and 0 at the last.

    A slab counts what passes between it and the plane before it, not what passes on behind it.
    """
    nz, ny, nx = numbers.shape
    power = 0.0
    for z in range(1, nz - 1):
        for y in range(1, ny - 1):
            for x in range(1, nx - 1):
                c = codes[z, y, x]
                if not c:
                    continue
                here = np.float64(values[numbers[z, y, x]])
                drop = here - np.float64(values[numbers[z, y, x - 1]])
                power += pairs[2, c, codes[z, y, x - 1]] * drop * drop
                drop = here - np.float64(values[numbers[z, y - 1, x]])
                power += pairs[1, c, codes[z, y - 1, x]] * drop * drop
                drop = here - np.float64(values[numbers[z - 1, y, x]])
                power += pairs[0, c, codes[z - 1, y, x]] * drop * drop
                if z == 1 and ends & FIRST:
                    power += 2.0 * pairs[0, c, c] * (first - here) * (first - here)
                if z == nz - 2 and ends & LAST:
                    power += 2.0 * pairs[0, c, c] * here * here
    return power


@njit(nogil=True, cache=True)
def lattice_current(numbers, codes, pairs, values, axis, out, ends):  # type: ignore[no-untyped-def]
    """The current through each voxel along an axis: the mean of those through its two faces.

    Fills `out`, float32 (nz, ny, nx), 0 where nothing flows, and returns the sum.
    """
    nz, ny, nx = numbers.shape
    step = (np.int64(axis == 0), np.int64(axis == 1), np.int64(axis == 2))
    total = 0.0
    for z in range(1, nz - 1):
        for y in range(1, ny - 1):
            for x in range(1, nx - 1):
                out[z - 1, y - 1, x - 1] = 0
                c = codes[z, y, x]
                if not c:
                    continue
                here = np.float64(values[numbers[z, y, x]])
                a, b, d = z - step[0], y - step[1], x - step[2]
                e, f, g = z + step[0], y + step[1], x + step[2]
                through = pairs[axis, c, codes[a, b, d]] * (values[numbers[a, b, d]] - here)
                through -= pairs[axis, c, codes[e, f, g]] * (values[numbers[e, f, g]] - here)
                if axis == 0 and z == 1 and ends & FIRST:
                    through += 2.0 * pairs[0, c, c] * (1.0 - here)
                if axis == 0 and z == nz - 2 and ends & LAST:
                    through += 2.0 * pairs[0, c, c] * here
                out[z - 1, y - 1, x - 1] = 0.5 * through
                total += 0.5 * through
    return total
