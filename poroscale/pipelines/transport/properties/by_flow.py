"""Slow flow through the pores: the property "permeability"."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.pipelines.transport.properties.contract import (
    TransportInput,
    TransportPlan,
    plan_in_memory,
)
from poroscale.pipelines.transport.settings import driven_axes
from poroscale.transport.conduction.effective import check_thickness
from poroscale.transport.flow.boundary import FlowBoundary
from poroscale.transport.flow.permeability import AXES, SINGLE, FlowResult, permeability
from poroscale.transport.flow.planning import permeability_bytes
from poroscale.transport.found import AxisFound, FieldPicture

UNITS = "m2"
SQUARE_METRES = 1e-12
"""Of one square micrometre."""
TOLERANCE = 0.005
OF_MASK = 2
"""Bytes for each voxel: the pores, and those of a slab while they are chosen."""
OF_RESULT = 24
"""Bytes for each voxel of velocity and pressure, and of a copy while one is drawn or kept."""
FLOW_ENDS = {"pressure": "pressure", "mirrored": "mirror", "periodic": "periodic"}
FLOW_SIDES = {"closed": "wall", "mirrored": "mirror", "periodic": "periodic"}


def need(given: TransportInput) -> int:
    """Bytes that the solution takes, or the fields after it."""
    shape = given.volume.shape
    pores = sum(given.counts[value] for value in _pores(given))
    _edge(given)
    most = OF_RESULT * given.voxels
    for axis in driven_axes(given.settings.transport):
        check_thickness(shape, axis)
        open_fluid = 2 * given.settings.flow.layers * given.voxels // shape[axis]
        box = given.voxels + open_fluid
        solved = permeability_bytes(
            box, pores + open_fluid, single=_tolerance(given) >= SINGLE, fields=True
        )
        most = max(most, solved)
    return given.slab_bytes + OF_MASK * given.voxels + most


def plan(given: TransportInput) -> TransportPlan:
    """The plan of a solution in memory."""
    axes = len(driven_axes(given.settings.transport))
    return TransportPlan(plan_in_memory(given, need(given), axes))


def transport_along(given: TransportInput, axis: int) -> AxisFound:
    """The permeability along one axis, with slices of pressure and speed."""
    settings, flow = given.settings.transport, given.settings.flow
    found = permeability(
        _mask(given),
        AXES[axis],
        boundary=_boundary(given),
        tolerance=_tolerance(given),
        iterations=settings.iterations,
        with_fields=True,
        corner=flow.corner,
    )
    if not found.converged:
        raise ArithmeticError(_unfinished(given, found))
    numbers = _numbers(given, found)
    pictures = tuple(_seen(given, found)) if found.percolates or given.save else ()
    return AxisFound(numbers, _told(numbers) + _of_layer(given, axis), pictures=pictures)


def about(given: TransportInput) -> dict[str, object]:
    """What is pore, and what the flow meets at the faces, in `transport.json`."""
    settings, flow = given.settings.transport, given.settings.flow
    return {
        "pore": list(_pores(given)),
        "boundary": {"ends": flow.ends, "sides": settings.sides, "layers": flow.layers},
        "corner": flow.corner,
        "tolerance": _tolerance(given),
    }


def _tolerance(given: TransportInput) -> float:
    return given.settings.transport.tolerance or TOLERANCE


def _boundary(given: TransportInput) -> FlowBoundary:
    settings, flow = given.settings.transport, given.settings.flow
    names: dict[str, Any] = {"ends": FLOW_ENDS[flow.ends], "sides": FLOW_SIDES[settings.sides]}
    return FlowBoundary(**names, layers=flow.layers)


def _pores(given: TransportInput) -> tuple[int, ...]:
    pores = given.settings.flow.pores
    missing = [str(each) for each in pores if each not in given.counts]
    if missing:
        listed = ", ".join(str(each) for each in sorted(given.counts))
        raise ValueError(
            f"`pore` must be among the values of {given.volume.path} ({listed}), got "
            f"{', '.join(missing)}"
        )
    return pores


def _edge(given: TransportInput) -> float:
    """Edge of the voxels [um]."""
    sizes = given.volume.voxel_size
    if not np.allclose(sizes, sizes[0], rtol=1e-6, atol=0):
        listed = ", ".join(f"{each:g}" for each in sizes)
        raise ValueError(
            f"{given.volume.path} must have cubic voxels for a permeability, got edges of {listed} "
            "um (z, y, x); resample it first"
        )
    return float(sizes[0])


def _mask(given: TransportInput) -> NDArray[np.bool_]:
    pores, mask, z = _pores(given), np.zeros(given.volume.shape, np.bool_), 0
    for slab in given.slabs():
        here = mask[z : z + len(slab)]
        for value in pores:
            here |= slab == value
        z += len(slab)
    return mask


def _numbers(given: TransportInput, found: FlowResult) -> dict[str, Any]:
    edge = _edge(given)
    square_metres = edge**2 * SQUARE_METRES
    return {
        "axis": found.axis,
        "effective": found.effective * square_metres,
        "error": found.error * found.effective * square_metres,
        "units": UNITS,
        "effective_voxel2": found.effective,
        "darcy": found.darcy(edge),
        "lower": found.lower * square_metres,
        "upper": found.upper * square_metres,
        "percolates": found.percolates,
        "tortuosity_factor": None,
        "hydraulic_tortuosity": _hydraulic_tortuosity(found),
        "fraction": found.fraction,
        "effective_fraction": found.effective_fraction,
        "iterations": found.iterations,
        "boundary": about(given)["boundary"],
    }


def _hydraulic_tortuosity(found: FlowResult) -> float | None:
    """Mean speed over the mean velocity along the axis; None where nothing flows."""
    if found.velocity is None or not found.percolates:
        return None
    speed = sum(float(_speed(found.velocity[:, z]).sum(dtype=np.float64)) for z in _planes(found))
    along = found.velocity[AXES.index(found.axis)].sum(dtype=np.float64)
    return speed / float(along)


def _planes(found: FlowResult) -> range:
    return range(0 if found.velocity is None else found.velocity.shape[1])


def _speed(velocity: NDArray[np.float32]) -> NDArray[np.float32]:
    """Length of the vectors of a plane, (3, rows, columns)."""
    return np.asarray(np.sqrt(np.einsum("cij,cij->ij", velocity, velocity)))


def _told(numbers: dict[str, Any]) -> str:
    axis = numbers["axis"]
    if not numbers["percolates"]:
        return f"permeability along {axis}: 0, because no path of pores joins the two faces"
    share = 100 * numbers["error"] / numbers["effective"]
    return (
        f"permeability along {axis}: {numbers['effective']:.4g} m2 = {numbers['darcy']:.4g} darcy "
        f"= {numbers['effective_voxel2']:.4g} voxel2 (within {share:.1g} %), hydraulic tortuosity "
        f"{numbers['hydraulic_tortuosity']:.4f}, {100 * numbers['effective_fraction']:.4g} % of "
        f"the voxels carry it; {numbers['iterations']} iterations"
    )


def _of_layer(given: TransportInput, axis: int) -> str:
    """What is told of a single layer that walls hold on both sides."""
    thin = [AXES[k] for k in range(3) if k != axis and given.volume.shape[k] == 1]
    if not thin or given.settings.transport.sides != "closed":
        return ""
    return (
        f"; the volume is one voxel thick along {' and '.join(thin)}, and walls hold the fluid on "
        "both sides of it: the sides mirrored give the flow in the plane"
    )


def _unfinished(given: TransportInput, found: FlowResult) -> str:
    scale = _edge(given) ** 2 * SQUARE_METRES
    return (
        f"the permeability along {found.axis} must be known within {100 * _tolerance(given):.2g} "
        f"%, got bounds of {found.lower * scale:.4g} and {found.upper * scale:.4g} m2 after "
        f"{found.iterations} iterations; raise `iterations` or `tolerance`"
    )


def _seen(given: TransportInput, found: FlowResult) -> list[FieldPicture]:
    """Keep the fields that are asked for, and cut the slices for the page."""
    axis, name = AXES.index(found.axis), found.axis
    velocity, pressure = found.velocity, found.pressure
    assert velocity is not None
    assert pressure is not None
    velocity *= _edge(given) ** 2
    if given.save is not None:
        given.save(f"{name}_pressure", pressure)
        for k in range(3):
            given.save(f"{name}_velocity_{AXES[k]}", velocity[k])
    if not found.percolates:
        return []
    across = 1 if axis != 1 else 0
    rows, columns = (k for k in range(3) if k != across)
    middle = given.volume.shape[across] // 2
    edges = given.volume.voxel_size[rows], given.volume.voxel_size[columns]
    axes = AXES[rows], AXES[columns]
    shown = np.take(pressure, middle, across)
    speed = _speed(np.take(velocity, middle, across + 1))
    where = f"in the middle of {AXES[across]}"
    return [
        FieldPicture(
            f"pressure-{name}", f"Pressure, driven along {name}", "Pressure",
            shown, edges, axes,
            f"Pressure {where}, over its drop: 1 at the first outer face of {name}, 0 at the last. "
            "White: solid, or pores from which no way leads to both faces.",
            None if given.settings.flow.ends == "periodic" else (0.0, 1.0),
        ),
        FieldPicture(
            f"speed-{name}", f"Speed, driven along {name}", "Speed (µm²)",
            np.where(np.isfinite(shown), speed, np.nan), edges, axes,
            f"Speed {where}, at a pressure gradient and viscosity of 1. The mean of its component "
            f"along {name} over the volume is the permeability; the colours end at their 99th "
            "percentile.",
        ),
    ]  # fmt: skip
