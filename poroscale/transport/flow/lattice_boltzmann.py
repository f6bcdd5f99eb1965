"""Permeability by a lattice Boltzmann method, a check that shares no equation with the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.flow.clusters import carrying_pores
from poroscale.kernels.flow.faces import coded_voxels, numbered_cells
from poroscale.kernels.flow.lattice import POPULATIONS, neighbour_slots, two_lattice_steps
from poroscale.transport.flow.permeability import AXES

MAGIC = 3 / 16
"""Product of the two relaxation times less one half: puts a flat wall half way between voxels."""


@dataclass(frozen=True)
class LatticeFlow:
    """Permeability along one axis [voxel^2], and how far it still moved."""

    effective: float
    change: float
    """Relative change over the last viscous time."""
    converged: bool
    steps: int
    updates: int
    """Pores times steps."""


def lattice_permeability(
    pore: NDArray[np.bool_],
    axis: str,
    *,
    periodic_sides: bool = False,
    layers: int = 0,
    relaxation_time: float = 1.0,
    tolerance: float = 0.001,
    steps: int = 100_000,
    viscous_length: float = 10.0,
    dtype: Any = np.float32,
) -> LatticeFlow:
    """Permeability of a pore space, periodic along the axis, by D3Q19 with two relaxation times.

    Parameters
    ----------
    pore
        bool (nz, ny, nx): True where the fluid is.
    axis
        `z`, `y` or `x`: the direction of the force.
    periodic_sides
        Whether the sides are periodic. Default: walls.
    layers
        Layers of open fluid before and behind the volume [voxels], for a volume whose ends do not
        fit each other. Default: 0.
    relaxation_time
        Of the even populations; the viscosity is a third of it less one half. Default: 1.
    tolerance
        Largest relative change over a viscous time at which it stops. Default: 0.001.
    steps
        Largest number of steps.
    viscous_length
        The viscous time is the square of this length [voxels] over the viscosity.
    dtype
        Of the populations.

    Returns
    -------
    LatticeFlow: `converged` is False where the steps did not suffice; 0 without a path.
    """
    periodic = (True, periodic_sides, periodic_sides)
    turned = np.ascontiguousarray(np.moveaxis(pore, AXES.index(axis), 0))
    carrying = carrying_pores(turned, (not layers, *periodic[1:]))
    if not carrying.any():
        return LatticeFlow(0.0, 0.0, True, 0, 0)
    space = np.pad(carrying, [(layers, layers), (0, 0), (0, 0)], constant_values=True)
    cells = numbered_cells(coded_voxels(space, (0, 0, 0), periodic), periodic)
    count = int(np.count_nonzero(space))
    nz, ny, nx = space.shape
    slots = neighbour_slots(cells, (nz, ny, nx), count)
    populations = np.zeros(count * POPULATIONS, dtype)
    viscosity = (relaxation_time - 0.5) / 3
    rates = 1 / relaxation_time, 1 / (MAGIC / (relaxation_time - 0.5) + 0.5)
    scale = viscosity / space.size * len(turned) / len(space)
    each = max(2, 2 * round(viscous_length**2 / viscosity / 2))
    value, change, done = 0.0, np.inf, 0
    while done < steps and change > tolerance:
        for _ in range(each // 2):
            momentum = two_lattice_steps(populations, slots, rates, 1.0)
        done += each
        change = abs(momentum * scale - value) / abs(momentum * scale)
        value = momentum * scale
    return LatticeFlow(value, change, change <= tolerance, done, done * count)
