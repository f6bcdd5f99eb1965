"""NRRD headers (`.nrrd` in front of the voxels, `.nhdr` beside them).

The header is a dozen lines of text, so it is read here, and the voxels by the flat reader.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from poroscale.io.flat.data_files import beside, numbered
from poroscale.io.flat.layout import Compression, Layout
from poroscale.io.read.header_numbers import (
    finite_numbers,
    real_numbers,
    whole_number,
    whole_numbers,
)
from poroscale.io.read.lengths import um_per, voxel_size_um
from poroscale.io.read.position import index_at
from poroscale.io.read.source import as_shape
from poroscale.volume import Index, VoxelSize

_CODES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": (
        "longlong",
        "long long",
        "long long int",
        "signed long long",
        "signed long long int",
        "int64",
        "int64_t",
    ),
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
_LONGEST_LINE, _MOST_LINES = 1 << 16, 1 << 20
_SPATIAL = {"domain", "space", "???", "none", ""}
_COLOURS = {"rgb-color": (3, False), "rgba-color": (3, True)}
_MAGIC = re.compile(rb"NRRD000[1-5]")
_VECTOR = re.compile(r"none|\(([^)]*)\)", re.IGNORECASE)


@dataclass(frozen=True)
class NrrdHeader:
    """Keys without blanks in lower case, the byte after the header, and the files of a list."""

    path: Path
    fields: dict[str, str]
    end: int
    listed: tuple[str, ...] = ()

    def words(self, key: str, axes: int) -> list[str]:
        """The value of `key` for each axis; nothing where the key is not there."""
        text = self.fields.get(key)
        if text is None:
            return []
        found = [a or b for a, b in re.findall(r'"([^"]*)"|(\S+)', text)]
        if len(found) != axes:
            raise ValueError(f"{self.path.name}: {key} must have {axes} values, got {text[:80]!r}")
        return found


@dataclass(frozen=True)
class NrrdAxes:
    """Indices of the axes of space, the fastest first; other axes count the numbers of a voxel."""

    sizes: list[int]
    space: list[int]
    interleaved: bool
    kind: str

    @property
    def channels(self) -> int:
        """Numbers of a voxel."""
        return prod(size for k, size in enumerate(self.sizes) if k not in self.space)


def read_nrrd(path: Path) -> Layout:
    """The layout that an NRRD header states.

    Spacings come from `spacings` or from the lengths of `space directions`; their units from
    `units` or `space units`. Without a unit the voxel size is unknown.

    Raises
    ------
    ValueError
        If the header is no NRRD, is incomplete, or uses what is not supported.
    """
    header = _header(path)
    for key in ("sizes", "type", "encoding"):
        if key not in header.fields:
            raise ValueError(f"{path.name}: the header must have {key!r}")
    encoding = header.fields["encoding"].lower()
    if encoding not in _ENCODINGS:
        raise ValueError(f"{path.name}: encoding must be raw, gzip or bzip2, got {encoding!r}")
    axes = _axes(header)
    size = _voxel_size(header, axes)
    origin, notes = _origin(header, axes, size)
    files = _files(header, axes)
    colours, opaque = _COLOURS.get(axes.kind, (0, False))
    return Layout(
        header=path,
        data=files[0],
        rest=tuple(files[1:]),
        shape=as_shape([axes.sizes[k] for k in axes.space][::-1], path.name),
        stored=_stored(header),
        voxel_size=size,
        kind="NRRD",
        offset=_offset(header, files[0], packed=encoding != "raw"),
        compression=_ENCODINGS[encoding],
        channels=axes.channels,
        interleaved=axes.interleaved,
        colours=colours if axes.channels == colours + opaque else 0,
        opaque=opaque,
        origin=origin,
        notes=notes,
    )


def _header(path: Path) -> NrrdHeader:
    fields: dict[str, str] = {}
    with path.open("rb") as file:
        start = file.readline(_LONGEST_LINE)
        if not _MAGIC.fullmatch(start.rstrip()):
            raise ValueError(f"{path.name}: not an NRRD file, its first bytes are {start[:8]!r}")
        for _ in range(_MOST_LINES):
            line = file.readline(_LONGEST_LINE)
            text = line.decode("latin-1").strip()
            if not text:
                break
            key, colon, value = text.partition(":")
            if not colon or value.startswith("=") or key.startswith("#"):
                continue
            name = key.strip().lower().replace(" ", "")
            if fields.setdefault(name, value.strip()) != value.strip():
                raise ValueError(f"{path.name}: the header states {key.strip()!r} twice")
            if name == "datafile" and value.split()[:1] == ["LIST"]:  # then files to the end
                lines = file.read(_LONGEST_LINE * 64).decode("latin-1").splitlines()
                return NrrdHeader(path, fields, 0, tuple(t.strip() for t in lines if t.strip()))
        return NrrdHeader(path, fields, file.tell())


def _axes(header: NrrdHeader) -> NrrdAxes:
    path = header.path
    sizes = whole_numbers(header.fields["sizes"], "sizes", path)
    if min(sizes, default=0) < 1:
        raise ValueError(f"{path.name}: sizes must be positive, got {header.fields['sizes']!r}")
    count = whole_number(header.fields.get("dimension", str(len(sizes))), "dimension", path)
    if count != len(sizes):
        raise ValueError(f"{path.name}: sizes must be {count} as dimension says, got {len(sizes)}")
    kinds = [word.lower() for word in header.words("kinds", count)] or [""] * count
    vectors = _vectors(header, count)
    other = [
        k for k in range(count) if kinds[k] not in _SPATIAL or (vectors and vectors[k] is None)
    ]
    space = [k for k in range(count) if k not in other]
    while len(space) > 3 and 1 in (sizes[space[0]], sizes[space[-1]]):
        space.pop(-1 if sizes[space[-1]] == 1 else 0)
    if len(space) not in {2, 3} or space != list(range(space[0], space[-1] + 1)):
        raise ValueError(
            f"{path.name}: the header must name two or three axes of space, got sizes {sizes}"
            f" of kinds {' '.join(kinds).strip() or 'that are not given'}"
        )
    before, after = prod(sizes[: space[0]]), prod(sizes[space[-1] + 1 :])
    if before > 1 and after > 1:
        raise ValueError(f"{path.name}: the axes of space must come first or last, got {kinds}")
    kind = next((kinds[k] for k in other if sizes[k] > 1), "")
    return NrrdAxes(sizes, space, before > 1, kind)


def _vectors(header: NrrdHeader, count: int) -> list[list[float] | None]:
    """A vector for each axis, None for one that is not of space; nothing where none are said."""
    text = header.fields.get("spacedirections")
    if text is None:
        return []
    found: list[list[float] | None] = []
    for match in _VECTOR.finditer(text):
        parts = match[1]
        name, path = "space directions", header.path
        found.append(None if parts is None else real_numbers(parts.replace(",", " "), name, path))
    if len(found) != count:
        raise ValueError(
            f"{header.path.name}: space directions must have {count} vectors, got {text[:80]!r}"
        )
    return found


def _stored(header: NrrdHeader) -> np.dtype[np.generic]:
    path, word = header.path, header.fields["type"].lower()
    if word not in _DTYPES:
        raise ValueError(f"{path.name}: type must be an integer or float, got {word!r}")
    dtype = np.dtype(_DTYPES[word])
    endian = header.fields.get("endian", "").lower()
    if dtype.itemsize > 1 and endian not in {"little", "big"}:
        raise ValueError(
            f"{path.name}: 'endian' must be little or big for type {word!r}, "
            f"got {endian or 'nothing'}"
        )
    return dtype.newbyteorder(">" if endian == "big" else "<")


def _files(header: NrrdHeader, axes: NrrdAxes) -> list[Path]:
    text = header.fields.get("datafile")
    if text is None:
        return [header.path]
    found = [beside(header.path, name) for name in header.listed]
    if text.split()[:1] != ["LIST"]:
        found = numbered(header.path, text) or [beside(header.path, text)]
    if not found:
        raise ValueError(f"{header.path.name}: its list of data files is empty")
    return found


def _offset(header: NrrdHeader, data: Path, *, packed: bool) -> int | None:
    """First byte of the voxels, once lines and bytes are left out; None for the last bytes."""
    lines, skip = (
        whole_number(header.fields.get(key, "0"), key, header.path)
        for key in ("lineskip", "byteskip")
    )
    if packed and (lines or skip):
        raise ValueError(
            f"{header.path.name}: 'line skip' and 'byte skip' with compressed data are not "
            "supported"
        )
    if lines < 0 or skip < -1:
        raise ValueError(f"{header.path.name}: 'line skip' and 'byte skip' must not be negative")
    start = header.end if data == header.path else 0
    if lines and data.is_file():
        with data.open("rb") as file:
            file.seek(start)
            for _ in range(min(lines, _MOST_LINES)):
                file.readline()
            start = file.tell()
    return None if skip == -1 else start + skip


def _voxel_size(header: NrrdHeader, axes: NrrdAxes) -> VoxelSize | None:
    path, count = header.path, len(axes.sizes)
    vectors = _vectors(header, count)
    if "spacings" in header.fields:
        steps = real_numbers(header.fields["spacings"], "spacings", path)
        if len(steps) != count:
            raise ValueError(f"{path.name}: spacings must be {count}, got {len(steps)}")
        lengths = [steps[k] for k in axes.space]
    elif vectors:
        lengths = [math.hypot(*(vectors[k] or [math.nan])) for k in axes.space]
    else:
        return None
    factors = [um_per(unit) for unit in _units(header, axes)]
    if not all(map(math.isfinite, lengths)) or None in factors or not factors:
        return None
    sizes = [step * (factor or 0) for step, factor in zip(lengths, factors, strict=True)]
    if len(sizes) == 2:  # the pixel's size is taken along z, too, if it is square
        if sizes[0] != sizes[1]:
            return None
        sizes.append(sizes[0])
    return voxel_size_um(sizes[::-1], "um", path.name)


def _units(header: NrrdHeader, axes: NrrdAxes) -> list[str]:
    """The unit of each axis of space; nothing where none is given."""
    units = header.words("units", len(axes.sizes))
    if units:
        return [units[k] for k in axes.space]
    text = header.fields.get("spaceunits")
    words = [] if text is None else [a or b for a, b in re.findall(r'"([^"]*)"|(\S+)', text)]
    if len(set(words)) == 1:
        return words[:1] * len(axes.space)
    return words if len(words) == len(axes.space) and _is_upright(header, axes) else []


def _is_upright(header: NrrdHeader, axes: NrrdAxes) -> bool:
    """True if the axes of the file are those of space, neither turned nor mirrored."""
    vectors = _vectors(header, len(axes.sizes))
    rows = [vectors[k] or [] for k in axes.space] if vectors else []
    if not rows or any(len(row) != len(rows) for row in rows):
        return False
    table = np.array(rows)
    return bool((table == np.diag(np.diagonal(table))).all() and (np.diagonal(table) > 0).all())


def _origin(
    header: NrrdHeader, axes: NrrdAxes, size: VoxelSize | None
) -> tuple[Index, tuple[str, ...]]:
    text = header.fields.get("spaceorigin", "").strip("() ").replace(",", " ")
    places = finite_numbers(text, "space origin", header.path)
    factors = [um_per(unit) or 0.0 for unit in _units(header, axes)]
    if size is None or not any(places):
        return (0, 0, 0), ()
    if not _is_upright(header, axes) or len(places) != len(factors):
        return (0, 0, 0), ("its position was left out: its axes are turned (space directions)",)
    centre = [place * factor for place, factor in zip(places, factors, strict=True)]
    return index_at([*centre, 0.0][2::-1], size)
