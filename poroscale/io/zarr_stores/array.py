"""Zarr v2 and v3 arrays, in folders and zip files, made by others.

In Zarr a chunk that is not there reads as the fill value: that is the format, and a foreign
store has no manifest to tell a chunk left out on purpose from one that was lost.
"""

from __future__ import annotations

import zipfile
import zlib
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import override

from poroscale.engine.plan import CHUNKS_IN_FLIGHT
from poroscale.io.hdf5.scale import Coordinates, evenly_spaced
from poroscale.io.read.axes import StoredAxes, stored_axes
from poroscale.io.read.calibrated import Calibrated, calibration_of
from poroscale.io.read.position import placed
from poroscale.io.read.source import BlockHint, Source, Voxels, require_numeric
from poroscale.io.zarr_stores.chunk_bounds import check_codecs, check_zarr_chunks
from poroscale.io.zarr_stores.ngff import (
    Position,
    array_placement,
    image_of,
    image_placement,
    level_path,
)
from poroscale.io.zarr_stores.store import ZarrStore
from poroscale.volume import Index, Shape, VoxelSize

LARGEST_CHUNK = 1 << 30
_LONGEST = 1 << 20

# What zarr lets out when metadata make no sense to it; its own errors are ValueErrors.
_NOT_ZARR = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True, kw_only=True)
class ZarrSource(Source):
    """An array whose axes may come in any order; all but z, y, x have length 1 or one index taken.

    `array` is its path in the store, `chunks` the shape of a file along each stored axis.
    """

    store: ZarrStore
    array: str
    axes: StoredAxes
    chunks: tuple[int, ...]
    missing: tuple[float, ...] = ()

    @property
    @override
    def name(self) -> str:
        return _label(self.store.path, self.array)

    @property
    @override
    def preferred_block(self) -> BlockHint:
        return self.axes.by_axis(self.chunks, 1)

    @property
    @override
    def temporary(self) -> float:
        return self.axes.temporary(self.dtype)

    @override
    def fingerprint(self) -> dict[str, Any]:
        return {
            "format": "Zarr",
            "file": self.store.path.name,
            "array": self.array,
            "metadata": sha256(b"\0".join(self.store.metadata(self.array))).hexdigest(),
        }

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        import zarr

        where = self.axes.where(origin, shape)
        zarr.config.set({"async.concurrency": CHUNKS_IN_FLIGHT})  # as the memory plan counts them
        try:
            with self.store.node(self.array) as stored:
                check_zarr_chunks(stored, self.store, self.array, where)
                box = np.asarray(stored[where])
        except _NOT_ZARR as error:
            if isinstance(error, OSError) and str(self.store.path) in str(error):
                raise
            raise OSError(f"{self.name} cannot be read: {error}") from error
        return self.axes.arranged(box, shape, self.dtype)


def open_zarr(path: Path, dataset: str | None, channel: int | str | None = None) -> Source:
    """The source for a Zarr array, or for the full-resolution image of an OME-Zarr group.

    Parameters
    ----------
    path
        Folder of the store, or a zip file of one.
    dataset
        An array inside a group that is no OME-Zarr image, another level, or one of several images.
    channel
        Index along an axis that is none of z, y, x.

    Raises
    ------
    ValueError
        If there is no array, it is no single grey volume, or its chunks exceed 1 GiB.
    """
    store = ZarrStore.at(path)
    inside = _inside(dataset, path) if dataset else ""
    try:
        inside, image = _find(store, inside)
        with store.node(inside) as array:
            return _source(store, inside, array, image=image, channel=channel)
    except _NOT_ZARR as error:
        if isinstance(error, ValueError) and str(error).startswith(path.name):
            raise
        raise ValueError(f"{path.name}: not a readable Zarr store: {error}") from error


def _find(store: ZarrStore, inside: str) -> tuple[str, dict[str, Any] | None]:
    """Path of the array that `inside` leads to, and the OME-Zarr image that it is a level of."""
    import zarr

    name = store.path.name
    try:
        with store.node(inside) as node:
            if isinstance(node, zarr.Group):
                image = image_of(node.attrs, name)
                below = level_path(node, image, name, inside)
                return _find(store, _inside(f"{inside}/{below}", store.path))
    except FileNotFoundError as error:
        raise ValueError(f"{name}: there is no array {inside!r} in the store") from error
    if not inside:
        return inside, None
    above, _, level = inside.rpartition("/")
    try:
        with store.node(above) as group:
            image = image_of(group.attrs, name) if isinstance(group, zarr.Group) else None
    except FileNotFoundError:
        return inside, None  # an array in a folder that is no group
    return inside, image and {**image, "level": level}


