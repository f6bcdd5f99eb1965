"""Arrays of numpy, dask, zarr and xarray as sources: nothing but the box that is read is computed.

The axes of a `DataArray` are found by their names, its voxel size and its place by its
coordinates. Any other array has the axes (z, y, x) and states no voxel size.
"""

from __future__ import annotations

import sys
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np
from typing_extensions import override

from poroscale.io.hdf5.scale import Coordinates, evenly_spaced
from poroscale.io.read.axes import StoredAxes, stored_axes
from poroscale.io.read.lengths import um_per
from poroscale.io.read.position import placed
from poroscale.io.read.source import BlockHint, Source, Voxels, as_shape, require_numeric
from poroscale.volume import Index, Shape, VoxelSize

CHUNKS_HELD = 3
"""Chunks of a dask array that the computation of one takes: itself, its input, and in between."""
_AXES = ("z", "y", "x")


def is_array(thing: object) -> bool:
    """True if `thing` is an array that `array_source` takes; no library is imported to find out."""
    return isinstance(thing, np.ndarray) or any(
        _is(thing, name) for name in ("dask.array:Array", "zarr:Array", "xarray:DataArray")
    )


def dask_name(thing: Any) -> str | None:
    """The name of a dask array, or of the one in a `DataArray`; None of any other array."""
    data = thing.data if _is(thing, "xarray:DataArray") and thing.chunks is not None else thing
    return str(data.name) if _is(data, "dask.array:Array") else None


def array_source(thing: Any, *, name: str, sized: bool = False) -> Source:
    """The source of an array.

    Parameters
    ----------
    thing
        A numpy array, dask array, `zarr.Array` or `xarray.DataArray` of bool, integers or floats,
        with the axes z, y, x in this order, or under these names in any order. Two axes
        (y, x) are one slice.
    name
        Name in error messages.
    sized
        The voxel size is known from elsewhere: coordinates that give none are no error.

    Returns
    -------
    Source
        Its dtype is that of the array, uint8 for bool. Its voxel size is None where the array
        states none. Voxels along an axis of falling coordinates are read in reverse, so that
        every voxel keeps its place.

    Raises
    ------
    ValueError
        If the array is not one volume, or its coordinates are missing, uneven or without a unit of
        length.
    TypeError
        If it is masked.
    """
    if isinstance(thing, np.ma.MaskedArray):
        raise TypeError(f"{name} must not be masked; fill it first, as array.filled(0)")
    if _is(thing, "xarray:DataArray"):
        return _labelled(thing, name, sized)
    if _is(thing, "dask.array:Array"):
        chunks = _chunks(thing, name)
        return DaskSource(**_common(thing, None, name), array=thing, chunks=chunks)
    if _is(thing, "zarr:Array"):
        return _of_zarr(thing, name)
    return ArraySource(**_common(thing, None, name), array=thing)


@dataclass(frozen=True, kw_only=True)
class ArraySource(Source):
    """An array that is sliced box by box.

    Attributes
    ----------
    array
        Indexed by one slice an axis; numpy makes an array of what that gives.
    axes
        Axes of the array that are z, y and x.
    reverse
        True for each of the axes z, y, x that is read from its end.
    label
        Name in error messages.
    """

    array: Any
    axes: StoredAxes
    reverse: tuple[bool, bool, bool] = (False, False, False)
    label: str

    @property
    @override
    def name(self) -> str:
        return self.label

    @property
    @override
    def preferred_block(self) -> BlockHint:
        if isinstance(self.array, np.ndarray):
            return (1, 1, None)
        chunks = getattr(self.array, "shards", None) or getattr(self.array, "chunks", None)
        return self.axes.by_axis(chunks, 1) if chunks else (1, None, None)

    @property
    @override
    def temporary(self) -> float:
        return self.dtype.itemsize * (2.0 if self.axes.turned or any(self.reverse) else 1.0)

    @override
    def fingerprint(self) -> dict[str, Any]:
        return {"format": "array", "file": self.label}

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        start = tuple(
            n - o - size if back else o
            for n, o, size, back in zip(self.shape, origin, shape, self.reverse, strict=True)
        )
        box = self._stored(self.axes.where((start[0], start[1], start[2]), shape))
        forth = self.axes.arranged(box, shape, self.dtype)
        steps = tuple(slice(None, None, -1 if back else 1) for back in self.reverse)
        turned = np.ascontiguousarray(forth[steps])
        return turned.copy() if np.may_share_memory(turned, box) else turned

    def _stored(self, where: tuple[slice, ...]) -> Voxels:
        return np.asarray(self.array[where])


