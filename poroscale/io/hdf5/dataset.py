"""HDF5, NeXus and netCDF-4: a dataset as a source."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from typing_extensions import override

from poroscale.io.hdf5.chunks import check_hdf5_chunks, require_filters
from poroscale.io.hdf5.deflate import is_deflated, read_deflated
from poroscale.io.hdf5.links import follow, refuse_holes, refuse_projections
from poroscale.io.hdf5.scale import axis_names, position_of, voxel_size_of
from poroscale.io.read.axes import StoredAxes, stored_axes
from poroscale.io.read.calibrated import Calibrated, calibration_of
from poroscale.io.read.position import placed
from poroscale.io.read.source import BlockHint, Source, Voxels, require_numeric
from poroscale.volume import Index, Shape

if TYPE_CHECKING:
    import h5py

HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf", ".nxs", ".nx", ".vtkhdf", ".he5", ".nc", ".nc4")
LARGEST_CHUNK = 1 << 30
# What h5py lets out of a damaged file.
_DAMAGE = (OSError, RuntimeError, KeyError, TypeError, AttributeError, OverflowError, EOFError)


@dataclass(frozen=True, kw_only=True)
class Hdf5Source(Source):
    """One dataset, whose axes may come in any order.

    `path` is the file that holds it, `chunks` has an entry for each stored axis.
    """

    path: Path
    dataset: str
    axes: StoredAxes
    chunks: tuple[int, ...] | None
    missing: tuple[float, ...] = ()

    @property
    @override
    def name(self) -> str:
        return f"{self.path.name}::{self.dataset}"

    @property
    @override
    def preferred_block(self) -> BlockHint:
        rows = (*(1 for _ in self.axes.names[1:]), None)
        return self.axes.by_axis(self.chunks or rows, 1)

    @property
    @override
    def temporary(self) -> float:
        return self.axes.temporary(self.dtype)

    @override
    def fingerprint(self) -> dict[str, Any]:
        return {
            "format": "HDF5",
            "file": self.path.name,
            "bytes": self.path.stat().st_size,
            "dataset": self.dataset,
        }

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        import h5py

        where = self.axes.where(origin, shape)
        try:
            with h5py.File(self.path, "r") as file:
                found = file[self.dataset]
                box = _read(found, where, self.name)
        except _DAMAGE as error:
            if str(error).startswith(self.name):
                raise
            raise OSError(f"{self.name} cannot be read: {error}") from error
        return self.axes.arranged(box, shape, self.dtype)


def _read(found: h5py.Dataset, where: tuple[slice, ...], name: str) -> Voxels:
    if is_deflated(found):
        return read_deflated(found, where, name)
    require_filters(found, name)
    check_hdf5_chunks(found, where, name)
    return np.asarray(found[where])


def open_hdf5(path: Path, dataset: str | None, channel: int | str | None = None) -> Source:
    """The source for `dataset` of an HDF5 file, or for its only volume.

    Parameters
    ----------
    path
        The file.
    dataset
        Path in it; links are followed within the folder of the file.
    channel
        Index along an axis that is none of z, y, x.

    Raises
    ------
    ValueError
        If the file is no HDF5, the dataset is missing or not unique, it is no volume, or a part of
        it was never written or lies elsewhere.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            name = dataset or _only_volume(file, path)
        target, inside = follow(path, name)
        with h5py.File(target, "r") as file:
            found = _dataset(file, inside, path, name)
            refuse_projections(found, f"{target.name}::{inside}")
            refuse_holes(found, path)
            return _source(target, found, inside, channel)
    except _DAMAGE as error:
        raise ValueError(f"{path.name}: not a complete HDF5 file: {error}") from error


def _source(path: Path, found: h5py.Dataset, inside: str, channel: int | str | None) -> Source:
    name = f"{path.name}::{inside}"
    axes = stored_axes(axis_names(found), found.shape, name=name, channel=channel)
    dtype = require_numeric(np.dtype(np.uint8) if found.dtype == np.bool_ else found.dtype, name)
    chunk_bytes = prod(found.chunks or (1,)) * found.dtype.itemsize
    if chunk_bytes > LARGEST_CHUNK:
        raise ValueError(f"{name}: chunks must be at most 1 GiB, got {chunk_bytes} bytes")
    require_filters(found, name)
    calibration = calibration_of(found.attrs, dtype, name)
    plain = Hdf5Source(
        shape=axes.shape_of(found.shape, name),
        dtype=dtype,
        voxel_size=voxel_size_of(found, axes, name),
        path=path,
        dataset=inside,
        axes=axes,
        chunks=found.chunks,
        missing=calibration.missing,
    )
    return placed(Calibrated.of(plain, calibration), position_of(found, axes))


def _dataset(file: h5py.File, inside: str, path: Path, name: str) -> h5py.Dataset:
    import h5py

    found = file.get(inside)
    if not isinstance(found, h5py.Dataset):
        there = ", ".join(_volumes(file)) or "none"
        raise ValueError(f"{path.name}: there is no dataset {name!r}; volumes: {there}")
    return found


def _only_volume(file: h5py.File, path: Path) -> str:
    names = _volumes(file)
    if len(names) != 1:
        there = f"several ({', '.join(names)})" if names else "none"
        raise ValueError(
            f"{path.name}: the file must hold one volume, got {there}; "
            f"name the dataset: {path.name}::/path/to/dataset"
        )
    return names[0]


def _volumes(file: h5py.File) -> list[str]:
    import h5py

    names: list[str] = []

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "uifb" and item.shape:
            sizes = [size for size in item.shape if size > 1]
            if len(item.shape) >= 3 and len(sizes) in {2, 3, 4}:
                names.append(f"/{name}")

    file.visititems(note)
    return names
