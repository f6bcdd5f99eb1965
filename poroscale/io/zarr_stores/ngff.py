"""Axes and positions from OME-Zarr metadata (0.1 to 0.5) or from the attributes of an array.

https://ngff.openmicroscopy.org/0.5/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from poroscale.io.read.axes import StoredAxes
from poroscale.io.read.lengths import tidy, um_per, voxel_size_um
from poroscale.volume import VoxelSize

Position = tuple[float, float, float]
_OLD_AXES = "tczyx"
"""Order of the axes before version 0.3, in which images do not list them."""


def image_of(attributes: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """The first multiscale image in a group's attributes, with the `names` of its axes.

    Raises
    ------
    ValueError
        If its metadata are not whole.
    """
    said = dict(attributes)
    images = (
        said.get("ome", said).get("multiscales")
        if isinstance(said.get("ome", said), dict)
        else None
    )
    if not images:
        return None
    image = images[0] if isinstance(images, list) else None
    if not isinstance(image, dict) or not image.get("datasets"):
        raise ValueError(f"{name}: its multiscales metadata must list axes and datasets")
    axes = image.get("axes")
    if not axes and str(image.get("version")) in {"0.1", "0.2"}:
        axes = list(_OLD_AXES)
    if not axes:
        raise ValueError(f"{name}: its multiscales metadata must list axes and datasets")
    names = [str(axis["name"] if isinstance(axis, dict) else axis) for axis in axes]
    return {**image, "axes": axes, "names": names}


def level_path(group: Any, image: dict[str, Any] | None, name: str, inside: str) -> str:
    """The full resolution of `image`, or the only image or volume in a group that is none.

    Raises
    ------
    ValueError
        If there is none, or several.
    """
    if image is not None:
        return str(image["datasets"][0]["path"]).strip("/")
    series = _series(group)
    names = series or [key for key, array in group.arrays() if len(array.shape) >= 3]
    if len(names) != 1:
        what = "image" if series else "volume"
        there = ", ".join(f"{inside}/{each}".strip("/") for each in names) or "none"
        raise ValueError(
            f"{name}: the store must hold one {what}, got {there}; name the array: {name}::name"
        )
    return names[0]


def _series(group: Any) -> list[str]:
    """The images that bioformats2raw has put into numbered groups."""
    attributes = dict(group.attrs)
    own = attributes.get("ome", attributes)
    if "bioformats2raw.layout" not in {*attributes, *(own if isinstance(own, dict) else ())}:
        return []
    return sorted((key for key, _ in group.groups() if key.isdigit()), key=int)


def image_placement(
    image: dict[str, Any], axes: StoredAxes, name: str
) -> tuple[VoxelSize | None, Position | None]:
    """Voxel size and position (z, y, x) [um] of a level; None where axes have no unit of length.

    Raises
    ------
    ValueError
        If a transformation is none of scale and translation.
    """
    levels = [d for d in image["datasets"] if str(d.get("path", "")).strip("/") == image["level"]]
    if not levels or not all(isinstance(axis, dict) for axis in image["axes"]):
        return None, None
    scale, shift = np.ones(len(axes.names)), np.zeros(len(axes.names))
    steps = [*levels[0].get("coordinateTransformations", ()), *_outer(image)]
    for step in steps:
        scale, shift = _applied(step, scale, shift, name)
    factors = axes.by_axis([um_per(axis.get("unit")) for axis in image["axes"]], 1.0)
    known = [factor for factor in factors if factor is not None]
    if len(known) != 3 or not any(step["type"] == "scale" for step in steps):
        return None, None
    sizes = axes.by_axis(scale.tolist(), scale.tolist()[axes.names.index("x")])
    size = voxel_size_um([s * f for s, f in zip(sizes, known, strict=True)], "um", name)
    z, y, x = (tidy(s * f) for s, f in zip(axes.by_axis(shift.tolist(), 0.0), known, strict=True))
    return size, (z, y, x)


def _outer(image: dict[str, Any]) -> list[Any]:
    return list(image.get("coordinateTransformations", ()))


def _applied(step: Any, scale: Any, shift: Any, name: str) -> tuple[Any, Any]:
    kind = step.get("type") if isinstance(step, dict) else None
    if kind == "identity":
        return scale, shift
    if kind not in {"scale", "translation"} or kind not in step:
        raise ValueError(
            f"{name}: coordinate transformations must be a scale or a translation given as "
            f"numbers, got {step!r}"
        )
    values = np.asarray(step[kind], np.float64)
    if values.shape != scale.shape or not np.isfinite(values).all():
        raise ValueError(f"{name}: a {kind} must have one number an axis, got {step[kind]!r}")
    return (scale * values, shift * values) if kind == "scale" else (scale, shift + values)


def array_placement(
    array: Any, axes: StoredAxes, name: str
) -> tuple[VoxelSize | None, Position | None]:
    """From an array's own attributes `voxel_size` and `unit`, where somebody left them."""
    said, unit = array.attrs.get("voxel_size"), array.attrs.get("unit", array.attrs.get("units"))
    if said is None:
        said, unit = array.attrs.get("voxel_size_um"), "um"
    if said is None or not isinstance(unit, str):
        return None, None
    values = [float(value) for value in np.atleast_1d(said)]
    if len(values) == sum(1 for axis in axes.names if axis):
        values = list(axes.spatial(values, values[0]))
    return voxel_size_um(values * 3 if len(values) == 1 else values, unit, name), None
