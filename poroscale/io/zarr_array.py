"""Zarr v2 and v3 arrays and OME-Zarr images made by others.

In Zarr a chunk that is not there reads as the fill value: that is the format, and a foreign
store has no manifest to tell a chunk left out on purpose from one that was lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import override

from poroscale.engine.plan import CHUNKS_IN_FLIGHT
from poroscale.io.chunk_bounds import check_chunks
from poroscale.io.lengths import um_per, voxel_size_um
from poroscale.io.source import BlockHint, Source, Voxels, as_shape, require_numeric
from poroscale.volume import Index, Shape, VoxelSize

LARGEST_CHUNK = 1 << 30
ZARR_MARKS = ("zarr.json", ".zarray", ".zgroup", ".zattrs")


# What zarr lets out when metadata make no sense to it; its own errors are ValueErrors.
_NOT_ZARR = (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError)


@dataclass(frozen=True, kw_only=True)
class ZarrSource(Source):
    """An array of three axes (z, y, x), or two, or more of which all but three have length 1.

    `axes` names the stored axes, `chunks` gives the shape of a file along each of them.
    """

    path: Path
    array: str
    axes: tuple[str, ...]
    chunks: tuple[int, ...]

    @property
    @override
    def name(self) -> str:
        return f"{self.path.name}/{self.array}" if self.array else self.path.name

    @property
    @override
    def preferred_block(self) -> BlockHint:
        sizes = dict(zip(self.axes, self.chunks, strict=True))
        return sizes.get("z", 1), sizes["y"], sizes["x"]

    @override
    def fingerprint(self) -> dict[str, Any]:
        from hashlib import sha256

        head = self.path / self.array
        texts = [(head / mark).read_bytes() for mark in ZARR_MARKS if (head / mark).is_file()]
        return {
            "format": "Zarr",
            "file": self.path.name,
            "array": self.array,
            "metadata": sha256(b"\0".join(texts)).hexdigest(),
        }

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        import zarr

        windows = {axis: slice(o, o + s) for axis, o, s in zip("zyx", origin, shape, strict=True)}
        where = tuple(windows.get(axis, slice(0, 1)) for axis in self.axes)
        stored = zarr.open_array(self.path / self.array, mode="r")
        check_chunks(stored, self.path / self.array, where)
        zarr.config.set({"async.concurrency": CHUNKS_IN_FLIGHT})  # as the memory plan counts them
        try:
            box = np.asarray(stored[where])
        except (OSError, ValueError, RuntimeError) as error:
            raise OSError(f"{self.name} cannot be read: {error}") from error
        return np.ascontiguousarray(box.reshape(shape), dtype=self.dtype)


def open_zarr(path: Path, dataset: str | None) -> ZarrSource:
    """The source for a Zarr array, or for the full-resolution image of an OME-Zarr group.

    `dataset` names the array inside a group that is no OME-Zarr image, or another level.

    Raises
    ------
    ValueError
        If there is no array, it is no single grey volume, or its chunks exceed 1 GiB.
    """
    import zarr

    try:
        node = zarr.open(path, mode="r")
    except _NOT_ZARR as error:
        raise ValueError(f"{path.name}: not a readable Zarr store: {error}") from error
    if isinstance(node, zarr.Array):
        return _source(path, "", node, axes=None, voxel_size=_array_voxel_size(node, path.name))
    image = _multiscale(node, path.name)
    name = _inside(dataset or _level_path(image, node, path), path)
    array = node.get(name)
    if not isinstance(array, zarr.Array):
        raise ValueError(f"{path.name}: there is no array {name!r} in the store")
    if image is None:
        return _source(path, name, array, axes=None, voxel_size=_array_voxel_size(array, path.name))
    axes = tuple(axis["name"] if isinstance(axis, dict) else axis for axis in image["axes"])
    return _source(path, name, array, axes=axes, voxel_size=_image_voxel_size(image, name, path))


def _multiscale(group: Any, name: str) -> dict[str, Any] | None:
    attributes = dict(group.attrs)
    images = attributes.get("ome", attributes).get("multiscales")
    if not images:
        return None
    image = images[0]
    if not isinstance(image, dict) or not image.get("datasets") or not image.get("axes"):
        raise ValueError(f"{name}: its multiscales metadata must list axes and datasets")
    return image


def _level_path(image: dict[str, Any] | None, group: Any, path: Path) -> str:
    if image is not None:
        return str(image["datasets"][0]["path"])
    names = [name for name, array in group.arrays() if len(array.shape) >= 3]
    if len(names) != 1:
        raise ValueError(
            f"{path.name}: the store must hold one volume, got {', '.join(names) or 'none'}; "
            f"name the array: {path.name}::name"
        )
    return str(names[0])


def _inside(name: str, path: Path) -> str:
    """An array's path inside its store; `../` and links out of it are refused."""
    clean = name.strip("/")
    target = (path / clean).resolve()
    if not clean or not target.is_relative_to(path.resolve()):
        raise ValueError(f"{path.name}: the array must lie inside the store, got {name!r}")
    return clean


