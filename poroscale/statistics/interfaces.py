"""The pore space as a whole: its surface and its chords, in one pass over the phases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Halo, Reduction, Run, reduce_blocks
from poroscale.identity import kernel
from poroscale.kernels.bodies.interfaces import (
    BEYOND,
    OUTSIDE,
    PORE,
    SOLID,
    count_interfaces,
    specific_surface,
)
from poroscale.kernels.bodies.surface_area import EARLIER
from poroscale.statistics.sums import summed
from poroscale.volume import Index, Shape, Volume, VoxelSize

ALONG = tuple(EARLIER.index(step) for step in ((-1, 0, 0), (0, -1, 0), (0, 0, -1)))
"""Columns of the directions z, y, x."""


@dataclass(frozen=True)
class Interfaces:
    """Neighbours counted along thirteen directions, and pore voxels.

    Attributes
    ----------
    counts
        int64 (3, 13), as `count_interfaces` gives them, of the whole volume.
    pore_voxels
        Voxels of pore.
    shape, voxel_size
        Shape and voxel size [um] of the volume.
    """

    counts: NDArray[np.int64]
    pore_voxels: int
    shape: Shape
    voxel_size: VoxelSize

    @property
    def specific_surface(self) -> float:
        """Area of the interface of pore and solid per volume of the part [1/um]."""
        return specific_surface(self.counts, voxel_size=self.voxel_size)

    @property
    def mean_chords(self) -> tuple[float, float, float]:
        """Mean length of the chords of the pores along z, y, x [um].

        Pore voxels over half the number of chord ends. The edge of the volume ends no chord: the
        ends between the planes of voxels are scaled to as many as there are planes. Infinite where
        no chord ends.
        """
        z, y, x = (self._mean_chord(axis) for axis in range(3))
        return z, y, x

    def _mean_chord(self, axis: int) -> float:
        n = self.shape[axis]
        ends = int(self.counts[1:, ALONG[axis]].sum())
        if not ends:
            return float("inf") if self.pore_voxels else float("nan")
        return 2 * self.pore_voxels * self.voxel_size[axis] * (n - 1) / (ends * n)


def count_volume(
    phases: Volume, *, pore: int, outside: int | None, run: Run | None = None
) -> Interfaces:
    """Count the neighbours of a volume of phases.

    Parameters
    ----------
    phases
        Integers or bool, of which one value is pore.
    pore, outside
        Values of pore and of what is beyond the part; None where all is part.
    run
        Memory, workers and cluster; changes no number.
    """
    total = reduce_blocks(
        Reduction(_count_block, summed, lambda found: found, located=True),
        phases,
        halo=Halo.of(1, pad="edge"),
        parameters={"pore": pore, "outside": outside, "shape": phases.shape},
        bytes_per_voxel=4.0,
        run=run,
    )
    return Interfaces(total["counts"], int(total["pore"][0]), phases.shape, phases.voxel_size)


@kernel("statistics.count_block")
def _count_block(
    block: NDArray[Any], *, origin: Index, pore: int, outside: int | None, shape: Shape
) -> dict[str, NDArray[np.int64]]:
    kinds = np.full(block.shape, SOLID, np.uint8)
    if outside is not None:
        kinds[block == outside] = OUTSIDE
    kinds[block == pore] = PORE
    for axis, (first, n) in enumerate(zip(origin, shape, strict=True)):
        along = np.moveaxis(kinds, axis, 0)
        if first == 0:
            along[0] = BEYOND
        if first + len(along) - 2 == n:
            along[-1] = BEYOND
    inner = kinds[1:-1, 1:-1, 1:-1]
    pores = np.array([np.count_nonzero(inner == PORE)], np.int64)
    return {"counts": count_interfaces(kinds), "pore": pores}
