"""Lengths in whatever unit a file states, to micrometres."""

from __future__ import annotations

import math
from collections.abc import Iterable

from poroscale.volume import VoxelSize

_UM_PER_UNIT = {
    "pm": 1e-6,
    "picometer": 1e-6,
    "å": 1e-4,
    "angstrom": 1e-4,
    "nm": 1e-3,
    "nanometer": 1e-3,
    "nanometre": 1e-3,
    "um": 1.0,
    "micron": 1.0,
    "micrometer": 1.0,
    "micrometre": 1.0,
    "mm": 1e3,
    "millimeter": 1e3,
    "millimetre": 1e3,
    "cm": 1e4,
    "centimeter": 1e4,
    "centimetre": 1e4,
    "m": 1e6,
    "meter": 1e6,
    "metre": 1e6,
    "in": 25400.0,
    "inch": 25400.0,
}


def um_per(unit: str | None) -> float | None:
    """Micrometres in one `unit`, or None where it is no length (`pixel`, empty, unknown).

    The micro sign, the Greek mu, ImageJ's escaped ``\\u00B5m`` and plurals are understood.
    """
    if not unit:
        return None
    word = unit.strip().strip("\x00").lower().replace("\\u00b5", "u")
    word = word.replace("\N{MICRO SIGN}", "u").replace("\N{GREEK SMALL LETTER MU}", "u")
    if word not in _UM_PER_UNIT:
        word = word.removesuffix("es" if word.endswith("inches") else "s")
    return _UM_PER_UNIT.get(word)


def tidy(length: float) -> float:
    """`length` to ten significant digits: 0.00487 mm is 4.87 um and not 4.870000000000001."""
    return float(f"{length:.10g}")


def voxel_size_um(values: Iterable[float], unit: str | None, name: str) -> VoxelSize | None:
    """Voxel size in um from three (z, y, x) `values` in `unit`.

    None where the unit is no length: a size in an unknown unit is no size.

    Raises
    ------
    ValueError
        If a value is not positive and finite.
    """
    factor = um_per(unit)
    if factor is None:
        return None
    return positive_voxel_size([tidy(abs(float(value)) * factor) for value in values], name)


def positive_voxel_size(values: Iterable[float], name: str) -> VoxelSize:
    """Three positive finite numbers, or an error that names where they come from."""
    given = list(values)
    try:
        sizes = [float(value) for value in given]
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be one or three numbers [um], got {given}") from None
    if len(sizes) == 1:
        sizes *= 3
    if len(sizes) != 3 or not all(math.isfinite(size) and size > 0 for size in sizes):
        raise ValueError(
            f"{name}: the voxel size must be one or three positive lengths, got {sizes}"
        )
    return sizes[0], sizes[1], sizes[2]
