"""NRRD headers (`.nrrd` in front of the voxels, `.nhdr` beside them).

The header is a dozen lines of text, so it is read here, and the voxels by the flat reader.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from poroscale.io.layout import Compression, Layout
from poroscale.io.lengths import voxel_size_um
from poroscale.io.metaimage import beside
from poroscale.io.source import as_shape
from poroscale.volume import VoxelSize

_CODES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": ("longlong", "long long", "long long int", "signed long long", "int64", "int64_t"),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}
_DTYPES = {word: code for code, words in _CODES.items() for word in words}
_ENCODINGS: dict[str, Compression] = {
    "raw": "raw",
    "gz": "gzip",
    "gzip": "gzip",
    "bz2": "bzip2",
    "bzip2": "bzip2",
}
_LONGEST_HEADER = 1 << 16


def read_nrrd(path: Path) -> Layout:
    """The layout that an NRRD header states.

    Spacings come from `spacings` or from the lengths of `space directions`; their unit from
    `units` or `space units`. Without a unit the voxel size is unknown.

    Raises
    ------
    ValueError
        If the header is no NRRD, is incomplete, or uses what is not supported.
    """
    fields, end = _fields(path)
    for key in ("sizes", "type", "encoding"):
        if key not in fields:
            raise ValueError(f"{path.name}: the header must have {key!r}")
    encoding = fields["encoding"].lower()
    if encoding not in _ENCODINGS:
        raise ValueError(f"{path.name}: encoding must be raw, gzip or bzip2, got {encoding!r}")
    if int(fields.get("line skip", "0")):
        raise ValueError(f"{path.name}: 'line skip' is not supported")
    detached = fields.get("data file", fields.get("datafile"))
    skip = int(fields.get("byte skip", "0"))
    if skip and encoding != "raw":
        raise ValueError(f"{path.name}: 'byte skip' with compressed data is not supported")
    return Layout(
        header=path,
        data=beside(path, detached.removeprefix("./")) if detached else path,
        shape=as_shape(fields["sizes"].split()[::-1], path.name),
        stored=_stored(fields, path),
        voxel_size=_voxel_size(fields, path),
        kind="NRRD",
        offset=None if skip == -1 else skip + (0 if detached else end),
        compression=_ENCODINGS[encoding],
    )


def _fields(path: Path) -> tuple[dict[str, str], int]:
    with path.open("rb") as file:
        head = file.read(_LONGEST_HEADER)
    if not head.startswith(b"NRRD000"):
        raise ValueError(f"{path.name}: not an NRRD file, its first bytes are {head[:8]!r}")
    fields: dict[str, str] = {}
    end = 0
    for line in head.splitlines(keepends=True):
        end += len(line)
        text = line.decode("latin-1").strip()
        if not text:
            break
        key, colon, value = text.partition(":")
        if colon and not value.startswith("=") and not key.startswith("#"):
            fields[key.strip().lower()] = value.strip()
    return fields, end


def _stored(fields: dict[str, str], path: Path) -> np.dtype[np.generic]:
    word = fields["type"].lower()
    if word not in _DTYPES:
        raise ValueError(f"{path.name}: type must be an integer or float, got {word!r}")
    dtype = np.dtype(_DTYPES[word])
    if dtype.itemsize > 1 and "endian" not in fields:
        raise ValueError(f"{path.name}: the header must have 'endian' for type {word!r}")
    return dtype.newbyteorder(">" if fields.get("endian", "").lower() == "big" else "<")


def _voxel_size(fields: dict[str, str], path: Path) -> VoxelSize | None:
    units = fields.get("units", fields.get("space units", "")).replace('"', " ").split()
    if "spacings" in fields:
        lengths = [float(word) for word in fields["spacings"].split()]
    elif "space directions" in fields:
        rows = fields["space directions"].replace("none", "").split(")")
        vectors = [row.strip(" (") for row in rows if row.strip(" (")]
        lengths = [math.hypot(*(float(part) for part in row.split(","))) for row in vectors]
    else:
        return None
    if len(lengths) != 3 or not all(map(math.isfinite, lengths)) or not units:
        return None
    return voxel_size_um(lengths[::-1], units[0], path.name) if len(set(units)) == 1 else None
