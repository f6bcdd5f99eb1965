"""An array as an input: a source that is known by a key, where a file is known by its name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from typing_extensions import override

from poroscale.io.read.arrays import array_source, dask_name, is_array
from poroscale.io.read.lengths import positive_voxel_size
from poroscale.io.read.source import Source, Voxels
from poroscale.io.read.wrappers import Wrapper
from poroscale.volume import Index, Shape, VoxelSize

HASHED = 1 << 26
"""Bytes that are read at a time where an array is known by its content."""


def keyed_array(
    thing: Any, *, name: str | None, role: str, voxel_size: float | VoxelSize | None
) -> Keyed:
    """The source of an array, with its voxel size, and known by a key.

    Parameters
    ----------
    thing
        An array that `array_source` takes.
    name
        Name of the array; None knows a dask array by its own name, and reads any other array
        once to know it by its content.
    role
        Description in error messages, for an array without a name.
    voxel_size
        Edge of a voxel, or edges along (z, y, x) [um]; None takes that of the array.

    Raises
    ------
    ValueError, TypeError
        As `array_source`, and if the voxel size is not known.
    """
    label = name or f"the {role} array"
    source = array_source(thing, name=label, sized=voxel_size is not None)
    if voxel_size is not None:
        given = voxel_size if isinstance(voxel_size, tuple | list) else (voxel_size,)
        source = replace(source, voxel_size=positive_voxel_size(given, "`voxel_size`"))
    elif source.voxel_size is None:
        raise ValueError(f"{label} states no voxel size with a unit; give voxel_size, in um")
    return Keyed.of(source, label=label, key=_key(thing, source, name))


def refuse_others(thing: Any) -> None:
    """Raise a TypeError unless `thing` is an array that can be read."""
    if is_array(thing):
        return
    package = type(thing).__module__.partition(".")[0]
    kind = f"{package}.{type(thing).__name__}".removeprefix("builtins.")
    hint = "; give one of its arrays, as dataset['name']" if kind == "xarray.Dataset" else ""
    raise TypeError(
        "a volume must be a path, a Volume, or an array of numpy, dask, zarr or xarray, "
        f"got {kind}{hint}"
    )


@dataclass(frozen=True, kw_only=True)
class Keyed(Wrapper):
    """`inner`, known by a key in place of a file.

    Attributes
    ----------
    label
        Name of the array.
    key
        Tells it from other arrays.
    """

    label: str
    key: str

    @classmethod
    def of(cls, inner: Source, *, label: str, key: str) -> Keyed:
        """`inner` under another name and a key."""
        return cls(
            shape=inner.shape,
            dtype=inner.dtype,
            voxel_size=inner.voxel_size,
            inner=inner,
            label=label,
            key=key,
        )

    @property
    @override
    def name(self) -> str:
        return self.label

    @override
    def fingerprint(self) -> dict[str, Any]:
        return {"format": "array", "file": self.label, "key": self.key}

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        return self.inner.read(origin, shape)


def _key(thing: Any, source: Source, name: str | None) -> str:
    """Identity of this array among others."""
    if name is not None:
        return f"name {name}"
    lazy = dask_name(thing)
    return f"sha256 {_content(source)}" if lazy is None else f"dask {lazy}"


def _content(source: Source) -> str:
    """Digest of all voxels, read in boxes that follow from the source alone."""
    digest = sha256()
    for origin, shape in _boxes(source):
        digest.update(source(origin, shape).data)
    return digest.hexdigest()


def _boxes(source: Source) -> Iterator[tuple[Index, Shape]]:
    nz, ny, nx = source.shape
    deep, wide = (
        min(n, hint or n) for n, hint in zip((nz, ny), source.preferred_block, strict=False)
    )
    row = nx * source.dtype.itemsize
    depth = max(1, min(nz, HASHED // (deep * wide * row)) * deep) if deep > 1 else 1
    width = max(wide, HASHED // (depth * row) // wide * wide)
    for z in range(0, nz, depth):
        for y in range(0, ny, width):
            yield (z, y, 0), (min(depth, nz - z), min(width, ny - y), nx)
