"""New parts from a part model: plan first, then pixels.

1. Draw and place the pores (`candidates.py`, `placement.py`).
2. Paint every block by itself from the plan and the surface.
3. Write the table of placed pores beside the part.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Pass, Run, fill_pass
from poroscale.engine.passes import named
from poroscale.engine.plan import MIB
from poroscale.engine.workers.cluster import cluster_of
from poroscale.events import Described
from poroscale.identity import kernel
from poroscale.kernels.parts.packing import Candidates
from poroscale.kernels.parts.part_mask import without_specks
from poroscale.kernels.parts.stamping import stamp
from poroscale.kernels.parts.voxel_shapes import Shapes
from poroscale.parts.geometry import Cylinder, Geometry, RoughBox
from poroscale.parts.model import PartModel
from poroscale.parts.placing.candidates import CandidateSampler
from poroscale.parts.placing.placement import Planner, place_pores, placed_ellipsoids, plan_table
from poroscale.storage.columns import write_columns
from poroscale.volume import Index, Shape, Volume, VolumeSpec

TOO_FEW = 0.9
"""Below this share of what is meant to be placed a density is refused."""
PAINT_BYTES = 2.5
"""Temporary bytes per voxel of a block that is painted."""
SURFACE_BYTES, PORE_BYTES = 16.0, 240.0
"""Per cell of the surface, and per pore of the plan and its table."""
PAINT = Pass("paint", writes=np.uint8, pyramid="max", temporary=PAINT_BYTES)
"""The pass over the part; surface and plan are held by then."""
VERSION = 3


@dataclass(frozen=True)
class GeneratedPart(Described):
    """A new part.

    Attributes
    ----------
    phases
        0 outside, 1 solid, 2 pore.
    table
        Parquet table of the placed pores.
    counts
        "placed", and of these "closed", "opened" and "cut" by an end; "meant" to be placed by
        the model's density, where the form of the part has one.
    timings
        Seconds of "surface", "plan" and "paint".
    """

    phases: Volume
    table: Path
    counts: Mapping[str, int]
    timings: Mapping[str, float]

    def describe(self) -> Iterator[str]:
        """Description of the new part in words."""
        took = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in self.timings.items())
        z, y, x = self.phases.shape
        yield f"{self.phases.path}: {x} x {y} x {z} voxels, {took}"
        yield (
            f"  {self.counts['placed']} pores{self._meant()}: {self.counts['closed']} closed, "
            f"{self.counts['opened']} open to the surface, {self.counts['cut']} cut by an end"
        )

    def _meant(self) -> str:
        meant = self.counts.get("meant")
        return "" if meant is None else f" where {meant} were meant"


def fill_part(
    model: PartModel,
    out: Path,
    *,
    geometry: Geometry,
    seed: int,
    about: Mapping[str, Any] | None = None,
    run: Run | None = None,
) -> GeneratedPart:
    """Fill the part `geometry` with pores of a model: draw, place, paint, write.

    Parameters
    ----------
    model
        The part model.
    out
        Folder of the volume of phases; the table is written beside it as OUT.pores.parquet.
    geometry
        The part that is filled.
    seed
        Another part for another number.
    about
        JSON that tells the geometry; part of the recipe.
    run
        Memory, workers and cluster; changes no byte of the output.

    Raises
    ------
    ValueError
        If a pore of the model does not fit the shape, or the density cannot be placed.
    """
    run = run or Run()
    _check_shape(model, geometry)
    sampler = CandidateSampler(model, geometry, seed)
    _check_memory(sampler, geometry, run)
    begun = time.perf_counter()
    geometry.depth(np.array([[0.5, geometry.shape[1] / 2, geometry.shape[2] / 2]]))
    timings = {"surface": _drawn_surface(geometry)}
    shapes = model.bank.shapes
    planner = Planner(sampler, shapes, model.spacing)
    with cluster_of(run) as cluster:
        workers = cluster.workers
    placed = place_pores(planner, geometry.shape[0], workers=workers, show=run.progress)
    columns = plan_table(placed, shapes, model.bank.table, length=geometry.shape[0])
    columns |= placed_ellipsoids(placed, shapes, model.bank.voxel_size)
    counts = _counts(columns) | _meant(sampler, geometry)
    _check_density(sampler, geometry, int((~columns["cut"]).sum()))
    timings["plan"] = time.perf_counter() - begun - timings["surface"]
    painted = time.perf_counter()
    phases = _paint(
        Painter(geometry, placed, shapes),
        out,
        recipe={"model": model.digest, "seed": seed, "geometry": dict(about or {})},
        counts=counts,
        run=run,
    )
    timings["paint"] = time.perf_counter() - painted
    table = out.with_name(f"{out.name.removesuffix('.zarr')}.pores.parquet")
    write_columns(columns, table, about={"kind": "placed_pores", "part": phases.digest})
    return GeneratedPart(phases, table, counts, timings)


def _drawn_surface(geometry: Geometry) -> float:
    """Draw the surface of the part once, so that its time is known; threads find it drawn."""
    begun = time.perf_counter()
    middle = np.array([0.5, geometry.shape[1] / 2, geometry.shape[2] / 2])
    for z in range(0, geometry.shape[0], 128):
        geometry.depth(middle[None] + (z, 0, 0))
    return time.perf_counter() - begun


def _check_shape(model: PartModel, geometry: Geometry) -> None:
    largest = model.bank.shapes.extents.max(axis=0, initial=0)
    for axis, extent, voxels in zip("zyx", largest, geometry.shape, strict=True):
        if extent > voxels:
            raise ValueError(
                f"shape must hold the model's pores, got {voxels} voxels along {axis} where a pore "
                f"of the model has {extent}"
            )


def passes(
    model: PartModel, geometry: Geometry, *, seed: int = 0
) -> tuple[VolumeSpec, dict[str, Pass]]:
    """The volume of a part, and the pass that paints it beside its surface and its plan."""
    held = _held_bytes(CandidateSampler(model, geometry, seed), geometry)
    return _spec(geometry, {}), named(PAINT.but(driver=held))


def _held_bytes(sampler: CandidateSampler, geometry: Geometry) -> int:
    """Surface and plan, which are held whole; a mesh holds no more pores than its widest layer."""
    length, *across = geometry.shape
    if isinstance(geometry, Cylinder | RoughBox):
        cells = length * 2 * np.pi * np.sqrt(geometry.section / np.pi)
    else:
        cells = 2.0 * (length * sum(across) + prod(across))
    return int(SURFACE_BYTES * cells + PORE_BYTES * sampler.rate * length)


def _check_memory(sampler: CandidateSampler, geometry: Geometry, run: Run) -> None:
    """Surface and plan are held whole: they are looked at before they are drawn."""
    held = _held_bytes(sampler, geometry)
    if held > run.memory_bytes:
        raise MemoryError(
            f"memory must be at least {held / MIB:,.0f} MiB for the surface and the "
            f"plan of {sampler.rate * geometry.shape[0]:,.0f} pores, got "
            f"{run.memory_bytes / MIB:,.0f} MiB; raise `memory`, or make the part in pieces"
        )


def _check_density(sampler: CandidateSampler, geometry: Geometry, placed: int) -> None:
    if not isinstance(geometry, Cylinder | RoughBox):
        return  # how many belong into a body of any form is known only where it was filled
    meant = sampler.rate * geometry.shape[0]
    if placed < TOO_FEW * meant - 3 * np.sqrt(meant) - 3:
        raise ValueError(
            f"density must be one that can be placed, got {meant:.0f} pores in the part where "
            f"{placed} ({100 * placed / meant:.0f} %) were reached"
        )


def _counts(columns: Mapping[str, NDArray[Any]]) -> dict[str, int]:
    cut, opened = columns["cut"], columns["opened"]
    return {
        "placed": len(cut),
        "closed": int((~cut & ~opened).sum()),
        "opened": int((~cut & opened).sum()),
        "cut": int(cut.sum()),
    }


def _meant(sampler: CandidateSampler, geometry: Geometry) -> dict[str, int]:
    if not isinstance(geometry, Cylinder | RoughBox):
        return {}
    return {"meant": round(sampler.rate * geometry.shape[0])}


@kernel("parts.Painter")
@dataclass(frozen=True)
class Painter:
    """Phases of any box of a planned part.

    Attributes
    ----------
    geometry
        The part.
    pores
        The plan, sorted by the z of the corners.
    shapes
        The bank.
    """

    geometry: Geometry
    pores: Candidates
    shapes: Shapes

    @cached_property
    def _tallest(self) -> int:
        return int(self.shapes.extents[:, 0].max(initial=0))

    def __call__(self, origin: Index, shape: Shape) -> NDArray[np.uint8]:
        """The phases of the box of `shape` voxels at `origin`."""
        z, y, x = origin
        grown = (shape[0] + 2, shape[1] + 2, shape[2] + 2)
        block = without_specks(self.geometry.inside((z - 1, y - 1, x - 1), grown))
        low = np.searchsorted(self.pores.corner[:, 0], origin[0] - self._tallest, side="left")
        high = np.searchsorted(self.pores.corner[:, 0], origin[0] + shape[0], side="left")
        stamp(
            block,
            origin,
            np.arange(low, high),
            self.pores.corner,
            self.pores.shape,
            *self.shapes,
        )
        return block


def _paint(
    painter: Painter, out: Path, *, recipe: Mapping[str, Any], counts: Mapping[str, int], run: Run
) -> Volume:
    spec = _spec(painter.geometry, {**recipe, "pores": dict(counts)})
    whole = {"sampler": "generated part", "version": VERSION, **recipe}
    return fill_pass(PAINT.but(kernel=painter), out, spec=spec, recipe=whole, run=run)


def _spec(geometry: Geometry, generated: Mapping[str, Any]) -> VolumeSpec:
    edge = geometry.voxel_um
    return VolumeSpec(
        geometry.shape,
        np.dtype(np.uint8),
        (edge, edge, edge),
        attributes={"kind": "phases", "generated": dict(generated)},
        pyramid="max",
    )
