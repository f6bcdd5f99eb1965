"""Memory of the passes of `stitch_windows`, block by block, from the lattice itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import DTypeLike

from poroscale.engine.passes import Pass
from poroscale.engine.plan import CHUNK_BUFFERS, Need
from poroscale.engine.stitching.lattice import Axis, Lattice, Windows
from poroscale.volume import Shape, VolumeSpec

if TYPE_CHECKING:
    from poroscale.engine.stitching.tasks import Infer

SLAB = 1 << 18
"""Voxels that are finished at a time: what is made on the way stays in the processor's cache."""
SLAB_BYTES = 48
"""Bytes that a voxel of a slab takes while it is finished: floats, and those of `infer.finish`."""
COPIES = 3
"""Arrays that are read from a log lie in memory as stored, decompressed, and as an array of their
own; those that are logged, as they are and compressed."""

Extents = tuple[int, int, int, int]
"""Voxels along one axis of a block: itself, its core, what is read, what is summed."""


@dataclass(frozen=True)
class WindowNeed(Need):
    """The need of both passes.

    Attributes
    ----------
    lattice
        The windows.
    sums
        Bytes of a voxel of the sums.
    infer
        Bytes of the batches and of what infers them.
    inside
        Bytes per voxel read, for the mask of the part.
    """

    lattice: Lattice | None = None
    sums: int = 4
    infer: int = 0
    inside: float = 0.0

    def task(self, block: Shape, chunks: Shape) -> int:
        """Bytes of one task, of either pass, on the block that takes most."""
        assert self.lattice is not None
        kinds = [
            _extents(axis, edge, halo)
            for axis, edge, halo in zip(
                self.lattice.axes, block, self.lattice.windows.halos, strict=True
            )
        ]
        flight = CHUNK_BUFFERS * min(prod(chunks), prod(block)) * (self.read + self.write)
        return int(max(self._block(each) for each in product(*kinds)) + flight)

    def _block(self, extents: tuple[Extents, ...]) -> float:
        block, core, read, summed = (prod(along) for along in zip(*extents, strict=True))
        kept, shell = summed - core, block - core
        stored = kept * self.sums + core * self.write
        summing = summed * self.sums
        slabs = SLAB_BYTES * max(SLAB, block // min(each[0] for each in extents))
        inferring = summing + self.infer + read * (2 * self.read + self.inside)
        keeping = summing + stored + slabs
        # The neighbours' shares come one by one, each as it was stored and as an array.
        adding = block * self.write + shell * self.sums + slabs
        adding += COPIES * max(kept * self.sums, core * self.write)
        return max(inferring, keeping, COPIES * stored, adding)


@dataclass(frozen=True)
class WindowPass(Pass):
    """Both passes of `stitch_windows`, declared as one; `kernel` is what infers.

    Attributes
    ----------
    writes
        uint8 or uint16, a score of 1 being the largest integer; float16 or float32.
    windows
        Settings for cutting the volume.
    shape
        Of the volume, by which the lattice of windows is laid.
    inside
        Bytes that the mask of the part takes for each voxel read.
    """

    writes: DTypeLike | None = np.uint8
    windows: Windows = field(default_factory=Windows)
    shape: Shape = (1, 1, 1)
    inside: float = 0.0

    @property
    def lattice(self) -> Lattice:
        """The windows of the volume."""
        return Lattice(self.windows, self.shape)

    @property
    def need(self) -> WindowNeed:
        """Needs of both passes."""
        sums = self.lattice.point(self.kernel.bound).dtype.itemsize
        batches = 2 * 4 * self.windows.batch * prod(self.windows.input_edges)
        return WindowNeed(
            read=self.read_bytes,
            write=self.written_bytes,
            stored=self.stored_bytes + sums,
            lattice=self.lattice,
            sums=sums,
            infer=batches + int(getattr(self.kernel, "memory", 0)),
            inside=self.inside,
        )


def window_need(
    infer: Infer, spec: VolumeSpec, windows: Windows, *, dtype: DTypeLike, inside: float = 0.0
) -> WindowNeed:
    """Need of `stitch_windows` in memory and on disk.

    Parameters
    ----------
    infer, windows, dtype
        As there.
    spec
        Of the volume.
    inside
        Bytes that the mask of the part takes for each voxel read.
    """
    return WindowPass(
        "windows",
        infer,
        reads=(spec.dtype,),
        writes=dtype,
        windows=windows,
        shape=spec.shape,
        inside=inside,
    ).need


def _extents(axis: Axis, block: int, halo: int) -> set[Extents]:
    """The kinds of blocks along one axis."""
    found = set()
    for start in range(0, axis.extent, block):
        stop = min(start + block, axis.extent)
        origins = axis.owned(start, stop)
        summed = axis.reach(start, stop) - start
        read = int(origins[-1] - origins[0]) + axis.edge + 2 * halo if len(origins) else 0
        found.add((stop - start, stop - axis.settled(start, stop), read, summed))
    return found
