"""Reconstructed volumes of Zeiss Xradia (`.txm`): an OLE file with a stream for each slice.

``ImageInfo`` has the sizes, the type and the pixel size in um; slice k is the stream
``ImageData{1 + (k - 1) // 100}/Image{k}``, rows of little-endian numbers. The format is not
published; this is what the readers of DXchange and others agree on. Read by olefile, an extra.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import override

from poroscale.io.read.lengths import tidy, voxel_size_um
from poroscale.io.read.source import BlockHint, Source, Voxels, as_shape
from poroscale.volume import Index, Shape

_TYPES = {3: "u1", 5: "<u2", 10: "<f4"}
_PER_FOLDER = 100
_DAMAGE = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    struct.error,
)
"""Errors that olefile raises on a damaged file."""


@dataclass(frozen=True, kw_only=True)
class TxmSource(Source):
    """One stream a slice."""

    path: Path
    stored: np.dtype[Any]

    @property
    @override
    def name(self) -> str:
        return self.path.name

    @property
    @override
    def preferred_block(self) -> BlockHint:
        return (1, None, None)

    @property
    @override
    def temporary(self) -> float:
        return 2.0 * self.dtype.itemsize

    @override
    def fingerprint(self) -> dict[str, Any]:
        size = self.path.stat().st_size
        return {"format": "TXM", "file": self.name, "bytes": size, "stored": self.stored.str}

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        box = np.empty(shape, self.dtype)
        y, x = slice(origin[1], origin[1] + shape[1]), slice(origin[2], origin[2] + shape[2])
        with _ole_file(self.path) as ole:
            for k in range(shape[0]):
                data = _stream(ole, _slice_of(origin[0] + k), self.name)
                plane = np.frombuffer(data, self.stored)
                if plane.size != self.shape[1] * self.shape[2]:
                    raise OSError(f"{self.name}: slice {origin[0] + k} is cut short")
                box[k] = plane.reshape(self.shape[1:])[y, x]
        return box


def open_txm(path: Path) -> TxmSource:
    """The source for a `.txm` file.

    Raises
    ------
    ValueError
        If olefile is not installed, or it is no reconstructed volume, or slices are missing.
    """
    if path.suffix.lower() != ".txm":
        raise ValueError(
            f"{path.name}: it holds projections, no volume; reconstruct them to a .txm file first"
        )
    try:
        with _ole_file(path) as ole:
            return _source(path, ole)
    except OSError as error:
        raise ValueError(f"{path.name}: not a complete TXM file: {error}") from error


def _source(path: Path, ole: Any) -> TxmSource:
    names = ("NoOfImages", "ImageHeight", "ImageWidth", "DataType")
    *sizes, kind = (_number(ole, name, "<I", path.name) for name in names)
    if int(kind) not in _TYPES:
        raise ValueError(f"{path.name}: its DataType must be one of {list(_TYPES)}, got {kind}")
    stored = np.dtype(_TYPES[int(kind)])
    shape = as_shape(sizes, path.name)
    _require_slices(ole, shape, stored.itemsize, path.name)
    return TxmSource(
        shape=shape,
        dtype=stored.newbyteorder("="),
        voxel_size=_voxel_size(ole, path.name),
        path=path,
        stored=stored,
    )


def _voxel_size(ole: Any, name: str) -> Any:
    if not ole.exists("ImageInfo/PixelSize"):
        return None
    size = _number(ole, "PixelSize", "<f", name)
    return voxel_size_um([tidy(float(f"{size:.7g}"))] * 3, "um", name)


def _require_slices(ole: Any, shape: Shape, itemsize: int, name: str) -> None:
    size = shape[1] * shape[2] * itemsize
    for k in range(shape[0]):
        stream = _slice_of(k)
        found = ole.get_size(stream) if ole.exists(stream) else 0
        if found != size:
            raise ValueError(
                f"{name}: slice {k} must have {size} bytes in {stream}, it has {found}"
            )


def _slice_of(k: int) -> str:
    return f"ImageData{1 + k // _PER_FOLDER}/Image{k + 1}"


def _number(ole: Any, key: str, kind: str, name: str) -> float:
    stream = f"ImageInfo/{key}"
    data = _stream(ole, stream, name) if ole.exists(stream) else b""
    if len(data) < 4:
        raise ValueError(f"{name}: it does not state {stream}")
    return float(struct.unpack(kind, data[:4])[0])


def _stream(ole: Any, stream: str, name: str) -> bytes:
    try:
        return bytes(ole.openstream(stream).read())
    except _DAMAGE as error:
        raise OSError(f"{name}: {stream} cannot be read: {error}") from error


@contextmanager
def _ole_file(path: Path) -> Iterator[Any]:
    try:
        import olefile
    except ImportError as error:
        raise ValueError(
            f"{path.name} is an OLE file, which needs the package olefile: "
            "pip install 'poroscale[txm]'"
        ) from error
    try:
        ole = olefile.OleFileIO(path)
    except _DAMAGE as error:
        raise OSError(f"{path.name} is no OLE file, or is damaged: {error}") from error
    try:
        yield ole
    finally:
        ole.close()
