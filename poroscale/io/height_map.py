"""Height maps of profilometers: Wyko and Bruker `.opd`, Alicona `.al3d`.

Neither format is published; this follows what the readers of Gwyddion, SurfaceTopography and
surfalize agree on.

OPD: two bytes, then a directory of blocks (name of 16 bytes, type, size, flags), then their data.
An array begins with its columns, rows and bytes an element (1, 2 or 4), and runs down its columns;
height = value x Wavelength [nm] / Mult, spacing = Pixel_size [mm] (x Aspect along y).

AL3D: a magic word, then tags of 52 bytes (key of 20, value of 30, CR LF); heights are float32 in
metres, in rows that are padded to 8 bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SUFFIXES = (".opd", ".al3d")
_LARGEST = 1 << 31
_MAGIC_AL3D = b"AliconaImaging\x00\r\n"
_TAG = struct.Struct("<20s30s2s")
_BLOCK = struct.Struct("<16sHIH")
_NUMBERS = {6: "<h", 7: "<f", 8: "<d", 12: "<i"}
_ARRAY = 3
_HEIGHTS = ("OPD", "SAMPLE_DATA", "RAW_DATA", "RAW DATA")
_HIGHEST_UM = 1e6
_BAD_FLOAT = 1e38
_BAD_SHORTS = (32766, 32767, -32768)


@dataclass(frozen=True)
class HeightMap:
    """Heights over a plane.

    Attributes
    ----------
    heights
        float32 (rows, columns) [um], NaN where nothing was measured.
    pitch
        Distance of rows and of columns [um].
    """

    heights: NDArray[np.float32]
    pitch: tuple[float, float]


def is_height_map(path: str | Path) -> bool:
    """True if the name of a file is that of a height map."""
    return Path(path).suffix.lower() in SUFFIXES


def read_height_map(path: str | Path) -> HeightMap:
    """The heights in an `.opd` or `.al3d` file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no whole height map, or larger than 2 GiB.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist")
    if not is_height_map(path):
        raise ValueError(f"{path.name}: a height map must be a file .opd or .al3d")
    if path.stat().st_size > _LARGEST:
        raise ValueError(f"{path.name}: a height map must be at most 2 GiB")
    data = path.read_bytes()
    try:
        found = _al3d(data) if path.suffix.lower() == ".al3d" else _opd(data)
    except (ValueError, LookupError, OverflowError, struct.error) as error:
        kind = path.suffix[1:].upper()
        raise ValueError(f"{path.name}: not a complete {kind} file: {error}") from error
    if not all(np.isfinite(step) and step > 0 for step in found.pitch):
        raise ValueError(f"{path.name}: its spacing must be positive, got {found.pitch} um")
    return found


def _opd(data: bytes) -> HeightMap:
    blocks = _directory(data)
    name = next((name for name in _HEIGHTS if name in blocks), None)
    if name is None:
        raise ValueError(f"it must hold heights, got the blocks {', '.join(blocks)}")
    kind, body = blocks[name]
    if kind != _ARRAY:
        raise ValueError(f"its block {name} is no array")
    columns, rows, itemsize = struct.unpack_from("<HHH", body)
    values = _elements(body[6:], columns * rows, itemsize, name)
    scale = 1e-3 * _number(blocks, "Wavelength") / _number(blocks, "Mult", 1.0)
    pixel = 1e3 * _number(blocks, "Pixel_size")
    # Columns are stored one after the other, each from the bottom up.
    pitch = (pixel * _number(blocks, "Aspect", 1.0), pixel)
    return _map((values * scale).reshape(columns, rows).T[::-1], pitch)


def _map(heights: NDArray[np.float64], pitch: tuple[float, float]) -> HeightMap:
    if not np.nanmax(np.abs(heights), initial=0.0) < _HIGHEST_UM:
        raise ValueError("its heights must be below a metre")
    return HeightMap(np.ascontiguousarray(heights, np.float32), pitch)


