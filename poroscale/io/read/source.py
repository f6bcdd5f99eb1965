"""The contract of every foreign format: an object that gives any box of voxels, and no more.

A source knows its shape, dtype and voxel size from the header alone, reads only the box it is
asked for, and can be sent to another process. Everything else (blocks, journals, pyramids) is
the engine's work.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.identity import kernel
from poroscale.volume import Index, Shape, VoxelSize

Voxels = NDArray[Any]
BlockHint = tuple[int | None, int | None, int | None]


@kernel("io.Source")
@dataclass(frozen=True, kw_only=True)
class Source(ABC):
    """A (z, y, x) volume in some file, read box by box.

    Attributes
    ----------
    shape
        Number of voxels along z, y, x; every one at least 1.
    dtype
        Type of the arrays that are handed out, in the byte order of this machine.
    voxel_size
        Edges of a voxel along z, y, x [um], or None where the file does not state them.
    """

    shape: Shape
    dtype: np.dtype[Any]
    voxel_size: VoxelSize | None

    @property
    def origin(self) -> Index:
        """Absolute voxel index of the first voxel: not zero for a crop only."""
        return (0, 0, 0)

    @property
    def missing(self) -> tuple[float, ...]:
        """Values that the file says stand for no measurement; empty where it names none."""
        return ()

    @property
    def preferred_block(self) -> BlockHint:
        """The smallest block that decodes no stored byte twice; None means the whole axis."""
        return (1, None, None)

    @property
    def temporary(self) -> float:
        """Bytes per voxel of the box that a read takes besides the box itself."""
        return float(self.dtype.itemsize)

    @property
    def per_read(self) -> int:
        """Bytes that a read takes whatever the box: a strip or picture is decoded whole."""
        return 0

    @property
    def notes(self) -> tuple[str, ...]:
        """Clauses on what was guessed or left as stored; they stay with the volume."""
        return ()

    @property
    @abstractmethod
    def name(self) -> str:
        """Name of this source in error messages."""

    def slice_name(self, z: int) -> str:
        """Name of slice `z`, counted from 0, in error messages."""
        return f"slice {z}"

    @abstractmethod
    def read(self, origin: Index, shape: Shape) -> Voxels:
        """The voxels of a box that is known to lie inside the volume."""

    @abstractmethod
    def fingerprint(self) -> dict[str, Any]:
        """Identity of the input in a recipe: base names and sizes, no paths, no times."""

    def __call__(self, origin: Index, shape: Shape) -> Voxels:
        """The voxels of the box of `shape` whose first voxel is `origin`.

        Parameters
        ----------
        origin
            First voxel (z, y, x), counted from this source's own first voxel.
        shape
            Voxels along z, y, x.

        Returns
        -------
        ndarray
            Array of exactly `shape` and `dtype`, C-contiguous.

        Raises
        ------
        ValueError
            If the box reaches outside the volume.
        """
        inside = all(
            start >= 0 and size > 0 and start + size <= limit
            for start, size, limit in zip(origin, shape, self.shape, strict=True)
        )
        if not inside:
            raise ValueError(
                f"{self.name}: the box must lie inside the shape {self.shape}, "
                f"got origin {tuple(origin)} and shape {tuple(shape)}"
            )
        return self.read(origin, shape)


def require_numeric(dtype: np.dtype[Any], name: str) -> np.dtype[Any]:
    """`dtype` in this machine's byte order; anything but integers and floats is refused."""
    if dtype.kind not in "uif" or dtype.itemsize > 8:
        raise ValueError(f"{name}: voxels must be integers or floats, got {dtype}")
    # C has two types of 64 bits; Zarr knows the one that has this name
    return np.dtype(dtype.name)


def as_shape(values: Any, name: str) -> Shape:
    """Three positive sizes (z, y, x); two stand for a single slice.

    Further axes, in front or at the end, must have length 1: the voxels then lie as without them.
    """
    sizes = [int(value) for value in values]
    while len(sizes) > 3 and 1 in (sizes[0], sizes[-1]):
        sizes.pop(-1 if sizes[-1] == 1 else 0)
    if len(sizes) == 2:
        sizes.insert(0, 1)
    if len(sizes) != 3:
        raise ValueError(f"{name}: the array must have three axes (z, y, x), got shape {sizes}")
    if min(sizes) < 1:
        raise ValueError(f"{name}: every axis must hold at least one voxel, got shape {sizes}")
    return sizes[0], sizes[1], sizes[2]
