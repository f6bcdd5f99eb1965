"""Conduction through all phases: the properties "diffusivity" and "conductivity"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import JobPlan
from poroscale.engine.jobs.work import kept_folder
from poroscale.engine.plan import TooLittleMemoryError
from poroscale.pipelines.transport.properties.contract import (
    TransportInput,
    TransportPlan,
    plan_in_memory,
)
from poroscale.pipelines.transport.settings import Solver, driven_axes
from poroscale.transport.conduction.effective import (
    TOLERANCE,
    CodedPhases,
    Drive,
    LocalFields,
    check_thickness,
    checked_conductivities,
    conductivity_of_codes,
    solver_bytes,
)
from poroscale.transport.conduction.multigrid import kinds_of
from poroscale.transport.conduction.result import AXES, EffectiveConductivity
from poroscale.transport.conduction.streamed.conductivity import (
    recipe_of_slabs,
    streamed_conductivity,
)
from poroscale.transport.conduction.streamed.flux import StreamedFields
from poroscale.transport.conduction.streamed.planning import plan_slabs
from poroscale.transport.conduction.streamed.slabs import SlabMedium
from poroscale.transport.found import AxisFound, FieldPicture

UNITS = "as the phases"
OF_FIELDS = 8
"""Bytes for each voxel of a field that is drawn or kept, and of a copy while it is written."""
OF_HOST = 24
"""Bytes for each voxel beside a GPU: codes and numbers with copies, and potentials on their way."""


def plan(given: TransportInput) -> TransportPlan:
    """The plan of a solution in memory, or of a streamed one where that does not fit."""
    axes = driven_axes(given.settings.transport)
    for axis in axes:
        check_thickness(given.volume.shape, axis)
    _known(given)
    solver = _checked_solver(given)
    try:
        if solver != "streamed":
            return TransportPlan(plan_in_memory(given, need(given), len(axes)))
    except TooLittleMemoryError:
        if solver == "memory":
            raise
    layouts = {
        axis: plan_slabs(
            _medium(given, axis),
            _conducting(given),
            given.run,
            fields=given.settings.transport.fields,
        )
        for axis in axes
    }
    if len(axes) == 1:
        return TransportPlan(layouts[axes[0]].plan, layouts)
    jobs = {f"along {AXES[axis]}": layout.plan for axis, layout in layouts.items()}
    return TransportPlan(JobPlan(jobs=jobs), layouts)


def _checked_solver(given: TransportInput) -> Solver:
    """The solver that is wanted; a GPU holds the whole solution."""
    settings = given.settings.conduction
    if settings.device == "cpu":
        return settings.solver
    if settings.solver == "streamed":
        raise ValueError("`device` must be cpu with the solver streamed, got cuda")
    from poroscale.transport.conduction.on_device.solving import check_gpu_memory

    check_gpu_memory(given.voxels)
    return "memory"


def need(given: TransportInput) -> int:
    """Bytes that a solution in memory takes, or the fields after it."""
    known, conducting = _known(given), _conducting(given)
    several = bool(kinds_of(np.array([0.0, *known.values()])).any())
    if given.settings.conduction.device == "cpu":
        solved = solver_bytes(given.voxels, conducting, kinds=several)
    else:
        solved = (4 << 20) + OF_HOST * given.voxels + 4 * conducting
    fields = (OF_FIELDS + 6) * given.voxels + 4 * conducting
    return given.slab_bytes + max(solved, fields)


def transport_along(given: TransportInput, axis: int) -> AxisFound:
    """The effective value along one axis, with slices of potential and flux."""
    if axis in given.chosen:
        return _streamed_along(given, axis)
    coded = CodedPhases.of(given.volume.shape, given.slabs(), _known(given), axis=axis)
    pictures: list[FieldPicture] = []

    def see(fields: LocalFields) -> None:
        pictures.extend(_seen(given, fields))

    found = conductivity_of_codes(coded, _drive(given, axis), see=see)
    told = {"solver": "memory", "device": given.settings.conduction.device}
    return _axis_found(given, found, told, pictures)


def _streamed_along(given: TransportInput, axis: int) -> AxisFound:
    """As `transport_along`, by passes over slabs; resumed where an earlier run was ended."""
    medium, name = _medium(given, axis), AXES[axis]
    made_by = recipe_of_slabs(medium) | {"fields": given.save is not None}

    def keep(fields: StreamedFields) -> None:
        assert given.save is not None
        given.save(f"{name}_potential", fields.potential())
        for other in range(3):
            given.save(f"{name}_flux_{AXES[other]}", fields.flux(other))

    see = keep if given.save is not None else None
    layout, run = given.chosen[axis], given.run.but(block=None)
    with kept_folder(given.work / name, made_by, run) as work:
        streamed = streamed_conductivity(medium, given.counts, layout, work, run, see=see)
    pictures: list[FieldPicture] = []
    if streamed.slices is not None:
        potential, flux = (each.T if axis == 2 else each for each in streamed.slices)
        pictures = _pictures(given, axis, potential, flux)
    told = {"solver": "streamed", "streamed": streamed.told}
    return _axis_found(given, streamed.found, told, pictures)


def _axis_found(
    given: TransportInput,
    found: EffectiveConductivity,
    told: Mapping[str, object],
    pictures: Sequence[FieldPicture],
) -> AxisFound:
    numbers = _numbers(found) | dict(told)
    column = found.column, found.column_error
    return AxisFound(numbers, _told(given, found), *column, tuple(pictures))


def _drive(given: TransportInput, axis: int) -> Drive:
    settings = given.settings.transport
    return Drive(
        axis,
        voxel_size=given.volume.voxel_size,
        sides=settings.sides,
        tolerance=settings.tolerance or TOLERANCE,
        iterations=settings.iterations,
        tensor=settings.tensor,
        device=given.settings.conduction.device,
    )


def _medium(given: TransportInput, axis: int) -> SlabMedium:
    return SlabMedium(given.volume, _known(given), _drive(given, axis))


def about(given: TransportInput) -> dict[str, object]:
    """What is held, and by which phases, in `transport.json`."""
    settings = given.settings.transport
    return {
        "phases": dict(sorted(given.settings.conduction.by_value.items())),
        "boundary": {"driven": "values fixed on the outer faces", "sides": settings.sides},
        "tolerance": settings.tolerance or TOLERANCE,
    }


def _known(given: TransportInput) -> dict[int, float]:
    return checked_conductivities(given.settings.conduction.by_value, list(given.counts))


def _conducting(given: TransportInput) -> int:
    """Voxels that conduct."""
    return sum(given.counts[value] for value, each in _known(given).items() if each > 0)


def _numbers(found: EffectiveConductivity) -> dict[str, object]:
    return {
        "axis": found.axis,
        "effective": found.effective,
        "error": found.error,
        "units": UNITS,
        "percolates": found.percolates,
        "tortuosity_factor": found.tortuosity_factor,
        "mean": found.mean,
        "fraction": found.fraction,
        "effective_fraction": found.effective_fraction,
        "iterations": found.iterations,
    }


def _told(given: TransportInput, found: EffectiveConductivity) -> str:
    name = given.settings.transport.property
    if not found.percolates:
        return (
            f"{name} along {found.axis}: 0, because no path joins the two faces; the tortuosity "
            "factor is infinite"
        )
    share = found.error / found.effective
    return (
        f"{name} along {found.axis}: {found.effective:.5g} (at most {100 * share:.1g} % too high), "
        f"tortuosity factor {found.tortuosity_factor:.4f}, {100 * found.effective_fraction:.4g} % "
        f"of the voxels carry it; {found.iterations} iterations"
    )


def _seen(given: TransportInput, fields: LocalFields) -> list[FieldPicture]:
    """Keep the fields that are asked for, and cut the slices for the page."""
    axis, name = fields.axis, AXES[fields.axis]
    across = 1 if axis != 1 else 0
    middle = given.volume.shape[across] // 2
    potential = fields.potential()
    if given.save is not None:
        given.save(f"{name}_potential", potential)
    shown = np.take(potential, middle, across).copy()
    del potential
    flux = fields.flux(axis)
    if given.save is not None:
        given.save(f"{name}_flux_{name}", flux)
        for other in (k for k in range(3) if k != axis):
            given.save(f"{name}_flux_{AXES[other]}", fields.flux(other))
    return _pictures(given, axis, shown, np.take(flux, middle, across))


def _pictures(
    given: TransportInput, axis: int, shown: NDArray[np.float32], flux: NDArray[np.float32]
) -> list[FieldPicture]:
    """The slices of potential and flux along `axis` in the middle of an axis across it."""
    name, across = AXES[axis], 1 if axis != 1 else 0
    rows, columns = (k for k in range(3) if k != across)
    edges = given.volume.voxel_size[rows], given.volume.voxel_size[columns]
    axes = AXES[rows], AXES[columns]
    through = np.where(np.isfinite(shown), flux, np.nan)
    where = f"in the middle of {AXES[across]}"
    return [
        FieldPicture(
            f"potential-{name}", f"Potential, driven along {name}", "Potential",
            shown, edges, axes,
            f"Potential {where}: 1 at the first face of {name}, 0 at the last. White: no way from "
            "here to both faces.",
            (0.0, 1.0),
        ),
        FieldPicture(
            f"flux-{name}", f"Flux along {name}", f"Flux along {name}",
            through, edges, axes,
            f"Flux along {name} {where}, at a mean gradient of 1. Its mean over the volume is the "
            "effective value; the colours end at its 99th percentile.",
        ),
    ]  # fmt: skip
