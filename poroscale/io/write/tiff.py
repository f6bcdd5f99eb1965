"""TIFF out: one file, or a folder with one file for each slice; both carry the voxel size.

Fiji opens an ImageJ stack with its voxel size, but ImageJ's TIFF knows uint8, uint16 and float32
only, and ends at 4 GB. All else becomes a BigTIFF with OME-XML, or for 64-bit integers, which
OME does not know either, with tifffile's own description.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from poroscale.engine import Box, Run
from poroscale.io.read.source import Source
from poroscale.io.write.boxes import FlatTarget, export_boxes, write_flat
from poroscale.volume import Index, Shape, VoxelSize

_IMAGEJ = {"uint8", "uint16", "float32"}
_OME = {"int8", "int16", "int32", "uint8", "uint16", "uint32", "float32", "float64"}
_CLASSIC_LIMIT = (1 << 32) - (1 << 25)  # room for the pages' directories


def write_tiff(source: Source, path: Path, run: Run, *, big: bool = False) -> None:
    """Write `source` to one TIFF file: ImageJ's if it fits and `big` is not asked, else BigTIFF."""
    target = tiff_target(
        path,
        source.shape,
        source.dtype,
        voxel_size=source.voxel_size,
        origin=source.origin,
        big=big,
    )
    write_flat(source, target, run)


def tiff_target(
    path: Path,
    shape: Shape,
    dtype: np.dtype[Any],
    *,
    voxel_size: VoxelSize | None,
    origin: Index = (0, 0, 0),
    big: bool = False,
    rgb: bool = False,
) -> FlatTarget:
    """A TIFF file whose directories are written and whose voxels lie in one run, to be filled.

    A crop's `origin` is ImageJ's, in voxels, or OME's position of a plane.
    """
    item = (3,) if rgb else ()
    size = prod(shape) * prod(item) * dtype.itemsize
    kind = _kind(dtype, big=big or size + 500 * shape[0] > _CLASSIC_LIMIT)
    with tifffile.TiffWriter(
        path, bigtiff=kind != "imagej", imagej=kind == "imagej", ome=kind == "ome"
    ) as file:
        written = file.write(
            shape=shape + item,
            dtype=dtype,
            photometric="rgb" if rgb else "minisblack",
            metadata={
                **_metadata(kind, voxel_size, "ZYXS" if rgb else "ZYX"),
                **_position(kind, voxel_size, origin, planes=shape[0]),
            },
            returnoffset=True,
            **_resolution(voxel_size),
        )
    return FlatTarget(path, written[0], shape, dtype, item)


def _kind(dtype: np.dtype[Any], *, big: bool) -> str:
    if not big and dtype.name in _IMAGEJ:
        return "imagej"
    return "ome" if dtype.name in _OME else "plain"


def _metadata(kind: str, voxel_size: VoxelSize | None, axes: str) -> dict[str, Any]:
    if voxel_size is None:
        return {"axes": axes}
    if kind != "ome":
        return {"axes": axes, "spacing": voxel_size[0], "unit": "um"}
    sizes = {f"PhysicalSize{a}": size for a, size in zip("ZYX", voxel_size, strict=True)}
    return {"axes": axes, **sizes, **{f"{key}Unit": "µm" for key in sizes}}


def _position(
    kind: str, voxel_size: VoxelSize | None, origin: Index, *, planes: int
) -> dict[str, Any]:
    if origin == (0, 0, 0):
        return {}
    if kind != "ome":  # voxels from the first one to the origin
        return {f"{axis}origin": -index for axis, index in zip("zyx", origin, strict=True)}
    if voxel_size is None:
        return {}
    plane: dict[str, list[Any]] = {}
    for axis, index, edge in zip("ZYX", origin, voxel_size, strict=True):
        step = edge if axis == "Z" else 0.0
        plane[f"Position{axis}"] = [index * edge + k * step for k in range(planes)]
        plane[f"Position{axis}Unit"] = ["µm"] * planes
    return {"Plane": plane}


def _resolution(voxel_size: VoxelSize | None) -> dict[str, Any]:
    if voxel_size is None:
        return {}
    return {"resolution": (1 / voxel_size[2], 1 / voxel_size[1]), "resolutionunit": "NONE"}


def write_slices(source: Source, folder: Path, run: Run) -> None:
    """Write `source` to a new folder of TIFF files, `slice_00000.tif` and so on.

    All files have the same header, since they differ in their voxels only.
    """
    folder.mkdir()
    digits = max(5, len(str(source.shape[0] - 1)))
    plane = (1, *source.shape[1:])
    first = tiff_target(
        folder / f"slice_{0:0{digits}d}.tif",
        plane,
        source.dtype,
        voxel_size=source.voxel_size,
        origin=source.origin,
    )
    first.reserve()
    whole = first.path.read_bytes()
    for box in export_boxes(source, run, title=f"export {source.name}"):
        part = Box((0, *box.origin[1:]), (1, *box.shape[1:]))
        for z, voxels in enumerate(source(box.origin, box.shape), start=box.origin[0]):
            target = replace(first, path=folder / f"slice_{z:0{digits}d}.tif")
            if not target.path.exists():
                target.path.write_bytes(whole)
            target.write(part, voxels[None])
