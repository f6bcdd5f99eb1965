"""What a property is: a module with `plan`, `transport_along` and `about`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import BlockGrid, JobPlan, Pass, Run
from poroscale.engine.job_plan import driver_plan
from poroscale.engine.plan import TooLittleMemoryError
from poroscale.pipelines.transport.settings import TransportSettings
from poroscale.transport.found import AxisFound
from poroscale.volume import Volume

SaveField = Callable[[str, NDArray[np.float32] | Pass], None]
"""Keeps a field (nz, ny, nx) under a name, as "z_potential"; a pass makes it block by block."""
OF_FIELDS = 16
"""Bytes for each voxel of the fields of an axis that are kept."""


@dataclass(frozen=True)
class TransportPlan:
    """What a measurement takes.

    Attributes
    ----------
    job
        Memory and disk.
    chosen
        What the property has chosen for each axis, to be handed to it again.
    """

    job: JobPlan
    chosen: Mapping[int, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TransportInput:
    """What a property is measured of.

    Attributes
    ----------
    volume
        The phases.
    counts
        Voxels of each value.
    settings
        All settings.
    save
        Keeps local fields; None if they are not asked for.
    chosen
        That of the plan.
    work
        Folder for what a property keeps from axis to axis, which may not exist yet; it is removed
        once all is found.
    run
        Memory, workers and cluster.
    """

    volume: Volume
    counts: Mapping[int, int]
    settings: TransportSettings
    save: SaveField | None = None
    chosen: Mapping[int, Any] = field(default_factory=dict)
    work: Path = Path()
    run: Run = field(default_factory=Run)

    @property
    def voxels(self) -> int:
        """Voxels of the volume."""
        return sum(self.counts.values())

    def slabs(self) -> Iterator[NDArray[Any]]:
        """The voxels in slabs of whole chunks along z: the volume is never read at once."""
        (nz, ny, nx), step = self.volume.shape, self.volume.chunks[0]
        for z in range(0, nz, step):
            yield self.volume.read((z, 0, 0), (min(step, nz - z), ny, nx))

    @property
    def slab_bytes(self) -> int:
        """Size of the largest slab [bytes]."""
        nz, ny, nx = self.volume.shape
        return min(self.volume.chunks[0], nz) * ny * nx * self.volume.dtype.itemsize


class TransportProperty(Protocol):
    """The contract of a module in this folder."""

    def plan(self, given: TransportInput) -> TransportPlan:
        """What it takes; a ValueError for bad input, a MemoryError if the budget is too small."""
        ...

    def transport_along(self, given: TransportInput, axis: int) -> AxisFound:
        """The property along one axis; an ArithmeticError if the solver did not converge."""
        ...

    def about(self, given: TransportInput) -> dict[str, Any]:
        """JSON of what was asked for: "boundary", "tolerance", and what the property adds."""
        ...


def plan_in_memory(given: TransportInput, need: int, axes: int) -> JobPlan:
    """The plan of a solution that takes `need` bytes for one of some axes.

    Raises
    ------
    MemoryError
        If the budget cannot hold it.
    """
    shape = given.volume.shape
    kept = OF_FIELDS * given.voxels * axes if given.settings.transport.fields else 0
    plan = driver_plan(BlockGrid(shape, shape), need, given.run, disk=kept)
    if not plan.fits:
        raise TooLittleMemoryError(plan, "transport")
    return JobPlan({"transport": plan})
