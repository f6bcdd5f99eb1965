"""Fields on cells, read at full resolution: a level between cells, a mask of coarse voxels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.identity import kernel
from poroscale.kernels.grey.solid_level import interpolate
from poroscale.volume import Index, Shape, Volume


@kernel("local.ArrayField")
@dataclass(frozen=True)
class ArrayField:
    """An array in memory, read as a volume is."""

    array: NDArray[Any]

    @property
    def shape(self) -> Shape:
        """Of the array."""
        z, y, x = self.array.shape
        return z, y, x

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the array."""
        return self.array.dtype

    def __call__(self, origin: Index, shape: Shape) -> NDArray[Any]:
        """The box of `shape` at `origin`."""
        z, y, x = (slice(o, o + n) for o, n in zip(origin, shape, strict=True))
        return self.array[z, y, x]


@kernel("local.LevelField")
@dataclass(frozen=True)
class LevelField:
    """A level stored on cells, linear between their centres.

    Attributes
    ----------
    cells
        float32, one value for each cell.
    shape
        Voxels of the field.
    factor
        Voxels along the edge of a cell.
    """

    cells: Volume | ArrayField
    shape: Shape
    factor: int
    dtype = np.dtype(np.float32)

    def __call__(self, origin: Index, shape: Shape) -> NDArray[Any]:
        """float32 of `shape`."""
        first, count = _cells_around(self.cells.shape, origin, shape, self.factor)
        return interpolate(self.cells(first, count), first, origin, shape, factor=self.factor)


@kernel("local.CoarseField")
@dataclass(frozen=True)
class CoarseField:
    """A volume of coarse voxels, each of which stands for a cube of voxels."""

    coarse: Volume
    shape: Shape
    factor: int

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the coarse volume."""
        return self.coarse.dtype

    def __call__(self, origin: Index, shape: Shape) -> NDArray[Any]:
        """The box of `shape` at `origin`."""
        rows = [
            np.minimum(np.arange(o, o + n) // self.factor, m - 1)
            for o, n, m in zip(origin, shape, self.coarse.shape, strict=True)
        ]
        first = (int(rows[0][0]), int(rows[1][0]), int(rows[2][0]))
        count = (
            int(rows[0][-1]) - first[0] + 1,
            int(rows[1][-1]) - first[1] + 1,
            int(rows[2][-1]) - first[2] + 1,
        )
        box = self.coarse(first, count)
        for axis in (2, 1, 0):  # the fastest axis while the box is smallest
            box = np.take(box, rows[axis] - first[axis], axis=axis)
        return box


def _cells_around(cells: Shape, origin: Index, shape: Shape, factor: int) -> tuple[Index, Shape]:
    """The box of cells between whose centres a box of voxels lies."""
    first, count = [], []
    for c, o, n in zip(cells, origin, shape, strict=True):
        low = int(np.floor((o + 0.5) / factor - 0.5))
        high = int(np.floor((o + n - 0.5) / factor - 0.5)) + 1
        low, high = min(max(low, 0), c - 1), min(max(high, 0), c - 1)
        first.append(low)
        count.append(high - low + 1)
    return (first[0], first[1], first[2]), (count[0], count[1], count[2])


@kernel("local.FrameRim")
@dataclass(frozen=True)
class FrameRim:
    """True within some voxels of the faces of a volume, but of an axis that is all rim.

    Beyond the frame nothing is known: the surface of a part that ends just there looks like a pore
    in the last voxels.
    """

    shape: Shape
    width: int
    dtype = np.dtype(bool)

    def __call__(self, origin: Index, shape: Shape) -> NDArray[Any]:
        """bool of `shape`."""
        rim = np.zeros(shape, bool)
        for axis, (o, n, whole) in enumerate(zip(origin, shape, self.shape, strict=True)):
            if whole > 4 * self.width:
                place = np.arange(o, o + n)
                near = (place < self.width) | (place >= whole - self.width)
                np.moveaxis(rim, axis, 0)[near] = True
        return rim
