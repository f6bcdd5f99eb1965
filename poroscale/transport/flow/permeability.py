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
    for a viscosity of 1 and a pressure drop of 1 a voxel of the volume [voxel^2]."""
    pressure: NDArray[np.float32] | None = None
    """float32 (nz, ny, nx) on request: over its drop, from 1 on the first outer face to 0 on the
    last; NaN where nothing flows. For periodic ends up to a constant."""

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
    with_fields: bool = False,
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
    with_fields
        Whether velocity and pressure are returned.
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
        if with_fields:
            found["velocity"] = np.zeros((3, *pore.shape), np.float32)
            found["pressure"] = np.full(pore.shape, np.nan, np.float32)
        return FlowResult(**found)
    space = boundary.with_layers(carrying)
    equations = stokes_equations(space, boundary, corner=corner, dtype=dtype, threads=threads)
    if not equations.resists():
        raise ValueError("the pores must meet a wall: nothing resists the flow")
    places = np.argwhere(space).astype(np.int32)
    iteration = PressureIteration(equations, places, tolerance)
    bounds = _enclose(iteration, tolerance, iterations)
    found |= _numbers(iteration, bounds, len(turned) / len(space) / space.size, tolerance)
    if with_fields:
        pressure = iteration.pressure[:-1]
        del iteration, places  # its vectors make room for the fields
        found["velocity"] = _in_centres(equations, bounds.velocity, space, boundary.layers, axis)
        found["pressure"] = _over_drop(pressure, space, boundary.layers, axis)
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
    space: NDArray[np.bool_],
    layers: int,
    axis: str,
) -> NDArray[np.float32]:
    """Velocity in the centres of the pores, along the axes of the volume: means of two faces."""
    first = AXES.index(axis)
    order = [first, *(each for each in range(3) if each != first)]
    inner = slice(layers, len(space) - layers)
    shape = list(space[inner].shape)
    shape.insert(first, shape.pop(0))
    out = np.zeros((3, *shape), np.float32)
    for component, name in enumerate(order):
        along = equations.pressure_zeros()
        add_to_centres(equations.components[component].cells, velocity[component], along)
        np.moveaxis(out[name], first, 0)[:] = _dense(along[:-1], space, 0)[inner]
    out *= np.float32(shape[first] / len(space))  # the drop is that over the volume alone
    return out


def _over_drop(
    excess: NDArray[Any], space: NDArray[np.bool_], layers: int, axis: str
) -> NDArray[np.float32]:
    """Pressure over its drop, from what it exceeds an even fall by at a unit gradient [voxel]."""
    length = len(space)
    inner = slice(layers, length - layers)
    turned = _dense(excess / length, space, np.nan)[inner]
    even = 1 - (np.arange(length, dtype=np.float32)[inner] + 0.5) / length
    turned += even[:, None, None]
    return np.ascontiguousarray(np.moveaxis(turned, 0, AXES.index(axis)))


def _dense(values: NDArray[Any], space: NDArray[np.bool_], other: float) -> NDArray[np.float32]:
    """Values of the pores in their box, and another value elsewhere."""
    out = np.full(space.shape, other, np.float32)
    out[space] = values
    return out
