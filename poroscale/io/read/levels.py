"""The range of values a dtype holds, and grey values brought into it."""

from __future__ import annotations

from typing import Any

import numpy as np

from poroscale.io.read.source import Voxels


def limits(dtype: np.dtype[Any]) -> tuple[int, int]:
    """Lowest and highest value of an integer `dtype`."""
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


def fits(values: Voxels, dtype: np.dtype[Any]) -> bool:
    """True if `dtype` holds `values`: their range, and no fractions in an integer dtype."""
    if dtype.kind == "f":
        return True
    low, high = limits(dtype)
    inside = low <= values.min().item() and values.max().item() <= high
    return inside and (values.dtype.kind != "f" or bool((np.rint(values) == values).all()))


def clipped_to_dtype(values: Voxels, dtype: np.dtype[Any]) -> Voxels:
    """`values` rounded to whole numbers and bounded by what the integer `dtype` holds."""
    low, high = limits(dtype)
    if values.dtype.kind == "f":
        # float64 holds the limits of every integer dtype up to 32 bits exactly
        whole = values.astype(np.float64)
        np.rint(whole, out=whole)
        np.clip(whole, low, high, out=whole)
        return whole.astype(dtype)
    least, most = limits(values.dtype)
    return np.clip(values, max(low, least), min(high, most)).astype(dtype)


def rescaled(values: Voxels, levels: tuple[float, float], dtype: np.dtype[Any]) -> Voxels:
    """`values` with `levels` mapped linearly onto the range of `dtype` (0 to 1 for floats)."""
    part = values.astype(np.float64)
    part -= levels[0]
    part /= levels[1] - levels[0]
    np.clip(part, 0.0, 1.0, out=part)
    if dtype.kind == "f":
        return part.astype(dtype)
    low, high = limits(dtype)
    part *= high - low
    part += low
    np.rint(part, out=part)
    return part.astype(dtype)
