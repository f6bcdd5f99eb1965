"""Lattice Boltzmann steps on the pores alone: D3Q19, two relaxation times, in place.

Bailey, Myre, Walsh, Lilja and Saar 2009 (the AA pattern of streaming); Ginzburg, Verhaeghe and
d'Humieres 2008 (two relaxation times). The equilibrium is linear, which is Stokes flow. The arrays
hold the deviation from the populations at rest, so float32 does not lose small velocities.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

STEPS = np.array(
    [
        (1, 0, 0),
        (0, 1, 0),
        (0, 0, 1),
        (1, 1, 0),
        (1, -1, 0),
        (1, 0, 1),
        (1, 0, -1),
        (0, 1, 1),
        (0, 1, -1),
    ]
)
"""Steps along nine lines, as (z, y, x); population 2 i + 1 moves on line i, 2 i + 2 against it."""
WEIGHTS = np.array([1 / 18] * 3 + [1 / 36] * 6)
"""Share of a population at rest on each line; one third stays in the centre."""
POPULATIONS = 19


def neighbour_slots(
    cells: NDArray[np.int32], shape: tuple[int, int, int], count: int
) -> NDArray[np.uint32]:
    """Where each moving population arrives: its slot in the neighbour, or after a wall its own.

    Parameters
    ----------
    cells
        int32 (nz + 2, ny + 2, nx + 2): numbers of the pores within a frame, which repeats the other
        side where the box is periodic; -1 elsewhere, which throws back.
    shape
        Of the box without the frame.
    count
        Pores.

    Returns
    -------
    uint32 (count, 18): indices into the populations, laid out as (count, 19).
    """
    slots = np.empty((count, POPULATIONS - 1), np.uint32)
    _link(cells, *shape, STEPS, slots)
    return slots


def two_lattice_steps(
    populations: NDArray[Any],
    slots: NDArray[np.uint32],
    rates: tuple[float, float],
    force: float,
) -> float:
    """Advance by two steps, in place; returns the mean of the momentum along z over both.

    Parameters
    ----------
    populations
        Float (count * 19,): deviations from rest.
    slots
        From `neighbour_slots`.
    rates
        Relaxation of the even part, which sets the viscosity, and of the odd part.
    force
        Along z, for each pore and step.
    """
    number = populations.dtype.type
    given = (*(number(each) for each in rates), number(force), STEPS.astype(number))
    weights = WEIGHTS.astype(number)
    first = _step(populations, slots, False, *given, weights)
    second = _step(populations, slots, True, *given, weights)
    return 0.5 * (first + second) + 0.5 * force * slots.shape[0]


@njit(nogil=True, cache=True)
def _link(cells, nz, ny, nx, steps, slots):  # type: ignore[no-untyped-def]
    for z in range(1, nz + 1):
        for y in range(1, ny + 1):
            for x in range(1, nx + 1):
                i = cells[z, y, x]
                if i < 0:
                    continue
                for line in range(9):
                    dz, dy, dx = steps[line]
                    ahead = cells[z + dz, y + dy, x + dx]
                    back = cells[z - dz, y - dy, x - dx]
                    on, against = 2 * line + 1, 2 * line + 2
                    slots[i, on - 1] = ahead * 19 + on if ahead >= 0 else i * 19 + against
                    slots[i, against - 1] = back * 19 + against if back >= 0 else i * 19 + on


@njit(nogil=True, cache=True, fastmath=True)
def _step(f, slots, odd, even_rate, odd_rate, force, steps, weights):  # type: ignore[no-untyped-def]
    """One step. An even one reads and writes the pore itself, an odd one its neighbours."""
    number = f.dtype.type
    half, three = number(0.5), number(3)
    share = (number(1) - half * odd_rate) * three * force
    sums, differences = np.empty(9, f.dtype), np.empty(9, f.dtype)
    total = 0.0
    for i in range(slots.shape[0]):
        own = np.uint32(i * 19)
        rest = f[own]
        density = rest
        jz = jy = jx = number(0)
        for line in range(9):
            on, against = own + np.uint32(2 * line + 1), own + np.uint32(2 * line + 2)
            if odd:
                on, against = slots[i, 2 * line + 1], slots[i, 2 * line]
            a, b = f[on], f[against]
            sums[line], differences[line] = a + b, a - b
            density += a + b
            jz += steps[line, 0] * (a - b)
            jy += steps[line, 1] * (a - b)
            jx += steps[line, 2] * (a - b)
        total += jz
        jz += half * force
        f[own] = rest - even_rate * (rest - density / three)
        for line in range(9):
            along = steps[line, 0] * jz + steps[line, 1] * jy + steps[line, 2] * jx
            w = weights[line]
            even = half * sums[line]
            even -= even_rate * (even - w * density)
            odd_part = half * differences[line]
            odd_part -= odd_rate * (odd_part - three * w * along)
            odd_part += share * w * steps[line, 0]
            on, against = own + np.uint32(2 * line + 2), own + np.uint32(2 * line + 1)
            if odd:
                on, against = slots[i, 2 * line], slots[i, 2 * line + 1]
            f[on], f[against] = even + odd_part, even - odd_part
    return total