@dataclass(frozen=True, kw_only=True)
class DaskSource(ArraySource):
    """A dask array, of which one chunk after another is computed.

    Where a Dask client is connected, or a scheduler is configured, it computes the chunks; the
    thread that reads does so otherwise.

    Attributes
    ----------
    chunks
        Sizes of the chunks along each axis of the array.
    """

    chunks: tuple[tuple[int, ...], ...]

    @property
    @override
    def preferred_block(self) -> BlockHint:
        return self.axes.by_axis([max(sizes) for sizes in self.chunks], 1)

    @property
    @override
    def per_read(self) -> int:
        largest = prod(max(sizes) for sizes in self.chunks)
        return CHUNKS_HELD * largest * int(self.array.dtype.itemsize)

    @override
    def _stored(self, where: tuple[slice, ...]) -> Voxels:
        box = np.empty([part.stop - part.start for part in where], self.array.dtype)
        pieces = [_pieces(part, sizes) for part, sizes in zip(where, self.chunks, strict=True)]
        for piece in product(*pieces):
            numbers, inside, target = zip(*piece, strict=True)
            box[target] = self._chunk(numbers)[inside]
        return box

    def _chunk(self, numbers: tuple[int, ...]) -> Voxels:
        """One chunk. A slice of the array would be optimised with the graph of the whole array."""
        from dask.base import get_scheduler
        from dask.local import get_sync

        key: Hashable = (self.array.name, *numbers)
        graph = self.array.__dask_graph__().cull({key})
        compute = get_scheduler() or get_sync
        return np.asarray(compute(graph, key))


def _pieces(part: slice, sizes: Sequence[int]) -> Iterator[tuple[int, slice, slice]]:
    """Chunks along one axis that `part` meets: number, where in the chunk, where in the box."""
    begin = 0
    for number, size in enumerate(sizes):
        low, high = max(part.start, begin), min(part.stop, begin + size)
        if low < high:
            inside = slice(low - begin, high - begin)
            yield number, inside, slice(low - part.start, high - part.start)
        begin += size


def _is(thing: object, where: str) -> bool:
    """True if `thing` is of a class of a library, which has been imported if it is."""
    module, _, name = where.partition(":")
    found = getattr(sys.modules.get(module), name, None)
    return isinstance(found, type) and isinstance(thing, found)


def _common(array: Any, names: Sequence[str | None] | None, name: str) -> dict[str, Any]:
    """Shape, dtype and axes of an array, which are checked."""
    _refuse_more(array.shape, names, name)
    axes = stored_axes(names, array.shape, name=name, channel=None)
    stored = np.dtype(array.dtype)
    dtype = np.dtype(np.uint8) if stored == np.bool_ else stored
    if dtype == np.float16:
        raise TypeError(f"{name} must not be float16; give array.astype('float32')")
    return {
        "shape": as_shape(axes.shape_of(array.shape, name), name),
        "dtype": require_numeric(dtype, name),
        "voxel_size": None,
        "axes": axes,
        "label": name,
    }


def _refuse_more(shape: Sequence[int], names: Sequence[str | None] | None, name: str) -> None:
    """Refuse an array with more axes than those of a volume."""
    words = list(names or [f"axis {i}" for i in range(len(shape))])
    if names and {"y", "x"} <= {str(word).lower() for word in words}:
        more = [
            f"{word} of {n}"
            for word, n in zip(words, shape, strict=True)
            if n != 1 and str(word).lower() not in _AXES
        ]
    else:
        more = ["another axis"] if sum(n != 1 for n in shape) > 3 else []
    if more:
        raise ValueError(
            f"{name} must be one volume (z, y, x), got {' x '.join(map(str, shape))} with "
            f"{', '.join(more)} besides; take one index of it first"
        )


