"""Slabs of a volume across its driven axis, and what passes over them leave in their journals.

A slab is a block of whole planes: each pass is a job of the engine over them. A record holds arrays
for the voxels of its slab that carry current, in scan order. What a neighbour needs of them, the
first and the last plane, is kept under names of its own, so that a halo costs two small reads.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import BlockGrid, Run
from poroscale.engine.jobs.job import Job
from poroscale.engine.jobs.job_file import read_job_file
from poroscale.engine.jobs.output import Output
from poroscale.engine.plan import Need
from poroscale.engine.stage import Stage, run_stage
from poroscale.kernels.conduction.numbering import with_margin
from poroscale.kernels.conduction.operator import FIRST, LAST, Pairs
from poroscale.kernels.conduction.slabs import number_slab
from poroscale.manifest import digest_of
from poroscale.transport.conduction.effective import Drive
from poroscale.transport.conduction.lattice import ConductingLattice, conductance_pairs
from poroscale.volume import Shape, Volume

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class SlabRecords:
    """What a pass has left of each slab; cheap to hand to a worker."""

    output: Output

    def load(self, number: int, *names: str) -> dict[str, NDArray[Any]]:
        """Arrays of the record of a slab.

        Raises
        ------
        OSError
            If the record is gone.
        """
        record = self.output.journal.find(number)
        if record is None:
            raise OSError(
                f"{self.output.path}: what was found of slab {number} is gone; remove "
                f"{self.output.path.parent} and run the job again"
            )
        return record.load(*names)

    def one(self, number: int, name: str) -> NDArray[Any]:
        """One array of the record of a slab."""
        return self.load(number, name)[name]


@dataclass(frozen=True)
class SlabMedium:
    """A volume as slabs of a lattice whose first axis is driven.

    Attributes
    ----------
    volume
        The phases.
    known
        Conductivity by value.
    drive
        Axis, edges of a voxel and sides.
    thickness
        Planes of a slab; 0 for one slab.
    """

    volume: Volume
    known: Mapping[int, float]
    drive: Drive
    thickness: int = 0

    @property
    def order(self) -> tuple[int, int, int]:
        """Axes of the volume in the order of the lattice."""
        first, *others = self.drive.axis, *(k for k in range(3) if k != self.drive.axis)
        return first, others[0], others[1]

    @property
    def shape(self) -> Shape:
        """Voxels of the lattice."""
        z, y, x = (self.volume.shape[k] for k in self.order)
        return z, y, x

    @property
    def grid(self) -> BlockGrid:
        """The slabs."""
        depth, height, width = self.shape
        return BlockGrid(self.shape, (min(self.thickness or depth, depth), height, width))

    @property
    def periodic(self) -> bool:
        """Whether opposite sides join."""
        return self.drive.sides == "periodic"

    @property
    def scale(self) -> float:
        """The largest conductivity."""
        return max(self.known.values()) or 1.0

    @property
    def conductivities(self) -> NDArray[np.float64]:
        """Conductivity over the scale by code, as `CodedPhases` gives it."""
        positive = sorted({value for value in self.known.values() if value > 0})
        return np.array([0.0, *(value / self.scale for value in positive)])

    @property
    def pairs(self) -> Pairs:
        """Conductance between neighbours of two codes."""
        z, y, x = (self.drive.voxel_size[k] for k in self.order)
        return conductance_pairs(self.conductivities, (z, y, x))

    def ends(self, number: int) -> int:
        """Driven faces that belong to a slab."""
        return FIRST * (number == 0) | LAST * (number == len(self.grid) - 1)


@dataclass(frozen=True)
class SlabLattice:
    """The voxels of a medium that carry current, as the pass over its aggregates has left them."""

    medium: SlabMedium
    carried: SlabRecords

    def lattice(self, number: int) -> ConductingLattice:
        """A slab, with the planes before and behind it as its margin."""
        medium, grid, carried = self.medium, self.medium.grid, self.carried
        codes = with_margin(carried.one(number, "codes"), periodic=medium.periodic)
        if number > 0:
            codes[0, 1:-1, 1:-1] = carried.one(number - 1, "codes_last")
        if number + 1 < len(grid):
            codes[-1, 1:-1, 1:-1] = carried.one(number + 1, "codes_first")
        numbers, (before, count, behind) = number_slab(codes, periodic=medium.periodic)
        return ConductingLattice(
            numbers,
            codes,
            medium.conductivities,
            medium.pairs,
            count,
            medium.ends(number),
            (before, behind),
            grid[number].origin[0],
            medium.shape[0],
        )

    def vector(
        self, lattice: ConductingLattice, of: SlabRecords, name: str, number: int
    ) -> NDArray[Any]:
        """A vector of a slab and of the planes beside it."""
        own = of.one(number, name)
        out = np.zeros(lattice.count + sum(lattice.beside), own.dtype)
        lattice.own(out)[:] = own
        if lattice.beside[0]:
            out[: lattice.beside[0]] = of.one(number - 1, f"{name}_last")
        if lattice.beside[1]:
            out[-lattice.beside[1] :] = of.one(number + 1, f"{name}_first")
        return out


def with_faces(lattice: ConductingLattice, **vectors: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Vectors of a slab as its record keeps them: its voxels, and its outermost planes again."""
    inner = lattice.codes[1:-1, 1:-1, 1:-1]
    first, last = np.count_nonzero(inner[0]), np.count_nonzero(inner[-1])
    found: dict[str, NDArray[Any]] = {}
    for name, vector in vectors.items():
        own = lattice.own(vector)
        found[name] = own
        found[f"{name}_first"], found[f"{name}_last"] = own[:first], own[len(own) - last :]
    return found


@dataclass(frozen=True)
class SlabPasses:
    """Runs passes over slabs as jobs in one folder, each with a folder and a journal of its own.

    Attributes
    ----------
    work
        The folder.
    grid
        The slabs.
    multiple
        Planes of which a slab is a multiple.
    recipe
        What the passes work on; no pass goes on with what another recipe has left.
    run
        Memory, workers and cluster.
    """

    work: Path
    grid: BlockGrid
    multiple: int
    recipe: Mapping[str, Any]
    run: Run

    def over(
        self,
        name: str,
        task: Callable[..., Any],
        need: Need,
        *,
        title: str = "",
        settled: bool = True,
    ) -> SlabRecords:
        """One pass: what is in its journal is not done again. Its records are on the disk then."""
        depth, height, width = self.grid.shape
        chunks = (min(self.multiple, depth), height, width)
        stage = Stage(task, self.grid.shape, chunks, need, title=title or name, settled=settled)
        run = self.run.but(block=self.grid.block, planned=True, overwrite=False)
        with Job(self.work / name, None, {**self.recipe, "pass": name}) as job:
            records = run_stage(stage, job, run)
            for log in {record.log for record in records.values()}:
                _sync(log)
            return SlabRecords(job.output)

    def left_by(self, name: str) -> SlabRecords:
        """What a pass has left that was done before, or by an earlier run."""
        folder = self.work / name
        return SlabRecords(Output(folder, None, "", digest_of(read_job_file(folder))))


def _sync(log: Path) -> None:
    """A later pass removes what this one was made from: the power may fail then."""
    with log.open("rb") as file:
        os.fsync(file.fileno())
