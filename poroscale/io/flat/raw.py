"""RAW voxels, whose shape and type a side-car or the file's own name states.

For `scan.raw` the side-cars `scan.mhd`, `scan.nhdr`, `scan.vgi` and `scan.json` are looked for,
in this order, also with the data file's full name in front (`scan.raw.vgi`).
"""

from __future__ import annotations

import configparser
import json
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from poroscale.config import sentence
from poroscale.io.flat.data_files import beside
from poroscale.io.flat.layout import Layout
from poroscale.io.flat.metaimage import read_metaimage
from poroscale.io.flat.nrrd import read_nrrd
from poroscale.io.flat.raw_name import HEADER_SUFFIXES, layout_from_name
from poroscale.io.read.header_numbers import real_numbers, whole_number, whole_numbers
from poroscale.io.read.lengths import tidy, um_per, voxel_size_um
from poroscale.io.read.source import as_shape, require_numeric
from poroscale.volume import VoxelSize

RAW_SUFFIXES = (".raw", ".vol", ".bin", ".dat")


def find_layout(path: Path) -> Layout:
    """The layout of the RAW file `path` from its side-car, or else from its name.

    Raises
    ------
    ValueError
        If neither says shape and dtype, or the side-car is another file's.
    """
    for suffix in HEADER_SUFFIXES:
        for header in (path.with_suffix(suffix), path.with_name(path.name + suffix)):
            if header.is_file():
                return _described(path, read_header(header))
    return layout_from_name(path)


def _described(path: Path, layout: Layout) -> Layout:
    if path not in (layout.data, *layout.rest):
        raise ValueError(
            f"{path.name}: its side-car {layout.header.name} describes {layout.data.name}; "
            f"give {layout.header.name} to read that, or rename one of them"
        )
    return layout


def read_header(path: Path) -> Layout:
    """The layout that the side-car `path` states."""
    readers = {
        ".mhd": read_metaimage,
        ".mha": read_metaimage,
        ".nhdr": read_nrrd,
        ".nrrd": read_nrrd,
        ".vgi": read_vgi,
        ".json": read_json,
    }
    return readers[path.suffix.lower()](path)


def read_vgi(path: Path) -> Layout:
    """The layout in a VGStudio `.vgi` file: an INI whose keys are repeated per section."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    text = "".join(
        line if line.lstrip().startswith("{") is False else line.replace("{", "[").replace("}", "]")
        for line in path.read_text(encoding="latin-1").splitlines(keepends=True)
    )
    try:
        parser.read_string("[head]\n" + text)
    except configparser.Error as error:
        said = " ".join(error.message.split())[:200]
        raise ValueError(f"{path.name}: not a .vgi side-car: {said}") from error
    fields: dict[str, str] = {}
    for section in parser.sections():
        for key, value in parser.items(section):
            fields.setdefault(key.lower(), value.strip())
    for key in ("size", "name", "datatype", "bitsperelement"):
        if key not in fields:
            raise ValueError(f"{path.name}: the side-car must have {key!r}")
    if fields.get("fileformat", "raw").lower() != "raw":
        raise ValueError(f"{path.name}: FileFormat must be raw, got {fields['fileformat']!r}")
    return Layout(
        header=path,
        data=beside(path, fields["name"]),
        shape=as_shape(whole_numbers(fields["size"], "size", path)[::-1], path.name),
        stored=_vgi_dtype(fields, path),
        voxel_size=_vgi_voxel_size(fields, path),
        kind="VGI",
        offset=whole_number(fields.get("skipheader", "0"), "skipheader", path),
    )


def _vgi_dtype(fields: dict[str, str], path: Path) -> np.dtype[np.generic]:
    kinds = {"unsigned integer": "u", "integer": "i", "signed integer": "i", "float": "f"}
    kind = fields["datatype"].lower()
    bits = whole_number(fields["bitsperelement"], "bitsperelement", path)
    if kind not in kinds or bits not in {8, 16, 32, 64}:
        raise ValueError(f"{path.name}: datatype {kind!r} of {bits} bits is not supported")
    return np.dtype(f"{kinds[kind]}{bits // 8}").newbyteorder("<")


def _vgi_voxel_size(fields: dict[str, str], path: Path) -> VoxelSize | None:
    text = fields.get("resolution")
    if text is None:
        return None
    values = real_numbers(text, "resolution", path)[::-1]
    return voxel_size_um(values, fields.get("unit", "mm"), path.name)


class RawSidecar(BaseModel):
    """Keys that `scan.json` beside `scan.raw` may hold; any other key is an error.

    `shape` is (z, y, x), `voxel_size` one length or (z, y, x) in `unit`.
    """

    model_config = ConfigDict(extra="forbid")

    shape: tuple[int, int, int]
    dtype: str
    voxel_size: float | tuple[float, float, float] | None = None
    unit: str = "um"
    byte_order: str = "little"
    offset: int = 0
    file: str | None = None


def read_json(path: Path) -> Layout:
    """The layout in a `.json` side-car (see `RawSidecar`).

    Raises
    ------
    ValueError
        If the file is no such side-car.
    """
    try:
        said = RawSidecar.model_validate(json.loads(path.read_text()))
        stored: np.dtype[Any] = np.dtype(said.dtype)
    except ValidationError as error:
        raise ValueError(f"{path.name}: not a RAW side-car: {sentence(error)}") from error
    except (ValueError, TypeError) as error:  # no JSON, no text, no dtype
        raise ValueError(f"{path.name}: not a RAW side-car: {error}") from error
    return Layout(
        header=path,
        data=beside(path, said.file) if said.file else _data_of(path),
        shape=as_shape(said.shape, path.name),
        stored=_ordered(require_numeric(stored, path.name), said.byte_order, path),
        voxel_size=_json_voxel_size(said, path),
        kind="RAW",
        offset=said.offset,
    )


def _ordered(dtype: np.dtype[Any], order: str, path: Path) -> np.dtype[Any]:
    if order not in {"little", "big"}:
        raise ValueError(f"{path.name}: byte_order must be little or big, got {order}")
    return dtype.newbyteorder("<" if order == "little" else ">")


def _data_of(header: Path) -> Path:
    if header.with_suffix("").suffix.lower() in RAW_SUFFIXES:
        return header.with_suffix("")
    found = [header.with_suffix(suffix) for suffix in RAW_SUFFIXES]
    return next((path for path in found if path.is_file()), found[0])


def _json_voxel_size(said: RawSidecar, path: Path) -> VoxelSize | None:
    if said.voxel_size is None:
        return None
    factor = um_per(said.unit)
    if factor is None:
        raise ValueError(f"{path.name}: unit must be a length such as um, got {said.unit!r}")
    values = said.voxel_size if isinstance(said.voxel_size, tuple) else (said.voxel_size,) * 3
    return voxel_size_um([tidy(value) for value in values], said.unit, path.name)
