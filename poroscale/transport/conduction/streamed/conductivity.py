"""The effective conductivity of a volume that does not fit in memory."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Run
from poroscale.engine.jobs.recipe import numerics, recipe_of
from poroscale.engine.plan import MIB, Need
from poroscale.transport.conduction.effective import NotConvergedError, unfinished
from poroscale.transport.conduction.multigrid import MOST_PIECES, kinds_of
from poroscale.transport.conduction.result import AXES, EffectiveConductivity, place_in_lattice
from poroscale.transport.conduction.streamed.clusters import (
    AggregateRule,
    CodedMedium,
    aggregate_slabs,
    code_slabs,
    join_slabs,
)
from poroscale.transport.conduction.streamed.coarse import SlabSeams
from poroscale.transport.conduction.streamed.flux import (
    SlabFluxes,
    StreamedFields,
    measure_fluxes,
    scaling_of,
)
from poroscale.transport.conduction.streamed.iterating import descend_slab
from poroscale.transport.conduction.streamed.planning import (
    EDGES,
    OF_NODE,
    READ,
    WRITTEN,
    SlabLayout,
    needs_of_slabs,
)
from poroscale.transport.conduction.streamed.slabs import (
    SlabLattice,
    SlabMedium,
    SlabPasses,
)
from poroscale.transport.conduction.streamed.solving import Course, SlabSolver


@dataclass(frozen=True)
class StreamedConductivity:
    """What was found, and what for.

    Attributes
    ----------
    found
        The effective value and its error.
    slices
        float32: potential, and flux along the driven axis, in the middle of an axis across it; the
        driven axis first. None without a path.
    told
        JSON: "slab_planes", "aggregate_edge", "read_bytes", "written_bytes".
    """

    found: EffectiveConductivity
    slices: tuple[NDArray[np.float32], NDArray[np.float32]] | None
    told: dict[str, Any]


def streamed_conductivity(
    medium: SlabMedium,
    counts: Mapping[int, int],
    layout: SlabLayout,
    work: Path,
    run: Run,
    *,
    see: Callable[[StreamedFields], None] | None = None,
) -> StreamedConductivity:
    """The effective conductivity of a volume, by passes over its slabs.

    Parameters
    ----------
    medium
        The volume, and how it is driven.
    counts
        Voxels of each value.
    layout
        Slabs and aggregates. A solution that was begun goes on with those of its beginning.
    work
        Folder of the passes, which stays. What is in it is not done again.
    run
        Memory, workers and cluster.
    see
        Called with the local fields. The potentials then stay in `work`, and a later call with what
        is there calls it again.

    Raises
    ------
    NotConvergedError
        If the error is above the tolerance after all iterations. The next call goes on from there.
    MemoryError
        If aggregates of no size fit in memory.
    """
    path = work / "course.json"
    course = Course.load(path) or Course(layout.thickness, layout.edge).save(path)
    medium = replace(medium, thickness=course.thickness)
    passes = SlabPasses(work, medium.grid, min(EDGES), recipe_of_slabs(medium), run)
    found = _of_counts(medium, counts)
    if not course.carried:
        course = _aggregated(medium, course, layout.coarse, passes)
        if not course.carried:
            nothing = (0.0, 0.0, 0.0) if medium.drive.tensor else None
            found = replace(found, column=nothing, column_error=nothing)
            return StreamedConductivity(found, None, {})
        course.save(path)
    for stale in ("phases", *(_name(edge, mixed) for edge in EDGES for mixed in (False, True))):
        if stale != course.carried:
            shutil.rmtree(work / stale, ignore_errors=True)
    seams = SlabSeams.of(SlabLattice(medium, passes.left_by(course.carried)))
    needs = needs_of_slabs(medium, share=course.share)
    if not course.energy:
        solved = SlabSolver(seams, passes, needs, path).solve(course, medium.drive)
        if not solved.converged:
            told = unfinished(solved.error / solved.energy, solved.iterations, medium.drive)
            raise NotConvergedError(
                f"{told}; {work} keeps the potentials, and the next run goes on"
            )
        course = course.ended(solved)
    potentials = passes.left_by(f"descend-{course.iterations}")
    fluxes = measure_fluxes(seams.slabs, potentials, _across(medium), passes, needs["flux"])
    course.save(path)
    if see is not None:  # an axis that is found may be asked for its fields again
        see(StreamedFields(seams.slabs, potentials, course.share))
    for done in work.glob("*-*"):
        if see is None or done != potentials.output.path:
            shutil.rmtree(done, ignore_errors=True)
    return _told(replace(found, iterations=course.iterations), course, seams, fluxes)


def _aggregated(medium: SlabMedium, course: Course, coarse: int, passes: SlabPasses) -> Course:
    """The course with the pass that has made the aggregates; without it where no path is.

    Larger aggregates are taken where those of the course would not fit in memory.
    """
    needs = needs_of_slabs(medium, share=1.0)
    coded = code_slabs(medium, passes, needs["phases"])
    clusters = join_slabs(medium, coded, passes.work / "carrying.bool")
    if not clusters.percolates:
        return course
    given = CodedMedium(medium, coded, clusters)
    course, kinds = replace(course, share=given.share), kinds_of(medium.conductivities)
    need, mixed = needs_of_slabs(medium, share=course.share)["aggregates"], False
    for edge in (each for each in EDGES if each >= course.edge):
        if medium.thickness % edge and len(medium.grid) > 1:
            break
        name, nodes, many = _try(given, AggregateRule(edge, kinds), passes, need)
        if many and kinds.any() and OF_NODE * nodes > coarse:
            kinds, mixed = np.zeros_like(kinds), True
            name, nodes, _ = _try(given, AggregateRule(edge, kinds), passes, need)
        if OF_NODE * nodes <= coarse:
            return replace(course, edge=edge, carried=name, mixed=mixed)
    raise MemoryError(
        f"memory must hold {OF_NODE * nodes / MIB:,.0f} MiB of aggregates beside the slabs, got "
        f"{coarse / MIB:,.0f} MiB; raise `memory`"
    )


def _try(
    given: CodedMedium, rule: AggregateRule, passes: SlabPasses, need: Need
) -> tuple[str, int, bool]:
    """Make aggregates: name of the pass, their number, and whether noise makes too many kinds."""
    medium, name = given.medium, _name(rule.edge, mixed=not rule.kinds.any())
    carried = aggregate_slabs(given, rule, passes, need, name=name)
    counts = np.sum([carried.one(k, "counts") for k in range(len(medium.grid))], axis=0)
    return name, int(counts[2]), bool(counts[1] > MOST_PIECES * counts[0])


def _name(edge: int, mixed: bool) -> str:
    return f"aggregates{edge}{'m' * mixed}"


def recipe_of_slabs(medium: SlabMedium) -> dict[str, Any]:
    """What the passes work on. Tolerance and iterations may change from run to run."""
    drive = medium.drive
    parameters = {"known": medium.known, "axis": drive.axis, "sides": drive.sides}
    made = recipe_of("conductivity", descend_slab, parameters=parameters, inputs=[medium.volume])
    return made | {"numerics": numerics()}


def _of_counts(medium: SlabMedium, counts: Mapping[int, int]) -> EffectiveConductivity:
    """What the voxels of each value say already; nothing is said of paths."""
    voxels = prod(medium.shape)
    mean = sum(n * medium.known[value] for value, n in counts.items()) / voxels
    closed = sum(n for value, n in counts.items() if medium.known[value] == 0) / voxels
    return EffectiveConductivity(AXES[medium.drive.axis], 0.0, 0.0, mean, 1 - closed, 0.0, 0)


def _across(medium: SlabMedium) -> int:
    """Axis of the lattice along which slices lie: y of the volume, or z where that is driven."""
    return place_in_lattice(0 if medium.drive.axis == 1 else 1, medium.drive.axis)


def _told(
    found: EffectiveConductivity, course: Course, seams: SlabSeams, fluxes: SlabFluxes
) -> StreamedConductivity:
    medium = seams.slabs.medium
    scaling = scaling_of(medium)
    sums = [fluxes.currents[scaling.place(axis)] for axis in range(3)]
    found = scaling.told(
        replace(found, effective_fraction=seams.voxels / prod(medium.shape)),
        (course.energy, course.error),
        sums if medium.drive.tensor else None,
        carrying=seams.voxels,
    )
    flux = fluxes.current * np.float32(scaling.factor(medium.drive.axis))
    told = {
        "slab_planes": medium.grid.block[0],
        "aggregate_edge": course.edge,
        "read_bytes": READ * seams.voxels,
        "written_bytes": WRITTEN * seams.voxels,
    }
    return StreamedConductivity(found, (fluxes.potential, flux), told)
