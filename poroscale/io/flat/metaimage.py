"""MetaImage headers (`.mhd` beside its data, `.mha` in front of it).

Without `DistanceUnits` lengths are millimetres, as ITK, Fiji and ParaView take them.
"""

from __future__ import annotations

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

_DTYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
ELEMENT_TYPES = {np.dtype(code): word for word, code in _DTYPES.items()}
_READ = {**_DTYPES, "MET_ASCII_CHAR": "i1", "MET_LONG": "i4", "MET_ULONG": "u4"}
_LONGEST_LINE, _MOST_LINES = 1 << 12, 1 << 20


@dataclass(frozen=True)
class MetaImageHeader:
    """Entries of a header.

    `end` is the byte after its last line; `listed` are the lines after ``ElementDataFile = LIST``.
    """

    path: Path
    fields: dict[str, str]
    end: int
    listed: tuple[str, ...] = ()

    def first(self, *keys: str) -> str | None:
        """The value of the first of `keys` that is there: MetaIO has several names for a thing."""
        return next((self.fields[key] for key in keys if key in self.fields), None)

    def is_true(self, *keys: str, otherwise: str = "False") -> bool:
        """True if the first of `keys` says yes."""
        return (self.first(*keys) or otherwise).lower() in {"true", "1", "yes"}


def read_metaimage(path: Path) -> Layout:
    """The layout that a `.mhd` or `.mha` header states.

    Raises
    ------
    ValueError
        If a key is missing or says something that cannot be a grey volume.
    """
    header = _header(path)
    for key in ("DimSize", "ElementType", "ElementDataFile"):
        if key not in header.fields:
            raise ValueError(f"{path.name}: the header must have {key}")
    if not header.is_true("BinaryData", otherwise="True"):
        raise ValueError(f"{path.name}: the voxels must be binary, got BinaryData = False")
    _require_stored_values(header)
    sizes = whole_numbers(header.fields["DimSize"], "DimSize", path)
    _require_count(header, len(sizes))
    files = _files(header, sizes)
    size = _voxel_size(header, len(sizes))
    origin, notes = _origin(header, size)
    channels = whole_number(
        header.first("ElementNumberOfChannels") or "1", "ElementNumberOfChannels", path
    )
    if not 1 <= channels <= 1 << 16:
        raise ValueError(f"{path.name}: ElementNumberOfChannels must be positive, got {channels}")
    local = files == [path]
    volumes = prod(sizes[3:])
    if channels > 1 and volumes > 1:
        raise ValueError(f"{path.name}: the file must hold one volume, got {volumes} of channels")
    return Layout(
        header=path,
        data=files[0],
        rest=tuple(files[1:]),
        shape=as_shape(sizes[2::-1], path.name),
        stored=_stored(header),
        voxel_size=size,
        kind="MetaImage",
        offset=header.end if local else _header_size(header),
        compression=_compression(header),
        channels=channels * volumes,
        interleaved=volumes == 1,
        origin=origin,
        notes=notes,
    )


def _header(path: Path) -> MetaImageHeader:
    fields: dict[str, str] = {}
    with path.open("rb") as file:
        for _ in range(_MOST_LINES):
            line = file.readline(_LONGEST_LINE)
            key, equals, value = line.decode("latin-1").partition("=")
            if not line or (not equals and len(line) == _LONGEST_LINE):
                break
            if equals:
                fields[key.strip()] = value.strip()
            if key.strip() == "ElementDataFile":  # by definition the last line
                end, rest = file.tell(), b""
                if value.split()[:1] == ["LIST"]:
                    rest = file.read(_LONGEST_LINE * 1024)
                lines = (text.strip() for text in rest.decode("latin-1").splitlines())
                return MetaImageHeader(path, fields, end, tuple(filter(None, lines)))
        return MetaImageHeader(path, fields, file.tell())


def _require_stored_values(header: MetaImageHeader) -> None:
    """The line from stored to true values that MetaIO knows and no program that was seen writes."""
    for end, plain in (("Slope", 1.0), ("Offset", 0.0)):
        key = f"ElementToIntensityFunction{end}"
        said = finite_numbers(header.first(key) or str(plain), key, header.path)
        if said != [plain]:
            raise ValueError(f"{header.path.name}: {key} must be {plain:g}, got {said}")