def _directory(data: bytes) -> dict[str, tuple[int, bytes]]:
    """Type and bytes of each block, by its name."""
    name, kind, size, _ = _BLOCK.unpack_from(data, 2)
    if name.rstrip(b"\0 ") != b"Directory" or kind != 1:
        raise ValueError("it does not begin with a directory")
    blocks: dict[str, tuple[int, bytes]] = {}
    place = 2 + size
    for number in range(1, size // _BLOCK.size):
        name, kind, length, _ = _BLOCK.unpack_from(data, 2 + number * _BLOCK.size)
        key = _word(name)
        if place + length > len(data):
            raise ValueError(f"its block {key} is cut short")
        if length:
            blocks.setdefault(key, (kind, data[place : place + length]))
        place += length
    return blocks


def _elements(body: bytes, count: int, itemsize: int, name: str) -> NDArray[np.float64]:
    kinds = {2: "<i2", 4: "<f4"}
    if itemsize not in kinds:
        raise ValueError(f"elements of {name} must have 2 or 4 bytes, got {itemsize}")
    if not count or len(body) < count * itemsize:
        raise ValueError(f"its block {name} holds {len(body)} bytes for {count} heights")
    stored = np.frombuffer(body, kinds[itemsize], count)
    bad = np.isin(stored, _BAD_SHORTS) if itemsize == 2 else ~(np.abs(stored) < _BAD_FLOAT)
    with np.errstate(invalid="ignore"):  # of signalling NaN
        return np.where(bad, np.nan, stored.astype(np.float64))


def _number(
    blocks: Mapping[str, tuple[int, bytes]], name: str, default: float | None = None
) -> float:
    if name not in blocks and default is not None:
        return default
    kind, body = blocks.get(name, (0, b""))
    if kind not in _NUMBERS:
        raise ValueError(f"it does not state {name} as a number")
    value = float(struct.unpack_from(_NUMBERS[kind], body)[0])
    if not np.isfinite(value) or value <= 0:
        raise ValueError(f"{name} must be positive, got {value}")
    return value


def _al3d(data: bytes) -> HeightMap:
    tags = _tags(data)
    rows, columns = int(tags["Rows"]), int(tags["Cols"])
    offset = int(tags.get("DepthImageOffset", 0))
    if rows < 1 or columns < 1 or offset < len(_MAGIC_AL3D):
        raise ValueError("it holds no heights")
    plain, padded = 4 * columns, -(-4 * columns // 8) * 8
    left = len(data) - offset
    # Some writers do not pad rows; their files end with the last height.
    stride = padded if left >= padded * rows else plain
    if left < plain + stride * (rows - 1):
        raise ValueError(f"{rows} x {columns} heights need more than the {left} bytes there are")
    lines = [np.frombuffer(data, "<f4", columns, offset + k * stride) for k in range(rows)]
    stored = np.stack(lines)
    invalid = float(tags.get("InvalidPixelValue", "nan"))
    with np.errstate(invalid="ignore"):
        values = stored.astype(np.float64)
    bad = ~np.isfinite(values) | (np.abs(values - invalid) <= 1e-6 * abs(invalid))
    heights = np.where(bad, np.nan, values) * 1e6
    pitch = (1e6 * abs(float(tags["PixelSizeYMeter"])), 1e6 * abs(float(tags["PixelSizeXMeter"])))
    return _map(heights, pitch)


def _tags(data: bytes) -> dict[str, Any]:
    if not data.startswith(_MAGIC_AL3D):
        raise ValueError("it does not begin as Alicona's files do")
    tags: dict[str, str] = {}
    place, count = len(_MAGIC_AL3D), 2
    while len(tags) < count:
        key, value, end = _TAG.unpack_from(data, place)
        if end != b"\r\n":
            raise ValueError(f"tag {len(tags)} does not end in a new line")
        tags[_word(key)] = _word(value)
        place += _TAG.size
        if len(tags) == 2:
            count += int(tags["TagCount"])
    return tags


def _word(field: bytes) -> str:
    return field.split(b"\0")[0].decode("latin-1").strip()
