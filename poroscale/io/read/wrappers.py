"""Sources made of other sources: a region of one, a turned one, a masked one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from typing_extensions import override

from poroscale.io.read.levels import fits
from poroscale.io.read.source import BlockHint, Source, Voxels
from poroscale.volume import Index, Shape, VoxelSize

AxisOrder = tuple[int, int, int]
BuildAxis = Literal["z", "y", "x"]
_TURNS: dict[str, AxisOrder] = {"z": (0, 1, 2), "y": (1, 2, 0), "x": (2, 0, 1)}


def _permuted(values: Any, axes: AxisOrder) -> Any:
    return tuple(values[axis] for axis in axes)


@dataclass(frozen=True, kw_only=True)
class Wrapper(Source):
    """A source that takes its voxels from `inner`."""

    inner: Source

    @property
    @override
    def name(self) -> str:
        return self.inner.name

    @property
    @override
    def origin(self) -> Index:
        return self.inner.origin

    @property
    @override
    def missing(self) -> tuple[float, ...]:
        return self.inner.missing

    @property
    @override
    def preferred_block(self) -> BlockHint:
        return self.inner.preferred_block

    @property
    @override
    def temporary(self) -> float:
        return self.inner.temporary

    @property
    @override
    def per_read(self) -> int:
        return self.inner.per_read

    @property
    @override
    def notes(self) -> tuple[str, ...]:
        return self.inner.notes

    @override
    def slice_name(self, z: int) -> str:
        return self.inner.slice_name(z)


@dataclass(frozen=True, kw_only=True)
class AtCorner(Wrapper):
    """`inner` at the absolute index `corner`, with more `said` about it.

    `position_um` is the position (z, y, x) that the file states, kept as it is stated.
    """

    corner: Index
    said: tuple[str, ...] = ()
    position_um: tuple[float, float, float] | None = None

    @classmethod
    def of(
        cls,
        inner: Source,
        corner: Index = (0, 0, 0),
        said: tuple[str, ...] = (),
        *,
        position_um: tuple[float, float, float] | None = None,
    ) -> Source:
        """`inner` itself where there is nothing to add."""
        if corner == inner.origin and not said and position_um is None:
            return inner
        return cls(
            shape=inner.shape,
            dtype=inner.dtype,
            voxel_size=inner.voxel_size,
            inner=inner,
            corner=corner,
            said=said,
            position_um=position_um,
        )

    @property
    @override
    def origin(self) -> Index:
        return self.corner

    @property
    @override
    def notes(self) -> tuple[str, ...]:
        return self.inner.notes + self.said

    @override
    def fingerprint(self) -> dict[str, Any]:
        known = self.inner.fingerprint()
        if self.position_um is None:
            return known
        return {**known, "position_um": list(self.position_um)}

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        return self.inner.read(origin, shape)


@dataclass(frozen=True, kw_only=True)
class Crop(Wrapper):
    """The box of `inner` whose first voxel is `corner`; its absolute origin is kept."""

    corner: Index

    @classmethod
    def of(cls, inner: Source, corner: Index, shape: Shape) -> Self:
        """The box of `shape` at `corner`, counted from the first voxel of `inner`.

        Raises
        ------
        ValueError
            If the box reaches outside.
        """
        ends = (start + size for start, size in zip(corner, shape, strict=True))
        if (
            min(corner) < 0
            or min(shape) < 1
            or any(end > limit for end, limit in zip(ends, inner.shape, strict=True))
        ):
            raise ValueError(
                f"{inner.name}: the box must lie inside the shape {inner.shape}, "
                f"got origin {corner} and shape {shape}"
            )
        return cls(
            shape=shape, dtype=inner.dtype, voxel_size=inner.voxel_size, inner=inner, corner=corner
        )

    @property
    @override
    def origin(self) -> Index:
        z, y, x = (a + b for a, b in zip(self.inner.origin, self.corner, strict=True))
        return z, y, x

    @override
    def fingerprint(self) -> dict[str, Any]:
        return {
            **self.inner.fingerprint(),
            "box": {"origin": list(self.origin), "shape": list(self.shape)},
        }

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        z, y, x = (a + b for a, b in zip(origin, self.corner, strict=True))
        return self.inner.read((z, y, x), shape)


@dataclass(frozen=True, kw_only=True)
class Picked(Wrapper):
    """Some `planes` of `inner`, in their order: one channel of a stack that holds several."""

    planes: tuple[int, ...]

    @classmethod
    def of(cls, inner: Source, planes: tuple[int, ...]) -> Source:
        """`inner` itself where all are taken as they come."""
        if planes == tuple(range(inner.shape[0])):
            return inner
        return cls(
            shape=(len(planes), *inner.shape[1:]),
            dtype=inner.dtype,
            voxel_size=inner.voxel_size,
            inner=inner,
            planes=planes,
        )

    @override
    def fingerprint(self) -> dict[str, Any]:
        step = self.planes[1] - self.planes[0] if len(self.planes) > 1 else 0
        return {**self.inner.fingerprint(), "planes": [self.planes[0], step, len(self.planes)]}

    @override
    def slice_name(self, z: int) -> str:
        return self.inner.slice_name(self.planes[z])

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        box = np.empty(shape, self.dtype)
        for k in range(shape[0]):
            plane = self.planes[origin[0] + k]
            box[k] = self.inner.read((plane, *origin[1:]), (1, *shape[1:]))[0]
        return box


@dataclass(frozen=True, kw_only=True)
class Transposed(Wrapper):
    """`inner` with its axes in another order: axis i is axis `axes[i]` of `inner`."""

    axes: AxisOrder

    @classmethod
    def of(cls, inner: Source, axes: AxisOrder) -> Self:
        """`inner` transposed exactly as `numpy.transpose(array, axes)` does."""
        size: VoxelSize | None = inner.voxel_size and _permuted(inner.voxel_size, axes)
        return cls(
            shape=_permuted(inner.shape, axes),
            dtype=inner.dtype,
            voxel_size=size,
            inner=inner,
            axes=axes,
        )

    @property
    @override
    def origin(self) -> Index:
        z, y, x = _permuted(self.inner.origin, self.axes)
        return z, y, x

    @property
    @override
    def preferred_block(self) -> BlockHint:
        z, y, x = _permuted(self.inner.preferred_block, self.axes)
        return z, y, x

    @property
    @override
    def temporary(self) -> float:
        return self.inner.temporary + self.dtype.itemsize

    @override
    def fingerprint(self) -> dict[str, Any]:
        return {**self.inner.fingerprint(), "axes": list(self.axes)}

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        z, y, x = (self.axes.index(axis) for axis in range(3))
        back = (z, y, x)
        box = self.inner.read(_permuted(origin, back), _permuted(shape, back))
        return np.ascontiguousarray(box.transpose(self.axes))


def rotated(inner: Source, axes: BuildAxis) -> Source:
    """`inner` turned so that its axis `axes` becomes z, the build direction.

    The axes are exchanged in a cycle, which is a true rotation by 120 degrees: every voxel is
    moved, none is interpolated, and a left-handed screw stays left-handed (no mirror image).
    ``"y"`` gives out[z, y, x] = in[x, z, y] (new z along the old y, new y along the old x),
    ``"x"`` gives out[z, y, x] = in[y, x, z] (new z along the old x, new y along the old z).
    """
    if axes not in _TURNS:
        raise ValueError(f"axes must be z, y or x, got {axes!r}")
    return inner if axes == "z" else Transposed.of(inner, _TURNS[axes])


def rotated_index(values: Index, axes: BuildAxis) -> Index:
    """An index or shape of the unturned volume as `rotated` sees it."""
    z, y, x = _permuted(values, _TURNS[axes])
    return z, y, x


@dataclass(frozen=True, kw_only=True)
class Masked(Wrapper):
    """`inner` where `mask` is not zero, and `fill` everywhere else."""

    mask: Source
    fill: float

    @classmethod
    def of(cls, inner: Source, mask: Source, fill: float) -> Self:
        """`inner` with `fill` where `mask` is zero.

        Raises
        ------
        ValueError
            If the shapes differ or `fill` is no value of the dtype of `inner`.
        """
        if mask.shape != inner.shape:
            raise ValueError(
                f"{mask.name}: the mask must have the shape {inner.shape} of {inner.name}, "
                f"got {mask.shape}"
            )
        if not np.isfinite(fill) or not fits(np.asarray(fill), inner.dtype):
            raise ValueError(f"the mask's fill must be a value of {inner.dtype}, got {fill}")
        return cls(
            shape=inner.shape,
            dtype=inner.dtype,
            voxel_size=inner.voxel_size,
            inner=inner,
            mask=mask,
            fill=fill,
        )

    @property
    @override
    def temporary(self) -> float:
        return self.inner.temporary + self.mask.temporary + self.mask.dtype.itemsize + 1

    @property
    @override
    def per_read(self) -> int:
        return max(self.inner.per_read, self.mask.per_read)

    @override
    def fingerprint(self) -> dict[str, Any]:
        return {
            **self.inner.fingerprint(),
            "mask": {**self.mask.fingerprint(), "fill": self.fill},
        }

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        box = self.inner.read(origin, shape)
        box[self.mask.read(origin, shape) == 0] = self.fill
        return box
