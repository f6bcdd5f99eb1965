"""Layout from the name of a RAW file; only what can be read in one way is taken."""

from __future__ import annotations

import re
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np

from poroscale.io.flat.layout import Layout
from poroscale.io.read.lengths import voxel_size_um
from poroscale.io.read.source import as_shape
from poroscale.volume import Shape, VoxelSize

HEADER_SUFFIXES = (".mhd", ".nhdr", ".vgi", ".json")
"""Side-cars that are looked for beside the file."""

_SIZE = re.compile(r"(?<![0-9.x×])(\d+)[x×](\d+)[x×](\d+)(?![0-9x×]|\.\d)", re.IGNORECASE)
_LENGTH = re.compile(r"(?<![0-9.])(\d+(?:[.p]\d+)?)[ _]?(nm|um|µm|μm|mm)(?![a-z])", re.IGNORECASE)
_TYPE = re.compile(
    r"(?<![a-z0-9])"
    r"(?:(?P<named>u?int(?:8|16|32|64)|float(?:32|64))"
    r"|(?P<bits>8|16|32|64)[-_ ]?bits?(?:[-_ ]?(?P<kind>unsigned|signed|real|float|uint|int))?)"
    r"(?:[-_ ]?(?P<order>le|be))?"
    r"(?![a-z0-9])",
    re.IGNORECASE,
)
_ENDIAN = re.compile(r"(?<![a-z])(?:(little|big)[-_ ]?endian|(msb|lsb))(?![a-z])")
_KINDS = {"unsigned": "u", "uint": "u", "signed": "i", "int": "i", "real": "f", "float": "f"}


def layout_from_name(path: Path) -> Layout:
    """The layout that a name such as `part_512x512x300_4.87um_16bit.raw` states.

    Width x height x depth, that is x, y, z. Types are `uint16`, `int16`, `float32` and so on, or
    Fiji's `16-bit_signed`, `32-bit_real`; `8bit` and `16bit` alone are unsigned. Little-endian,
    unless `be` directly follows the type, or `big-endian` stands in the name. `4p87um` is 4.87 um.
    Where the name holds several sizes or types, those are taken that give the bytes of the file.

    Raises
    ------
    ValueError
        If the name does not hold a size and a type, or several that fit the file.
    """
    shapes = [as_shape(found.groups()[::-1], path.name) for found in _SIZE.finditer(path.stem)]
    types = [dtype for found in _TYPE.finditer(path.stem) if (dtype := _dtype(found))]
    if not shapes or not types:
        raise ValueError(
            f"{path.name}: RAW voxels need a side-car ({', '.join(HEADER_SUFFIXES)}) or a name "
            "such as part_WIDTHxHEIGHTxDEPTH_4.87um_16bit.raw (8bit, 16bit, int16, float32)"
        )
    shape, stored = _fitting(path, shapes, types)
    size, notes = _size_in_name(path)
    stored = stored.newbyteorder(_order(path, stored))
    return Layout(
        header=path,
        data=path,
        shape=shape,
        stored=stored,
        voxel_size=size,
        kind="RAW",
        notes=(_in_words(shape, stored), *notes),
    )


def _dtype(found: re.Match[str]) -> np.dtype[Any] | None:
    big = (found["order"] or "").lower() == "be"
    if found["named"]:
        return np.dtype(found["named"].lower()).newbyteorder(">" if big else "<")
    bits, kind = int(found["bits"]), (found["kind"] or "").lower()
    if not kind and bits > 16:
        return None  # 32 bits may be an integer or a float
    letter = _KINDS.get(kind, "u")
    if letter == "f" and bits < 32:
        return None
    return np.dtype(f"{letter}{bits // 8}").newbyteorder(">" if big else "<")


def _fitting(
    path: Path, shapes: list[Shape], types: list[np.dtype[Any]]
) -> tuple[Shape, np.dtype[Any]]:
    choices = list(dict.fromkeys(product(shapes, types)))
    present = path.stat().st_size
    fitting = [
        (shape, dtype) for shape, dtype in choices if prod(shape) * dtype.itemsize == present
    ]
    if len(fitting) > 1:
        said = " or ".join(_in_words(*choice) for choice in fitting)
        raise ValueError(f"{path.name}: its name can be read in several ways ({said})")
    return (fitting or choices)[0]


def _order(path: Path, stored: np.dtype[Any]) -> Literal["<", ">"]:
    words = {"".join(found.groups("")) for found in _ENDIAN.finditer(path.stem.lower())}
    big = stored.byteorder == ">" or bool(words & {"big", "msb"})
    if big and words & {"little", "lsb"}:
        raise ValueError(f"{path.name}: its name states both byte orders")
    return ">" if big else "<"


def _in_words(shape: Shape, stored: np.dtype[Any]) -> str:
    z, y, x = shape
    order = ", big-endian" if stored.byteorder == ">" else ""
    return f"read by its name as {x} x {y} x {z} voxels of {stored.name}{order}"


def _size_in_name(path: Path) -> tuple[VoxelSize | None, tuple[str, ...]]:
    said = {
        voxel_size_um([float(found[1].lower().replace("p", "."))] * 3, found[2], path.name)
        for found in _LENGTH.finditer(path.stem)
    }
    if len(said) > 1:
        return None, ("its name holds several lengths; none was taken as the voxel size",)
    return (said.pop() if said else None), ()
