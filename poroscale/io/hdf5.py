"""HDF5 and NeXus: a dataset as a source; its voxel size from whichever attribute states it.

Looked at, in this order: VTKHDF's `Spacing`; `element_size_um` (Fiji's HDF5 plugin, ilastik);
`voxel_size`, `pixel_size`, `spacing` or `resolution` with `units` on the dataset; the evenly
spaced axes of an NXdata group; `x_pixel_size`, `pixel_size` and the like in the dataset's group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from typing_extensions import override

from poroscale.io.lengths import tidy, um_per, voxel_size_um
from poroscale.io.source import BlockHint, Source, Voxels, as_shape, require_numeric
from poroscale.volume import Index, Shape, VoxelSize

if TYPE_CHECKING:
    import h5py

HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf", ".nxs", ".nx", ".vtkhdf", ".he5")
LARGEST_CHUNK = 1 << 30
_SIZE_NAMES = ("voxel_size", "pixel_size", "spacing", "resolution")


@dataclass(frozen=True, kw_only=True)
class Hdf5Source(Source):
    """One dataset of two or more axes; axes before the last three have length 1."""

    path: Path
    dataset: str
    leading: int
    slices: bool
    chunks: Shape | None

    @property
    @override
    def name(self) -> str:
        return f"{self.path.name}::{self.dataset}"

    @property
    @override
    def preferred_block(self) -> BlockHint:
        return self.chunks or (1, 1, None)

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

        window = tuple(slice(o, o + s) for o, s in zip(origin, shape, strict=True))
        where = (0,) * self.leading + (window[1:] if self.slices else window)
        try:
            with h5py.File(self.path, "r") as file:
                box = file[self.dataset][where]
        except (OSError, RuntimeError, KeyError, TypeError) as error:
            raise OSError(f"{self.name} cannot be read: {error}") from error
        return np.ascontiguousarray(box.reshape(shape), dtype=self.dtype)


def open_hdf5(path: Path, dataset: str | None) -> Hdf5Source:
    """The source for `dataset` of an HDF5 file, or for its only volume.

    Raises
    ------
    ValueError
        If the file is no HDF5, the dataset is missing or not unique, or it is no volume.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            found = _named(file, dataset, path) if dataset else _only_volume(file, path)
            return _source(path, found)
    except (OSError, RuntimeError, KeyError, TypeError) as error:
        raise ValueError(f"{path.name}: not a complete HDF5 file: {error}") from error


def _source(path: Path, found: h5py.Dataset) -> Hdf5Source:
    name = f"{path.name}::{found.name}"
    shape = as_shape(found.shape, name)
    dtype = np.dtype(np.uint8) if found.dtype == np.bool_ else found.dtype
    chunk_bytes = prod(found.chunks or (1,)) * found.dtype.itemsize
    if chunk_bytes > LARGEST_CHUNK:
        raise ValueError(f"{name}: chunks must be at most 1 GiB, got {chunk_bytes} bytes")
    slices = len(found.shape) == 2
    return Hdf5Source(
        shape=shape,
        dtype=require_numeric(dtype, name),
        voxel_size=_voxel_size(found, name),
        path=path,
        dataset=found.name,
        leading=max(0, len(found.shape) - 3),
        slices=slices,
        chunks=None if found.chunks is None or slices else found.chunks[-3:],
    )


def _named(file: h5py.File, dataset: str, path: Path) -> h5py.Dataset:
    import h5py

    found = file.get(dataset)
    if not isinstance(found, h5py.Dataset):
        there = ", ".join(_volumes(file)) or "none"
        raise ValueError(f"{path.name}: there is no dataset {dataset!r}; volumes: {there}")
    return found


def _only_volume(file: h5py.File, path: Path) -> h5py.Dataset:
    names = _volumes(file)
    if len(names) != 1:
        there = f"several ({', '.join(names)})" if names else "none"
        raise ValueError(
            f"{path.name}: the file must hold one volume, got {there}; "
            f"name the dataset: {path.name}::/path/to/dataset"
        )
    return file[names[0]]


def _volumes(file: h5py.File) -> list[str]:
    import h5py

    names: list[str] = []

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "uifb":
            sizes = [size for size in item.shape if size > 1]
            if len(item.shape) >= 3 and len(sizes) in {2, 3}:
                names.append(f"/{name}")

    file.visititems(note)
    return names


def _voxel_size(found: h5py.Dataset, name: str) -> VoxelSize | None:
    for reader in (_vtkhdf, _element_size_um, _own_attributes, _nxdata_axes, _group_fields):
        size = reader(found, name)
        if size is not None:
            return size
    return None


def _vtkhdf(found: h5py.Dataset, name: str) -> VoxelSize | None:
    root = found.file.get("VTKHDF")
    if root is None or "Spacing" not in root.attrs:
        return None
    unit = _text(root.attrs.get("LengthUnit"))
    return voxel_size_um(root.attrs["Spacing"][::-1], unit, name)


def _element_size_um(found: h5py.Dataset, name: str) -> VoxelSize | None:
    said = found.attrs.get("element_size_um")
    return None if said is None else voxel_size_um(_three(said), "um", name)


def _own_attributes(found: h5py.Dataset, name: str) -> VoxelSize | None:
    for key in _SIZE_NAMES:
        if key in found.attrs:
            unit = found.attrs.get(f"{key}_units", found.attrs.get("units"))
            unit = found.attrs.get("unit", unit)
            return voxel_size_um(_three(found.attrs[key]), _text(unit), name)
    return None


def _nxdata_axes(found: h5py.Dataset, name: str) -> VoxelSize | None:
    axes = found.parent.attrs.get("axes")
    if axes is None or isinstance(axes, (str, bytes)) or len(axes) < 3:
        return None
    steps = [_step(found.parent.get(_text(axis) or "")) for axis in axes[-3:]]
    if any(step is None for step in steps):
        return None
    return voxel_size_um([step for step in steps if step is not None], "um", name)


def _step(axis: h5py.Dataset | None) -> float | None:
    """The even step of a coordinate axis in um."""
    if axis is None or axis.ndim != 1 or axis.shape[0] < 2:
        return None
    factor = um_per(_text(axis.attrs.get("units")))
    places = np.asarray(axis[()], np.float64)
    steps = np.diff(places)
    if factor is None or not np.allclose(steps, steps.mean(), rtol=1e-3, atol=0):
        return None
    return tidy(abs(places[-1] - places[0]) / (len(places) - 1) * factor)


def _group_fields(found: h5py.Dataset, name: str) -> VoxelSize | None:
    sizes = []
    for axis in "zyx":
        field = next(
            (
                found.parent[key]
                for base in ("voxel_size", "pixel_size")
                for key in (f"{axis}_{base}", base)
                if key in found.parent
            ),
            None,
        )
        factor = None if field is None else um_per(_text(field.attrs.get("units")))
        if field is None or factor is None or field.size != 1:
            return None
        sizes.append(float(np.asarray(field[()]).reshape(-1)[0]) * factor)
    return voxel_size_um(sizes, "um", name)


def _three(said: Any) -> Sequence[float]:
    values = [float(value) for value in np.atleast_1d(said)]
    return values * 3 if len(values) == 1 else values


def _text(said: Any) -> str | None:
    if isinstance(said, np.ndarray):
        said = said.reshape(-1)[0] if said.size else None
    return said.decode() if isinstance(said, bytes) else None if said is None else str(said)