def _source(
    path: Path, name: str, array: Any, *, axes: tuple[str, ...] | None, voxel_size: VoxelSize | None
) -> ZarrSource:
    label = f"{path.name}/{name}" if name else path.name
    axes = axes or ("?",) * (array.ndim - 3) + tuple("zyx"[-min(3, array.ndim) :])
    if len(axes) != array.ndim or not {"y", "x"} <= set(axes):
        raise ValueError(f"{label}: the axes must include z, y and x, got {axes}")
    sizes = dict(zip(axes, array.shape, strict=True))
    extra = {axis: size for axis, size in sizes.items() if axis not in "zyx" and size != 1}
    if extra or [axis for axis in axes if axis in "zyx"] != sorted(set(axes) & set("zyx"))[::-1]:
        raise ValueError(
            f"{label}: the array must be one volume in the order z, y, x, got axes {axes} "
            f"of shape {array.shape}"
        )
    chunk_bytes = prod(array.chunks) * array.dtype.itemsize
    if chunk_bytes > LARGEST_CHUNK:
        raise ValueError(f"{label}: chunks must be at most 1 GiB, got {chunk_bytes} bytes")
    dtype = np.dtype(np.uint8) if array.dtype == np.bool_ else array.dtype
    return ZarrSource(
        shape=as_shape([sizes.get(axis, 1) for axis in "zyx"], label),
        dtype=require_numeric(dtype, label),
        voxel_size=voxel_size,
        path=path,
        array=name,
        axes=axes,
        chunks=tuple(array.shards or array.chunks),
    )


def _array_voxel_size(array: Any, name: str) -> VoxelSize | None:
    """From an array's own attributes `voxel_size` and `unit`, where somebody left them."""
    said, unit = array.attrs.get("voxel_size"), array.attrs.get("unit", array.attrs.get("units"))
    if said is None or not isinstance(unit, str):
        return None
    values = [float(value) for value in np.atleast_1d(said)]
    return voxel_size_um(values * 3 if len(values) == 1 else values, unit, name)


def _image_voxel_size(image: dict[str, Any], name: str, path: Path) -> VoxelSize | None:
    level = next((d for d in image["datasets"] if d["path"].strip("/") == name), None)
    if level is None or not all(isinstance(axis, dict) for axis in image["axes"]):
        return None
    scales = [
        step["scale"]
        for steps in (level, image)
        for step in steps.get("coordinateTransformations", [])
        if step.get("type") == "scale"
    ]
    if not scales:
        return None
    sizes: dict[str, float] = {}
    for number, axis in enumerate(image["axes"]):
        factor = um_per(axis.get("unit"))
        if axis["name"] in {"z", "y", "x"}:
            if factor is None:
                return None
            sizes[axis["name"]] = float(np.prod([scale[number] for scale in scales])) * factor
    return voxel_size_um([sizes.get(axis, sizes["x"]) for axis in "zyx"], "um", path.name)
