"""Permeability of a pore space from a steady Stokes flow, with bounds of its error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.flow.clusters import carrying_pores
from poroscale.kernels.flow.momentum import add_to_centres
from poroscale.transport.flow.boundary import FlowBoundary
from poroscale.transport.flow.bracket import Bounds, PressureIteration
from poroscale.transport.flow.stokes import CORNER, StokesEquations, Velocity, stokes_equations

AXES = "zyx"
DARCY = 0.986_923_3
"""One darcy [um^2]."""
SINGLE = 1e-4
"""Smallest tolerance for which float32 suffices."""
BOUNDS_EACH = 2
"""Iterations between two bounds."""


@dataclass(frozen=True)
class FlowResult:
    """Permeability along one axis, and how it was found.

    `effective` is in voxel^2: mean velocity over the whole cross-section of the volume, times
    viscosity, over the pressure gradient. `error` is the largest relative error that the bounds
    leave for the equations on these voxels; what voxels do to a smooth wall is not in it.
    """

    axis: str
    boundary: FlowBoundary
    fraction: float
    """Pores, of the volume."""
    effective_fraction: float
    """Pores through which the fluid can pass from end to end, of the volume."""
    effective: float = 0.0
    lower: float = 0.0
    upper: float = 0.0
    error: float = 0.0
    converged: bool = True
    percolates: bool = False
    """Whether any pore leads from end to end. If none does, the permeability is 0."""
    iterations: int = 0
    """Of the pressure."""
    momentum_iterations: int = 0
    """Within them, of the velocity."""
    unknowns: int = 0
    velocity: NDArray[np.float32] | None = None
    """float32 (3, nz, ny, nx) on request: components along z, y and x in the centres of the voxels,
    for a unit pressure gradient and viscosity [voxel^2]."""

    def square_micrometres(self, voxel_size: float) -> float:
        """Permeability [um^2] for an edge of the voxels [um]."""
        return self.effective * voxel_size**2

    def darcy(self, voxel_size: float) -> float:
        """Permeability [darcy] for an edge of the voxels [um]."""
        return self.square_micrometres(voxel_size) / DARCY


def permeability(
    pore: NDArray[np.bool_],
    axis: str,
    *,
    boundary: FlowBoundary | None = None,
    tolerance: float = 0.005,
    iterations: int = 200,
    with_velocity: bool = False,
    dtype: Any = None,
    threads: int = 1,
    corner: float = CORNER,
) -> FlowResult:
    """Permeability of a pore space along one axis, by a staggered grid.

    Slow flow (Stokes) in the pores that lead from end to end. Velocities lie on the faces of the
    voxels and vanish at the walls. The iteration stops when the permeability is enclosed to the
    tolerance.

    Parameters
    ----------
    pore
        bool (nz, ny, nx): True where the fluid is.
    axis
        `z`, `y` or `x`: the direction of the pressure gradient.
    boundary
        What the flow meets at the faces of the volume. Default: pressure at the ends, walls at the
        sides.
    tolerance
        Largest error of the result, relative. Default: 0.005.
    iterations
        Largest number of iterations of the pressure. Default: 200.
    with_velocity
        Whether the velocity is returned.
    dtype
        Type of the numbers. Default: float32, or float64 for a tolerance below 1e-4.
    threads
        How many components of the velocity are solved at a time. It does not change the result.
    corner
        Friction at an edge of the solid, between 1 and 2, see docs/permeability.md.

    Returns
    -------
    FlowResult: `converged` is False where the iterations did not suffice. Without a path from end
    to end the permeability is 0 and `percolates` is False.

    Raises
    ------
    ValueError
        If the axis, the tolerance or the array is wrong, or nothing resists the flow.
    """
    boundary = boundary or FlowBoundary()
    _check(pore, axis, tolerance, iterations)
    dtype = dtype or (np.float32 if tolerance >= SINGLE else np.float64)
    turned = np.ascontiguousarray(np.moveaxis(pore, AXES.index(axis), 0))
    carrying = carrying_pores(turned, boundary.periodic)
    found: dict[str, Any] = {
        "axis": axis,
        "boundary": boundary,
        "fraction": float(pore.mean()),
        "effective_fraction": float(carrying.mean()),
    }
    if not carrying.any():
        velocity = np.zeros((3, *pore.shape), np.float32) if with_velocity else None
        return FlowResult(**found, velocity=velocity)
    space = boundary.with_layers(carrying)
    equations = stokes_equations(space, boundary, corner=corner, dtype=dtype, threads=threads)
    if not equations.resists():
        raise ValueError("the pores must meet a wall: nothing resists the flow")
    places = np.argwhere(space).astype(np.int32)
    iteration = PressureIteration(equations, places, tolerance)
    bounds = _enclose(iteration, tolerance, iterations)
    found |= _numbers(iteration, bounds, len(turned) / len(space) / space.size, tolerance)
    if with_velocity:
        found["velocity"] = _in_centres(equations, bounds.velocity, places, boundary, axis)
    return FlowResult(**found)


def _check(pore: NDArray[np.bool_], axis: str, tolerance: float, iterations: int) -> None:
    if axis not in tuple(AXES):
        raise ValueError(f"axis must be z, y or x, got {axis}")
    if pore.ndim != 3 or pore.dtype != np.bool_ or not pore.size:
        raise ValueError(f"pore must be a bool array (z, y, x), got {pore.dtype} {pore.shape}")
    if not 0 < tolerance < 1:
        raise ValueError(f"tolerance must be between 0 and 1, got {tolerance}")
    if iterations < 1:
        raise ValueError(f"iterations must be at least 1, got {iterations}")


def _enclose(iteration: PressureIteration, tolerance: float, limit: int) -> Bounds:
    """Iterate until the bounds are as close as the tolerance; the last bounds otherwise."""
    bounds, asked = None, -BOUNDS_EACH
    for done in range(1, limit + 1):
        iteration.advance()
        if done - asked < BOUNDS_EACH:
            continue
        if iteration.expected_error() < tolerance * iteration.dissipation():
            bounds, asked = iteration.bounds(), done
            if bounds.upper - bounds.lower <= tolerance * (bounds.upper + bounds.lower):
                return bounds
    return bounds if bounds and asked == limit else iteration.bounds()


def _numbers(
    iteration: PressureIteration, bounds: Bounds, scale: float, tolerance: float
) -> dict[str, Any]:
    middle = 0.5 * (bounds.lower + bounds.upper)
    error = 0.5 * (bounds.upper - bounds.lower) / middle
    equations = iteration.equations
    return {
        "effective": middle * scale,
        "lower": bounds.lower * scale,
        "upper": bounds.upper * scale,
        "error": error,
        "converged": bool(error <= tolerance),
        "percolates": True,
        "iterations": len(iteration.drops),
        "momentum_iterations": equations.iterations,
        "unknowns": equations.pores + sum(each.diagonal.size for each in equations.components),
    }


def _in_centres(
    equations: StokesEquations,
    velocity: Velocity,
    places: NDArray[np.int32],
    boundary: FlowBoundary,
    axis: str,
) -> NDArray[np.float32]:
    """Velocity in the centres of the pores, along the axes of the volume: means of two faces."""
    first = AXES.index(axis)
    order = [first, *(each for each in range(3) if each != first)]
    stop = equations.shape[0] - boundary.layers
    out = []
    for component in np.argsort(order):
        along = equations.pressure_zeros()
        add_to_centres(equations.components[component].cells, velocity[component], along)
        dense = np.zeros(equations.shape, np.float32)
        dense[tuple(places.T)] = along[:-1]
        out.append(np.moveaxis(dense[boundary.layers : stop], 0, first))
    return np.stack(out)