def _chunks(array: Any, name: str) -> tuple[tuple[int, ...], ...]:
    if any(np.isnan(size) for sizes in array.chunks for size in sizes):
        raise ValueError(
            f"{name} must have chunks of known sizes; call array.compute_chunk_sizes() first"
        )
    return tuple(tuple(int(size) for size in sizes) for sizes in array.chunks)


def _of_zarr(array: Any, name: str) -> Source:
    """A zarr array: as its folder is read where it lies in one, sliced otherwise."""
    from zarr.storage import LocalStore

    from poroscale.io.zarr_stores.array import open_zarr

    if isinstance(array.store, LocalStore):
        return open_zarr(array.store.root, array.path or None)
    names = list(getattr(array.metadata, "dimension_names", None) or ()) or None
    return ArraySource(**_common(array, names, name), array=array)


def _labelled(array: Any, name: str, sized: bool) -> Source:
    """A `DataArray`: its axes by their names, voxel size and position by its coordinates."""
    names = [str(dim) for dim in array.dims]
    common = _common(array, names, name)
    axes: StoredAxes = common["axes"]
    dims = axes.by_axis(names, None)
    places = tuple(_coordinates(array, dim, name, needed=not sized) for dim in dims)
    common["voxel_size"] = _voxel_size(array, places, name, needed=not sized)
    common["reverse"] = tuple(_falls(array, dim) for dim in dims)
    if array.chunks is None:
        source: Source = ArraySource(**common, array=array.variable)
    else:
        data = array.data
        source = DaskSource(**common, array=data, chunks=_chunks(data, name))
    return placed(source, _position(places, source))


def _coordinates(array: Any, dim: str | None, name: str, *, needed: bool) -> Coordinates | None:
    """Even coordinates along one axis [um]; None along an axis of one voxel, which has no step.

    Raises
    ------
    ValueError
        If they are `needed`, and missing, uneven or without a unit of length.
    """
    if dim is None or array.sizes[dim] == 1:
        return None
    if dim not in array.coords:
        why = f"has no coordinates along {dim}"
    else:
        found = array.coords[dim]
        unit = found.attrs.get("units", found.attrs.get("unit"))
        if (even := evenly_spaced(found.to_numpy(), unit)) is not None and even.step:
            return even
        why = f"has coordinates along {dim} that are not evenly spaced"
        if um_per(unit) is None:
            why = f"states no unit of length for {dim} (its attribute 'units' is {unit!r})"
    if needed:
        raise ValueError(f"{name} {why}; give voxel_size, in um")
    return None


def _falls(array: Any, dim: str | None) -> bool:
    """True if the coordinates of an axis become smaller along it."""
    places = array.coords[dim].to_numpy() if dim in array.coords else np.zeros(0)
    if len(places) < 2 or places.dtype.kind not in "uif":
        return False
    return bool(places[-1] < places[0])


def _voxel_size(
    array: Any, places: Sequence[Coordinates | None], name: str, *, needed: bool
) -> VoxelSize | None:
    """Steps of the coordinates; of an axis of one voxel what `Volume.to_xarray` has stated."""
    stated = array.attrs.get("voxel_size_um")
    edges: list[Any] = list(stated) if stated is not None and len(stated) == 3 else [None] * 3
    sizes = [
        edge if place is None else abs(place.step)
        for place, edge in zip(places, edges, strict=True)
    ]
    if None in sizes:
        if needed:
            axis = _AXES[sizes.index(None)]
            raise ValueError(f"{name} has one voxel along {axis}; give voxel_size, in um")
        return None
    return float(sizes[0]), float(sizes[1]), float(sizes[2])


def _position(
    places: Sequence[Coordinates | None], source: Source
) -> tuple[float, float, float] | None:
    """Centre (z, y, x) of the first voxel [um], where all coordinates are known."""
    if source.voxel_size is None:
        return None
    firsts = []
    for place, edge, n in zip(places, source.voxel_size, source.shape, strict=True):
        if place is None and n > 1:
            return None
        last = 0.0 if place is None else place.first + (n - 1) * place.step
        firsts.append(edge / 2 if place is None else min(place.first, last))
    return firsts[0], firsts[1], firsts[2]
