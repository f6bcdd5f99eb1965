"""Volumes of PyHST (ESRF): flat voxels in `scan.vol`, and their description in `scan.vol.info`.

``NUM_X``, ``NUM_Y``, ``NUM_Z`` (x runs fastest), ``voxelSize`` in um, ``BYTEORDER``, and the
``DATA_TYPE`` that some programs add. PyHST itself writes 32-bit floats and does not say so; without
a type, the number of bytes decides.
"""

from __future__ import annotations

from math import prod
from pathlib import Path

import numpy as np

from poroscale.io.flat.layout import Layout
from poroscale.io.read.lengths import positive_voxel_size, tidy
from poroscale.io.read.source import as_shape
from poroscale.volume import VoxelSize

SUFFIX = ".info"
_LARGEST = 1 << 16
_ORDERS = {"LOWBYTEFIRST": "<", "HIGHBYTEFIRST": ">"}
_BY_SIZE = {1: "u1", 2: "u2", 4: "f4"}
_TYPES = {
    "uint8": "u1",
    "uint16": "u2",
    "uint32": "u4",
    "int8": "i1",
    "int16": "i2",
    "int32": "i4",
    "float32": "f4",
    "float64": "f8",
    "float": "f4",
}


def info_beside(path: Path) -> Path | None:
    """The side-car of a volume, or the file itself where it is one; None where there is none."""
    header = path if path.suffix.lower() == SUFFIX else path.with_name(path.name + SUFFIX)
    return header if header.is_file() else None


def read_info(path: Path) -> Layout:
    """The layout that the side-car `path` states.

    Raises
    ------
    ValueError
        If it does not state the three sizes, or states a type or an order that is not known.
    """
    entries = _entries(path)
    data = path.with_name(path.name[: -len(SUFFIX)])
    try:
        sizes = [int(entries[f"num_{axis}"]) for axis in "zyx"]
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"{path.name}: it must state NUM_X, NUM_Y and NUM_Z as whole numbers, as PyHST does"
        ) from error
    shape = as_shape(sizes, path.name)
    return Layout(
        header=path,
        data=data,
        shape=shape,
        stored=_stored(entries, data, prod(shape), path.name),
        voxel_size=_voxel_size(entries, path.name),
        kind="PyHST",
    )


def _entries(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        text = file.read(_LARGEST).decode("latin-1")
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {key.strip().lower(): value.strip() for key, value in pairs}


def _stored(entries: dict[str, str], data: Path, voxels: int, name: str) -> np.dtype[np.generic]:
    order = _ORDERS.get(entries.get("byteorder", "LOWBYTEFIRST").upper())
    said = entries["data_type"].lower() if "data_type" in entries else None
    if order is None:
        raise ValueError(
            f"{name}: BYTEORDER must be LOWBYTEFIRST or HIGHBYTEFIRST, got {entries['byteorder']}"
        )
    if said is not None and said not in _TYPES:
        raise ValueError(f"{name}: DATA_TYPE must be one of {', '.join(_TYPES)}, got {said}")
    size = data.stat().st_size / voxels if data.is_file() else 4
    if said is None and size not in _BY_SIZE:
        raise ValueError(
            f"{name}: {data.name} has {data.stat().st_size} bytes, which are no 1, 2 or 4 bytes "
            f"for each of its {voxels} voxels"
        )
    return np.dtype(order + (_TYPES[said] if said is not None else _BY_SIZE[int(size)]))


def _voxel_size(entries: dict[str, str], name: str) -> VoxelSize | None:
    said = entries.get("voxelsize")
    if said is None:
        return None
    try:
        values = [tidy(float(said))]
    except ValueError as error:
        raise ValueError(f"{name}: voxelSize must be a number [um], got {said}") from error
    return positive_voxel_size(values, name)
