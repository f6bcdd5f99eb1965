"""Conduction through all phases: the properties "diffusivity" and "conductivity"."""

from __future__ import annotations

import numpy as np

from poroscale.pipelines.transport.properties.contract import TransportInput
from poroscale.pipelines.transport.settings import driven_axes
from poroscale.transport.conduction.effective import (
    AXES,
    TOLERANCE,
    CodedPhases,
    Drive,
    EffectiveConductivity,
    LocalFields,
    check_thickness,
    checked_conductivities,
    conductivity_of_codes,
    solver_bytes,
)
from poroscale.transport.conduction.multigrid import kinds_of
from poroscale.transport.found import AxisFound, FieldPicture

UNITS = "as the phases"
OF_FIELDS = 8
"""Bytes for each voxel of a field that is drawn or kept, and of a copy while it is written."""


def need(given: TransportInput) -> int:
    """Bytes that the solution takes, or the fields after it."""
    for axis in driven_axes(given.settings.transport):
        check_thickness(given.volume.shape, axis)
    known = _known(given)
    conducting = sum(given.counts[value] for value, each in known.items() if each > 0)
    several = bool(kinds_of(np.array([0.0, *known.values()])).any())
    solved = solver_bytes(given.voxels, conducting, kinds=several)
    fields = (OF_FIELDS + 6) * given.voxels + 4 * conducting
    return given.slab_bytes + max(solved, fields)


def transport_along(given: TransportInput, axis: int) -> AxisFound:
    """The effective value along one axis, with slices of potential and flux."""
    settings = given.settings.transport
    coded = CodedPhases.of(given.volume.shape, given.slabs(), _known(given), axis=axis)
    drive = Drive(
        axis,
        voxel_size=given.volume.voxel_size,
        sides=settings.sides,
        tolerance=settings.tolerance or TOLERANCE,
        iterations=settings.iterations,
        tensor=settings.tensor,
    )
    pictures: list[FieldPicture] = []

    def see(fields: LocalFields) -> None:
        pictures.extend(_seen(given, fields))

    found = conductivity_of_codes(coded, drive, see=see)
    return AxisFound(
        _numbers(found), _told(given, found), found.column, found.column_error, tuple(pictures)
    )


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
    rows, columns = (k for k in range(3) if k != across)
    middle = given.volume.shape[across] // 2
    edges = given.volume.voxel_size[rows], given.volume.voxel_size[columns]
    axes = AXES[rows], AXES[columns]
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
    through = np.where(np.isfinite(shown), np.take(flux, middle, across), np.nan)
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