def _require_count(header: MetaImageHeader, count: int) -> None:
    said = header.first("NDims")
    if said is not None and whole_number(said, "NDims", header.path) != count:
        raise ValueError(f"{header.path.name}: DimSize must hold NDims = {said} sizes, got {count}")


def _files(header: MetaImageHeader, sizes: list[int]) -> list[Path]:
    path, text = header.path, header.fields["ElementDataFile"]
    if text.upper() == "LOCAL":
        return [path]
    words = text.split()
    if words[:1] == ["LIST"]:
        given = whole_numbers(" ".join(words[1:]).rstrip("dD"), "LIST", path) or [len(sizes) - 1]
        found = [beside(path, name) for name in header.listed]
        _require_files(header, found, sizes, given[0])
        return found
    series = numbered(path, text)
    if series is not None:
        _require_files(header, series, sizes, len(sizes) - 1)
        return series
    return [beside(path, text)]


def _require_files(header: MetaImageHeader, files: list[Path], sizes: list[int], axes: int) -> None:
    """Each file holds the first `axes` axes, so that their number follows from the others."""
    count = prod(sizes[axes:])
    if not files or len(files) != count:
        raise ValueError(
            f"{header.path.name}: its voxels must lie in {count} files, it names {len(files)}"
        )


def _stored(header: MetaImageHeader) -> np.dtype[np.generic]:
    word = header.fields["ElementType"].upper()
    if word not in _READ:
        raise ValueError(
            f"{header.path.name}: ElementType must be one of {sorted(_READ)}, got {word}"
        )
    big = header.is_true("BinaryDataByteOrderMSB", "ElementByteOrderMSB")
    return np.dtype(_READ[word]).newbyteorder(">" if big else "<")


def _unit(header: MetaImageHeader) -> str:
    unit = header.first("DistanceUnits") or "?"
    if unit in {"?", "UNKNOWN", ""}:
        return "mm"
    if um_per(unit) is None:
        raise ValueError(f"{header.path.name}: DistanceUnits must be a length, got {unit!r}")
    return unit


def _voxel_size(header: MetaImageHeader, axes: int) -> VoxelSize | None:
    text = header.first("ElementSpacing", "ElementSize")
    if text is None:
        return None
    values = real_numbers(text, "ElementSpacing", header.path)
    if len(values) != axes:
        raise ValueError(
            f"{header.path.name}: ElementSpacing must hold {axes} lengths, got {len(values)}"
        )
    if axes == 2:  # the pixel's size is taken along z, too, if it is square
        if values[0] != values[1]:
            return None
        values.append(values[0])
    return voxel_size_um(values[2::-1], _unit(header), header.path.name)


def _origin(header: MetaImageHeader, size: VoxelSize | None) -> tuple[Index, tuple[str, ...]]:
    """Index of the first voxel; a turned or mirrored volume has none along its own axes."""
    text = header.first("Offset", "Position", "Origin")
    if text is None or size is None:
        return (0, 0, 0), ()
    places = finite_numbers(text, "Offset", header.path)
    if not any(places):
        return (0, 0, 0), ()
    if _is_turned(header):
        return (0, 0, 0), ("its position was left out: its axes are turned (TransformMatrix)",)
    factor = um_per(_unit(header)) or 0.0
    centre = [place * factor for place in (*places, 0.0, 0.0, 0.0)[2::-1]]
    return index_at(centre, size)


def _is_turned(header: MetaImageHeader) -> bool:
    text = header.first("TransformMatrix", "Rotation", "Orientation")
    if text is None:
        return False
    values = finite_numbers(text, "TransformMatrix", header.path)
    side = round(len(values) ** 0.5)
    return len(values) != side**2 or values != np.eye(side).reshape(-1).tolist()


def _header_size(header: MetaImageHeader) -> int | None:
    size = whole_number(header.first("HeaderSize") or "0", "HeaderSize", header.path)
    return None if size < 0 else size


def _compression(header: MetaImageHeader) -> Compression:
    return "zlib" if header.is_true("CompressedData") else "raw"
