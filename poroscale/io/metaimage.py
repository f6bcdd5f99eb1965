"""MetaImage headers (`.mhd` beside its data, `.mha` in front of it).

The format states no unit; ITK, Fiji and ParaView take `ElementSpacing` as millimetres, and so
does this reader.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from poroscale.io.layout import Compression, Layout
from poroscale.io.lengths import voxel_size_um
from poroscale.io.source import as_shape
from poroscale.volume import VoxelSize

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
"""Types that the format has: there is no half float."""
_LONGEST_HEADER = 1 << 16


def read_metaimage(path: Path) -> Layout:
    """The layout that a `.mhd` or `.mha` header states.

    Raises
    ------
    ValueError
        If a key is missing or says something that cannot be a grey volume.
    """
    fields, end = _fields(path)
    for key in ("DimSize", "ElementType", "ElementDataFile"):
        if key not in fields:
            raise ValueError(f"{path.name}: the header must have {key}")
    if fields.get("ElementNumberOfChannels", "1") != "1":
        raise ValueError(f"{path.name}: ElementNumberOfChannels must be 1")
    local = fields["ElementDataFile"].upper() == "LOCAL"
    return Layout(
        header=path,
        data=path if local else beside(path, fields["ElementDataFile"]),
        shape=as_shape(fields["DimSize"].split()[::-1], path.name),
        stored=_stored(fields, path),
        voxel_size=_voxel_size(fields, path),
        kind="MetaImage",
        offset=end if local else _header_size(fields),
        compression=_compression(fields),
    )


def beside(header: Path, name: str) -> Path:
    """The file `name` in the folder of `header`; a way out of that folder is refused."""
    if Path(name).name != name or name in {"", ".", ".."}:
        raise ValueError(f"{header.name}: the data file must lie beside the header, got {name!r}")
    return header.parent / name


def _fields(path: Path) -> tuple[dict[str, str], int]:
    with path.open("rb") as file:
        head = file.read(_LONGEST_HEADER)
    fields: dict[str, str] = {}
    end = 0
    for line in head.splitlines(keepends=True):
        end += len(line)
        key, equals, value = line.decode("latin-1").partition("=")
        if equals:
            fields[key.strip()] = value.strip()
        if key.strip() == "ElementDataFile":  # by definition the last line
            return fields, end
    return fields, end


def _stored(fields: dict[str, str], path: Path) -> np.dtype[np.generic]:
    word = fields["ElementType"].upper()
    if word not in _DTYPES:
        raise ValueError(f"{path.name}: ElementType must be one of {sorted(_DTYPES)}, got {word}")
    msb = fields.get("BinaryDataByteOrderMSB", fields.get("ElementByteOrderMSB", "False"))
    return np.dtype(_DTYPES[word]).newbyteorder(">" if msb.lower() in {"true", "1"} else "<")


def _voxel_size(fields: dict[str, str], path: Path) -> VoxelSize | None:
    text = fields.get("ElementSpacing", fields.get("ElementSize"))
    if text is None:
        return None
    values = [float(word) for word in text.split()[::-1]]
    if len(values) == 2:
        values.insert(0, values[0])
    return voxel_size_um(values, "mm", path.name)


def _header_size(fields: dict[str, str]) -> int | None:
    size = int(fields.get("HeaderSize", "0"))
    return None if size < 0 else size


def _compression(fields: dict[str, str]) -> Compression:
    return "zlib" if fields.get("CompressedData", "False").lower() in {"true", "1"} else "raw"
