"""Numbers as a file's attributes mean them: the CF conventions' scale, offset and missing values.

``value = stored * scale_factor + add_offset``; `_FillValue` and `missing_value` are stored values
that stand for no measurement (CF Conventions 1.11, sections 2.5.1 and 8.1).
"""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from typing_extensions import override

from poroscale.io.read.levels import fits
from poroscale.io.read.source import Source, Voxels
from poroscale.io.read.wrappers import Wrapper
from poroscale.volume import Index, Shape

_WORDS = ("scale_factor", "add_offset", "_FillValue", "missing_value")


@dataclass(frozen=True)
class Calibration:
    """Calibration of stored numbers, as the attributes of an array state it."""

    scale: float = 1.0
    offset: float = 0.0
    missing: tuple[float, ...] = ()

    @property
    def changes(self) -> bool:
        """True if stored numbers differ from those that they stand for."""
        return (self.scale, self.offset) != (1.0, 0.0)


def calibration_of(attributes: Mapping[str, Any], dtype: np.dtype[Any], name: str) -> Calibration:
    """The calibration in the attributes of the array `name`, whose stored type is `dtype`.

    Raises
    ------
    ValueError
        If an attribute is no number, the scale is 0, or the numbers are unsigned in disguise.
    """
    said = {word: _numbers(attributes[word], word, name) for word in _WORDS if word in attributes}
    if str(attributes.get("_Unsigned", "false")).strip("b'\"").lower() == "true":
        raise ValueError(
            f"{name}: its attribute _Unsigned says that {dtype} stands for another type, which is "
            "not read: store it as the unsigned type that it is"
        )
    scale, offset = said.get("scale_factor", (1.0,)), said.get("add_offset", (0.0,))
    if len(scale) != 1 or len(offset) != 1 or not scale[0] or not _finite(*scale, *offset):
        raise ValueError(
            f"{name}: scale_factor and add_offset must be one finite number each, the scale not 0, "
            f"got {list(scale)} and {list(offset)}"
        )
    stand_ins = {*said.get("_FillValue", ()), *said.get("missing_value", ())}
    return Calibration(scale[0], offset[0], tuple(sorted(v for v in stand_ins if _finite(v))))


def _numbers(said: Any, word: str, name: str) -> tuple[float, ...]:
    try:
        return tuple(_decoded(value) for value in np.atleast_1d(said).reshape(-1))
    except (TypeError, ValueError, struct.error) as error:
        raise ValueError(f"{name}: its attribute {word} must be a number, got {said!r}") from error


def _decoded(value: Any) -> float:
    """A number; in Zarr v3 xarray writes that of a float array as a double in base64."""
    try:
        return float(value)
    except ValueError:
        return float(struct.unpack("<d", base64.b64decode(value, validate=True))[0])


def _finite(*values: float) -> bool:
    return all(math.isfinite(value) for value in values)


@dataclass(frozen=True, kw_only=True)
class Calibrated(Wrapper):
    """`inner` times the scale plus the offset; missing values become NaN.

    float32 for stored types of at most 16 bits and for float32, float64 for all others.
    """

    calibration: Calibration

    @classmethod
    def of(cls, inner: Source, calibration: Calibration) -> Source:
        """`inner` in the numbers that are meant; as it is where the calibration changes none."""
        if not calibration.changes:
            return inner
        small = inner.dtype.itemsize <= (4 if inner.dtype.kind == "f" else 2)
        return cls(
            shape=inner.shape,
            dtype=np.dtype(np.float32 if small else np.float64),
            voxel_size=inner.voxel_size,
            inner=inner,
            calibration=calibration,
        )

    @property
    @override
    def missing(self) -> tuple[float, ...]:
        return ()  # they are NaN now

    @property
    @override
    def temporary(self) -> float:
        return self.inner.temporary + self.inner.dtype.itemsize + 9

    @override
    def fingerprint(self) -> dict[str, Any]:
        stated = self.calibration
        numbers = [stated.scale, stated.offset, *stated.missing]
        return {**self.inner.fingerprint(), "calibration": numbers}

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        stored = self.inner.read(origin, shape)
        box = stored.astype(np.float64)
        box *= self.calibration.scale
        box += self.calibration.offset
        values = box.astype(self.dtype, copy=False)
        for value in self.calibration.missing:
            values[stored == value] = np.nan
        return values


@dataclass(frozen=True, kw_only=True)
class Missing(Wrapper):
    """`inner`, whose values `stand_ins` stand for no measurement: replaced, or refused."""

    stand_ins: tuple[float, ...]
    fill: float | None

    @classmethod
    def of(cls, inner: Source, fill: float | None) -> Self:
        """`inner` with `fill` in place of what it calls missing; None refuses such voxels.

        Raises
        ------
        ValueError
            If `fill` is no value of the dtype of `inner`.
        """
        if fill is not None and not (_finite(fill) and fits(np.asarray(fill), inner.dtype)):
            raise ValueError(f"`nan` must be a value of {inner.dtype}, got {fill}")
        return cls(
            shape=inner.shape,
            dtype=inner.dtype,
            voxel_size=inner.voxel_size,
            inner=inner,
            stand_ins=inner.missing,
            fill=fill,
        )

    @property
    @override
    def missing(self) -> tuple[float, ...]:
        return ()

    @property
    @override
    def temporary(self) -> float:
        return self.inner.temporary + 1

    @override
    def fingerprint(self) -> dict[str, Any]:
        replaced = {} if self.fill is None else {"nan": self.fill}
        return {**self.inner.fingerprint(), "missing": list(self.stand_ins), **replaced}

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        box = self.inner.read(origin, shape)
        for value in self.stand_ins:
            found = box == value
            if self.fill is not None:
                box[found] = self.fill
            elif found.any():
                z = int(np.flatnonzero(found.any(axis=(1, 2)))[0])
                raise ValueError(
                    f"{self.name}: voxels of {value:g} are no measurement, as the file says; there "
                    f"are some in {self.inner.slice_name(origin[0] + z)}. "
                    "A value given as `nan` replaces them"
                )
        return box