def _inside(name: str, path: Path) -> str:
    """An array's path inside its store; `../` and links out of it are refused."""
    clean = name.strip("/")
    target = (path / clean).resolve()
    if not clean or ".." in clean.split("/") or not target.is_relative_to(path.resolve()):
        raise ValueError(f"{path.name}: the array must lie inside the store, got {name!r}")
    return clean


def _source(
    store: ZarrStore,
    inside: str,
    array: Any,
    *,
    image: dict[str, Any] | None,
    channel: int | str | None,
) -> Source:
    label = _label(store.path, inside)
    names = image["names"] if image else _dimension_names(array)
    axes = stored_axes(names, array.shape, name=label, channel=channel)
    chunk_bytes = prod(array.chunks) * array.dtype.itemsize
    if chunk_bytes > LARGEST_CHUNK:
        raise ValueError(f"{label}: chunks must be at most 1 GiB, got {chunk_bytes} bytes")
    check_codecs(array, label)
    dtype = require_numeric(np.dtype(np.uint8) if array.dtype == np.bool_ else array.dtype, label)
    size, position = _placement(store, inside, array, image, axes)
    calibration = calibration_of(_attributes(array), dtype, label)
    plain = ZarrSource(
        shape=axes.shape_of(array.shape, label),
        dtype=dtype,
        voxel_size=size,
        store=store,
        array=inside,
        axes=axes,
        chunks=tuple(array.shards or array.chunks),
        missing=calibration.missing,
    )
    return placed(Calibrated.of(plain, calibration), position)


def _placement(
    store: ZarrStore, inside: str, array: Any, image: dict[str, Any] | None, axes: StoredAxes
) -> tuple[VoxelSize | None, Position | None]:
    """Voxel size and position from the image, the coordinates, or the array's own attributes."""
    label = _label(store.path, inside)
    if image:
        return image_placement(image, axes, label)
    places = axes.by_axis(_coordinates(store, inside, array), None)
    z, y, x = places
    if z is None or y is None or x is None or min(z.step, y.step, x.step) <= 0:
        return array_placement(array, axes, label)
    return (z.step, y.step, x.step), (z.first, y.first, x.first)


def _coordinates(store: ZarrStore, inside: str, array: Any) -> list[Coordinates | None]:
    """The coordinates that xarray keeps beside an array, under the names of its axes."""
    above, found = inside.rpartition("/")[0], []
    for name in _dimension_names(array) or [None] * array.ndim:
        place = None
        with suppress(FileNotFoundError):
            if name and inside:
                place = _coordinate(store, _inside(f"{above}/{name}", store.path))
        found.append(place)
    return found


def _coordinate(store: ZarrStore, inside: str) -> Coordinates | None:
    import zarr

    with store.node(inside) as axis:
        if not isinstance(axis, zarr.Array) or axis.ndim != 1 or axis.dtype.kind not in "uif":
            return None
        unit = axis.attrs.get("units")
        if max(axis.size, *axis.chunks) > _LONGEST or not isinstance(unit, str):
            return None
        check_codecs(axis, _label(store.path, inside))
        check_zarr_chunks(axis, store, inside, [slice(0, axis.size)])
        return evenly_spaced(axis[...], unit)


def _dimension_names(array: Any) -> list[str | None] | None:
    """Names of the axes: Zarr v3's own, or those that xarray leaves among the attributes."""
    said = getattr(array.metadata, "dimension_names", None)
    return list(said or array.attrs.get("_ARRAY_DIMENSIONS") or ()) or None


def _attributes(array: Any) -> dict[str, Any]:
    """Attributes, with the fill value where xarray keeps what is missing in it (Zarr v2)."""
    attributes = dict(array.attrs)
    fill = array.fill_value
    of_xarray = array.metadata.zarr_format == 2 and "_ARRAY_DIMENSIONS" in attributes
    if of_xarray and fill is not None and np.isfinite(fill) and fill != 0:
        attributes.setdefault("_FillValue", fill)
    return attributes


def _label(path: Path, inside: str) -> str:
    return f"{path.name}/{inside}" if inside else path.name
