"""Lazy views of what is read box by box: as a dask array, and as a labelled `DataArray`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

if TYPE_CHECKING:
    import dask.array
    import xarray

Triple = tuple[int, int, int]


class ReadByBox:
    """A (z, y, x) array that is read box by box, with what numpy and dask expect of an array.

    Who derives from it has `shape`, `dtype` and `read(origin, shape)`.
    """

    if TYPE_CHECKING:

        @property
        def shape(self) -> Triple:
            """Voxels along (z, y, x)."""

        @property
        def dtype(self) -> np.dtype[Any]:
            """Type of the voxels."""

        def read(self, origin: Triple | None = None, shape: Triple | None = None) -> NDArray[Any]:
            """The box of `shape` voxels at `origin`; all voxels without them."""

    @property
    def ndim(self) -> int:
        """Number of axes, 3."""
        return 3

    @property
    def size(self) -> int:
        """Number of voxels."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Size of the voxels in memory [bytes]."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """All voxels, read into memory: `numpy.asarray(volume)`."""
        if copy is False:
            raise ValueError("voxels are read from disk into a new array: copy cannot be False")
        return self.read().astype(dtype or self.dtype, copy=False)

    def __getitem__(self, index: Any) -> NDArray[Any]:
        """The voxels at an index of integers, slices and `...`, read at once.

        Only the box around them is read, as from a `zarr.Array`; `to_dask()` reads later.

        Raises
        ------
        IndexError
            If the index leaves the array or has too many entries.
        TypeError
            If an entry is neither an integer nor a slice nor `...`.
        OSError
            If what is on disk is not what was written.
        """
        wanted = [_range(i, n) for i, n in zip(_whole(index), self.shape, strict=True)]
        z, y, x = (min(r[0], r[-1]) if r else 0 for r, _ in wanted)
        dz, dy, dx = (abs(r[-1] - r[0]) + 1 if r else 0 for r, _ in wanted)
        box = self.read((z, y, x), (dz, dy, dx))
        return box[tuple(0 if single else slice(None, None, r.step) for r, single in wanted)]


def _whole(index: Any) -> tuple[Any, ...]:
    """One entry for each axis: slices of everything stand for `...` and for what is left out."""
    given = index if isinstance(index, tuple) else (index,)
    if sum(entry is Ellipsis for entry in given) > 1:
        raise IndexError("an index must hold one '...' at most")
    if not any(entry is Ellipsis for entry in given):
        given = (*given, Ellipsis)
    left = 3 - (len(given) - 1)
    if left < 0:
        raise IndexError(f"an index must have three entries at most, got {len(given) - 1}")
    place = next(i for i, entry in enumerate(given) if entry is Ellipsis)
    return (*given[:place], *[slice(None)] * left, *given[place + 1 :])


def _range(entry: Any, n: int) -> tuple[range, bool]:
    """The places of one entry along an axis of `n`, and whether the axis goes."""
    if isinstance(entry, slice):
        return range(n)[entry], False
    if isinstance(entry, int | np.integer) and not isinstance(entry, bool):
        try:
            place = range(n)[int(entry)]
        except IndexError:
            raise IndexError(f"index {entry} must be within the {n} voxels of its axis") from None
        return range(place, place + 1), True
    raise TypeError(
        f"an index must hold integers, slices or '...', got {type(entry).__name__}; "
        "to_dask() takes others"
    )


def dask_array(source: ReadByBox, *, chunks: Triple, name: str) -> dask.array.Array:
    """A dask array of chunks that are read where they are computed.

    Parameters
    ----------
    source
        Source that is read; it must pickle.
    chunks
        Shape of a chunk.
    name
        Identity of the content: arrays of one name must hold the same voxels.
    """
    import dask.array

    return dask.array.from_array(
        source,
        chunks=chunks,
        name=name,
        fancy=False,
        meta=np.empty((0, 0, 0), source.dtype),
    )


def labelled(
    data: dask.array.Array,
    *,
    voxel_size: tuple[float, float, float],
    origin: Triple,
    name: str,
    attributes: Mapping[str, Any],
) -> xarray.DataArray:
    """A dask array with the centres of its voxels [um] as coordinates z, y, x.

    Parameters
    ----------
    data
        Voxels (z, y, x).
    voxel_size
        Edges of a voxel along (z, y, x) [um].
    origin
        Absolute index of the first voxel.
    name, attributes
        Of the array.
    """
    import xarray

    # By its name: what the accessor offers are verbs, which lie above.
    import_module("poroscale.accessor")
    coords = {
        axis: (axis, (np.arange(n) + first + 0.5) * edge, {"units": "um"})
        for axis, n, first, edge in zip("zyx", data.shape, origin, voxel_size, strict=True)
    }
    attrs = {"voxel_size_um": voxel_size, **attributes}
    return xarray.DataArray(data, coords, ("z", "y", "x"), name, attrs)
