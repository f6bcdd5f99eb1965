"""Grey values in another dtype: a file's own calibration, or what the user asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from typing_extensions import override

from poroscale.io.read.levels import clipped_to_dtype, fits, rescaled
from poroscale.io.read.source import Source, Voxels
from poroscale.io.read.wrappers import Wrapper
from poroscale.volume import Index, Shape

Overflow = Literal["refuse", "clip", "scale"]


@dataclass(frozen=True, kw_only=True)
class Scaled(Wrapper):
    """`inner` times `slope` plus `intercept`, as float32."""

    slope: float
    intercept: float

    @classmethod
    def of(cls, inner: Source, *, slope: float, intercept: float) -> Self:
        """`inner` with a file's own calibration applied."""
        return cls(
            shape=inner.shape,
            dtype=np.dtype(np.float32),
            voxel_size=inner.voxel_size,
            inner=inner,
            slope=slope,
            intercept=intercept,
        )

    @property
    @override
    def temporary(self) -> float:
        return self.inner.temporary + self.inner.dtype.itemsize

    @override
    def fingerprint(self) -> dict[str, Any]:
        return {**self.inner.fingerprint(), "slope": self.slope, "intercept": self.intercept}

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        box = self.inner.read(origin, shape).astype(np.float32)
        box *= np.float32(self.slope)
        box += np.float32(self.intercept)
        return box


@dataclass(frozen=True, kw_only=True)
class Cast(Wrapper):
    """`inner` in another dtype; what does not fit is refused, clipped or scaled, as stated."""

    overflow: Overflow
    levels: tuple[float, float] | None

    @classmethod
    def of(
        cls,
        inner: Source,
        dtype: np.dtype[Any],
        *,
        overflow: Overflow = "refuse",
        levels: tuple[float, float] | None = None,
    ) -> Self:
        """`inner` as `dtype`.

        Parameters
        ----------
        overflow
            ``refuse``: a value that the integer `dtype` cannot hold exactly is an error.
            ``clip``: it becomes the nearest one that it can. ``scale``: `levels` are mapped
            linearly onto the range of the integer `dtype` (onto 0 to 1 for floats), and what
            lies outside is clipped.
        levels
            Lowest and highest grey value, for ``scale`` only.

        Raises
        ------
        ValueError
            If `dtype` is no integer or float, or `levels` and `overflow` do not go together.
        """
        if dtype.kind not in "uif" or (dtype.kind != "f" and dtype.itemsize > 4):
            raise ValueError(f"dtype must be a float or an integer of up to 32 bits, got {dtype}")
        if (overflow == "scale") != (levels is not None):
            raise ValueError("`levels` must come with `overflow` scale, and with no other")
        if levels is not None and not levels[0] < levels[1]:
            raise ValueError(f"levels must ascend, got {levels}")
        return cls(
            shape=inner.shape,
            dtype=dtype,
            voxel_size=inner.voxel_size,
            inner=inner,
            overflow=overflow,
            levels=levels,
        )

    @property
    @override
    def temporary(self) -> float:
        return self.inner.temporary + self.inner.dtype.itemsize + 9  # a float64 copy, a mask

    @override
    def fingerprint(self) -> dict[str, Any]:
        return {
            **self.inner.fingerprint(),
            "cast": {
                "dtype": self.dtype.name,
                "overflow": self.overflow,
                "levels": self.levels and list(self.levels),
            },
        }

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        box = self.inner.read(origin, shape)
        if self.levels is not None:
            return rescaled(box, self.levels, self.dtype)
        if self.dtype.kind == "f" or np.can_cast(box.dtype, self.dtype, "safe"):
            return box.astype(self.dtype)
        if self.overflow == "refuse" and not fits(box, self.dtype):
            raise ValueError(
                f"{self.name}: values {box.min()} to {box.max()} in the block at {tuple(origin)} "
                f"do not fit {self.dtype}: choose `overflow` clip, or `overflow` scale with "
                "`levels`"
            )
        return clipped_to_dtype(box, self.dtype)


@dataclass(frozen=True, kw_only=True)
class Inverted(Wrapper):
    """`inner` with its grey values reversed: what was bright is dark.

    An unsigned value v becomes the largest value of its dtype minus v; a signed one is mirrored
    within its dtype in the same way (-1 - v); a float is negated.
    """

    @classmethod
    def of(cls, inner: Source) -> Self:
        """`inner` reversed."""
        return cls(shape=inner.shape, dtype=inner.dtype, voxel_size=inner.voxel_size, inner=inner)

    @override
    def fingerprint(self) -> dict[str, Any]:
        return {**self.inner.fingerprint(), "inverted": True}

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        box = self.inner.read(origin, shape)
        # all bits flipped: max - v of an unsigned, max + min - v of a signed integer
        return np.negative(box, out=box) if box.dtype.kind == "f" else np.invert(box, out=box)


@dataclass(frozen=True, kw_only=True)
class Looked(Wrapper):
    """`inner`, whose values are places in the `table` of a palette."""

    table: tuple[int, ...]

    @classmethod
    def of(cls, inner: Source, table: tuple[int, ...]) -> Self:
        """The values of `table`, as uint8 where they fit and uint16 else."""
        dtype = np.dtype(np.uint8 if max(table) < 256 else np.uint16)
        return cls(
            shape=inner.shape, dtype=dtype, voxel_size=inner.voxel_size, inner=inner, table=table
        )

    @property
    @override
    def temporary(self) -> float:
        return self.inner.temporary + self.inner.dtype.itemsize + 8

    @override
    def fingerprint(self) -> dict[str, Any]:
        from hashlib import sha256

        table = np.asarray(self.table, np.uint16)
        return {**self.inner.fingerprint(), "palette": sha256(table.tobytes()).hexdigest()}

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        places = self.inner.read(origin, shape)
        if places.max() >= len(self.table):
            raise ValueError(
                f"{self.name}: the palette has {len(self.table)} entries, a pixel says "
                f"{places.max()}"
            )
        return np.asarray(self.table, self.dtype)[places]


@dataclass(frozen=True, kw_only=True)
class Shifted(Wrapper):
    """`inner` of unsigned 16 bits minus 32768: how ImageJ keeps signed ones."""

    @classmethod
    def of(cls, inner: Source) -> Self:
        """`inner` as int16."""
        return cls(
            shape=inner.shape, dtype=np.dtype(np.int16), voxel_size=inner.voxel_size, inner=inner
        )

    @override
    def fingerprint(self) -> dict[str, Any]:
        return {**self.inner.fingerprint(), "slope": 1.0, "intercept": -32768.0}

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        box = self.inner.read(origin, shape)
        return np.bitwise_xor(box, 0x8000, out=box).view(np.int16)
