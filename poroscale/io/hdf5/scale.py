"""Axes, voxel size and position of an HDF5 dataset, from whichever attribute states them.

Names of the axes: dimension scales and labels (netCDF), `DIMENSION_LABELS`, `axistags` (ilastik),
`axes` of an NXdata group.

Voxel size, in this order: VTKHDF's `Spacing`; `element_size_um` (Fiji's HDF5 plugin, ilastik);
`voxel_size`, `pixel_size`, `spacing` or `resolution` with `units` on the dataset; evenly spaced
coordinates of the axes (NXdata, netCDF); `x_pixel_size`, `pixel_size` and the like beside it.

Position: VTKHDF's `Origin`, or the first of the coordinates.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from poroscale.io.read.axes import StoredAxes
from poroscale.io.read.lengths import tidy, um_per, voxel_size_um
from poroscale.volume import VoxelSize

if TYPE_CHECKING:
    import h5py

Position = tuple[float, float, float]
_SIZE_NAMES = ("voxel_size", "pixel_size", "spacing", "resolution")
_IDENTITY = np.eye(3).reshape(-1)


def axis_names(found: h5py.Dataset) -> list[str] | None:
    """Names of the axes of a dataset in the file; None if it does not state them."""
    labels = _labels(found)
    scales = _scales(found)
    names = [
        label or (scale.name.rpartition("/")[2] if scale is not None else "")
        for label, scale in zip(labels, scales, strict=True)
    ]
    if any(names):
        return names
    tags = _text(found.attrs.get("axistags"))
    if tags is not None:
        return _tagged(tags)
    axes = _nexus_axes(found)
    return axes and [name.rpartition("/")[2] for name in axes]


# Read from their attributes: HDF5's own functions for dimension scales crash on damaged ones.
def _labels(found: h5py.Dataset) -> list[str]:
    """`DIMENSION_LABELS`, one an axis; empty where there are none."""
    said = found.attrs.get("DIMENSION_LABELS", ())
    labels = [_text(label) or "" for label in np.asarray(said, object).reshape(-1)]
    return labels if len(labels) == found.ndim else [""] * found.ndim


def _scales(found: h5py.Dataset) -> list[h5py.Dataset | None]:
    """The first dimension scale of each axis, from `DIMENSION_LIST`; None where there is none."""
    import h5py

    said = found.attrs.get("DIMENSION_LIST", ())
    if len(said) != found.ndim:
        return [None] * found.ndim
    scales = [found.file[next(iter(each))] if len(each) else None for each in said]
    return [scale if isinstance(scale, h5py.Dataset) else None for scale in scales]


def _tagged(tags: str) -> list[str] | None:
    try:
        return [str(axis["key"]) for axis in json.loads(tags)["axes"]]
    except (ValueError, LookupError, TypeError):
        return None


def _nexus_axes(found: h5py.Dataset) -> list[str] | None:
    axes = found.parent.attrs.get("axes")
    if axes is None or isinstance(axes, (str, bytes)) or len(axes) != found.ndim:
        return None
    return [_text(axis) or "" for axis in axes]


@dataclass(frozen=True)
class Coordinates:
    """Evenly spaced places along one axis: the first, and the step from each to the next [um]."""

    first: float
    step: float


def voxel_size_of(found: h5py.Dataset, axes: StoredAxes, name: str) -> VoxelSize | None:
    """Edges of a voxel along (z, y, x) [um], None where the file states none with a unit.

    Raises
    ------
    ValueError
        If what is stated is no size, or the image is turned in space.
    """
    for reader in (_vtkhdf, _element_size_um, _own_attributes, _from_coordinates, _group_fields):
        size = reader(found, axes, name)
        if size is not None:
            return size
    return None


def position_of(found: h5py.Dataset, axes: StoredAxes) -> Position | None:
    """Position (z, y, x) of the first voxel [um]; None where the file states none with a unit."""
    root = found.file.get("VTKHDF")
    if root is not None and "Origin" in root.attrs:
        factor = um_per(_text(root.attrs.get("LengthUnit")))
        return None if factor is None else _vtkhdf_corner(root, factor)
    places = _coordinates(found, axes)
    if places is None or any(place.step <= 0 for place in places):
        return None
    return places[0].first, places[1].first, places[2].first


def _vtkhdf_corner(root: h5py.Group, factor: float) -> Position:
    spacing = np.asarray(root.attrs.get("Spacing", (1, 1, 1)), np.float64)
    extent = np.asarray(root.attrs.get("WholeExtent", (0,) * 6), np.float64)
    x, y, z = (np.asarray(root.attrs["Origin"], np.float64) + extent[::2] * spacing) * factor
    return tidy(float(z)), tidy(float(y)), tidy(float(x))


def _vtkhdf(found: h5py.Dataset, _axes: StoredAxes, name: str) -> VoxelSize | None:
    root = found.file.get("VTKHDF")
    if root is None or "Spacing" not in root.attrs:
        return None
    direction = np.asarray(root.attrs.get("Direction", _IDENTITY), np.float64)
    if direction.shape != (9,) or not np.allclose(direction, _IDENTITY):
        raise ValueError(
            f"{name}: the image is turned in space (Direction {direction.tolist()}), which is not "
            "read: resample it along its axes first"
        )
    unit = _text(root.attrs.get("LengthUnit"))
    return voxel_size_um(root.attrs["Spacing"][::-1], unit, name)


def _element_size_um(found: h5py.Dataset, axes: StoredAxes, name: str) -> VoxelSize | None:
    said = found.attrs.get("element_size_um")
    return None if said is None else voxel_size_um(_three(said, axes, name), "um", name)


def _own_attributes(found: h5py.Dataset, axes: StoredAxes, name: str) -> VoxelSize | None:
    for key in _SIZE_NAMES:
        if key in found.attrs:
            unit = found.attrs.get(f"{key}_units", found.attrs.get("units"))
            unit = found.attrs.get("unit", unit)
            return voxel_size_um(_three(found.attrs[key], axes, name), _text(unit), name)
    return None


def _from_coordinates(found: h5py.Dataset, axes: StoredAxes, name: str) -> VoxelSize | None:
    places = _coordinates(found, axes)
    if places is None:
        return None
    return voxel_size_um([place.step for place in places], "um", name)


def _coordinates(found: h5py.Dataset, axes: StoredAxes) -> tuple[Coordinates, ...] | None:
    """Of (z, y, x); None unless all three are evenly spaced lengths."""
    if "z" not in axes.names:
        return None
    named = _nexus_axes(found)
    stored = [found.parent.get(name) for name in named] if named else _scales(found)
    places = [_evenly_spaced(axis) for axis in axes.by_axis(stored, None)]
    known = [place for place in places if place is not None]
    return tuple(known) if len(known) == 3 else None


def _evenly_spaced(axis: h5py.Dataset | None) -> Coordinates | None:
    if axis is None or getattr(axis, "ndim", 0) != 1:
        return None
    return evenly_spaced(axis[()], _text(axis.attrs.get("units", axis.attrs.get("unit"))))


def evenly_spaced(places: Any, unit: str | None) -> Coordinates | None:
    """Coordinates of one axis in um; None where they are no even steps of a length."""
    factor = um_per(unit)
    if factor is None or len(places) < 2 or np.asarray(places).dtype.kind not in "uif":
        return None
    numbers = np.asarray(places, np.float64)
    steps = np.diff(numbers)
    if not np.isfinite(numbers).all() or not np.allclose(steps, steps.mean(), rtol=1e-3, atol=0):
        return None
    step = (numbers[-1] - numbers[0]) / (len(numbers) - 1)
    return Coordinates(tidy(float(numbers[0]) * factor), tidy(float(step) * factor))


def _group_fields(found: h5py.Dataset, _axes: StoredAxes, name: str) -> VoxelSize | None:
    sizes = []
    for axis in "zyx":
        keys = (f"{axis}_voxel_size", "voxel_size", f"{axis}_pixel_size", "pixel_size")
        field = next((found.parent[key] for key in keys if key in found.parent), None)
        factor = None if field is None else um_per(_text(field.attrs.get("units")))
        if field is None or factor is None or getattr(field, "size", 0) != 1:
            return None
        sizes.append(float(np.asarray(field[()]).reshape(-1)[0]) * factor)
    return voxel_size_um(sizes, "um", name)


def _three(said: Any, axes: StoredAxes, name: str) -> Sequence[float]:
    """One number, or one for each stored axis of z, y, x, as (z, y, x)."""
    values = [float(value) for value in np.atleast_1d(said)]
    if len(values) == len(axes.names):
        return axes.by_axis(values, values[0])
    spatial = sum(1 for axis in axes.names if axis)
    if len(values) == spatial:
        return axes.spatial(values, values[0])
    return values * 3 if len(values) == 1 else values


def _text(said: Any) -> str | None:
    if isinstance(said, np.ndarray):
        said = said.reshape(-1)[0] if said.size else None
    return said.decode() if isinstance(said, bytes) else None if said is None else str(said)
