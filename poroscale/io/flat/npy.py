"""NumPy's `.npy`, a short header and then flat voxels, and `.npz`, a zip file of such arrays."""

from __future__ import annotations

import os
import shutil
import zipfile
import zlib
from dataclasses import dataclass
from math import prod
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np
from typing_extensions import override

from poroscale.io.flat.voxels import FlatSource
from poroscale.io.read.source import Source, Voxels, as_shape, require_numeric
from poroscale.io.read.wrappers import Transposed
from poroscale.volume import Index, Shape

_STEP = 1 << 20
# What numpy and zipfile let out of a damaged file.
_DAMAGE = (
    ValueError,
    SyntaxError,
    TypeError,
    TokenError,
    EOFError,
    OverflowError,
    RuntimeError,  # an encrypted member
    NotImplementedError,  # a way of packing that zipfile lacks
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True)
class _Header:
    shape: Shape
    fortran: bool
    stored: np.dtype[Any]
    offset: int

    @property
    def end(self) -> int:
        """Bytes of the header and the voxels."""
        return self.offset + prod(self.shape) * self.stored.itemsize


def open_npy(path: Path) -> Source:
    """The source for a `.npy` file of two or three axes (z, y, x), C or Fortran order.

    Raises
    ------
    ValueError
        If it is no array of numbers, or shorter than its header says.
    """
    with path.open("rb") as file:
        header = _read_header(file, path.name)
    return _flat(header, path=path, offset=header.offset, kind="NumPy")


def open_npz(path: Path, dataset: str | None, scratch: Path | None) -> Source:
    """The source for the array `dataset` of an `.npz` file, or for its only array.

    A compressed array is unpacked into the folder `scratch`; without it the source tells its shape
    and cannot be read.

    Raises
    ------
    ValueError
        If the file is no whole zip file, or the array is missing, not unique or no volume.
    OSError
        If there is no room for it.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            member = _member(packed, dataset, path)
            with packed.open(member) as file:
                header = _read_header(file, path.name)
            if header.end > member.file_size:
                raise ValueError(
                    f"{path.name} is truncated: {member.filename} needs {header.end} bytes, "
                    f"it has {member.file_size}"
                )
            if member.compress_type == zipfile.ZIP_STORED:
                if scratch is not None:  # before voxels are read past zipfile
                    _check_sum(packed, member)
                offset = _data_offset(path, member) + header.offset
                return _flat(header, path=path, offset=offset, kind="NumPy npz")
            if scratch is None:
                return _oriented(_Packed.of(header, path, member.filename), header)
            target = _unpacked(packed, member, path, scratch)
    except _DAMAGE as error:
        if str(error).startswith(path.name):
            raise
        raise ValueError(f"{path.name}: not a complete .npz file: {error}") from error
    return _flat(header, path=target, offset=header.offset, kind="NumPy npz", packed=path)


def _member(packed: zipfile.ZipFile, dataset: str | None, path: Path) -> zipfile.ZipInfo:
    members = {info.filename.removesuffix(".npy"): info for info in packed.infolist()}
    wanted = dataset.strip("/").removesuffix(".npy") if dataset else None
    if wanted is None and len(members) == 1:
        return next(iter(members.values()))
    if wanted is None or wanted not in members:
        there = ", ".join(members) or "none"
        raise ValueError(
            f"{path.name}: the file must hold the array, got {there}; name it: {path.name}::name"
        )
    return members[wanted]


def _check_sum(packed: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Read a member to its end, where zipfile compares its checksum."""
    with packed.open(member) as file:
        while file.read(_STEP):
            pass


def _data_offset(path: Path, member: zipfile.ZipInfo) -> int:
    """Offset of the bytes of a stored member: after its local header and two names."""
    with path.open("rb") as file:
        file.seek(member.header_offset)
        local = file.read(30)
    if len(local) < 30 or local[:4] != b"PK\3\4":
        raise ValueError(f"{path.name}: not a complete .npz file: a local header is missing")
    names = int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little")
    return member.header_offset + 30 + names


def _unpacked(packed: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, scratch: Path) -> Path:
    """The member in a file of its own, unpacked piece by piece, no longer than it says."""
    scratch.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(scratch).free
    if member.file_size > free:
        raise OSError(
            f"{path.name} unpacks to {member.file_size / 1e9:.3g} GB and {free / 1e9:.3g} GB are "
            "free"
        )
    target = scratch / f"{path.name}.unpacked"
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        with packed.open(member) as source, partial.open("wb") as sink:
            shutil.copyfileobj(source, sink, _STEP)
            sink.flush()
            os.fsync(sink.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def _read_header(file: IO[bytes], name: str) -> _Header:
    try:
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, fortran, stored = read(file)
    except _DAMAGE as error:
        raise ValueError(f"{name}: not a .npy file: {error}") from error
    if stored == np.bool_:
        stored = np.dtype(np.uint8)
    require_numeric(stored, name)
    return _Header(as_shape(shape, name), bool(fortran), stored, file.tell())


def _flat(
    header: _Header, *, path: Path, offset: int, kind: str, packed: Path | None = None
) -> Source:
    flat = _NumpySource(
        **_common(header), path=path, offset=offset, stored=header.stored, kind=kind, packed=packed
    )
    return _oriented(flat, header)


def _common(header: _Header) -> dict[str, Any]:
    z, y, x = header.shape
    return {
        "shape": (x, y, z) if header.fortran else (z, y, x),
        "dtype": header.stored.newbyteorder("="),
        "voxel_size": None,
    }


def _oriented(source: Source, header: _Header) -> Source:
    return Transposed.of(source, (2, 1, 0)) if header.fortran else source


@dataclass(frozen=True, kw_only=True)
class _NumpySource(FlatSource):
    """Flat voxels, of the file itself or unpacked from `packed`, which names them."""

    packed: Path | None = None

    @property
    @override
    def name(self) -> str:
        return (self.packed or self.path).name

    @override
    def fingerprint(self) -> dict[str, Any]:
        file = self.packed or self.path
        return {**super().fingerprint(), "file": file.name, "bytes": file.stat().st_size}


@dataclass(frozen=True, kw_only=True)
class _Packed(Source):
    """A compressed array: all is known of it but its voxels."""

    path: Path
    member: str

    @classmethod
    def of(cls, header: _Header, path: Path, member: str) -> Source:
        return cls(**_common(header), path=path, member=member)

    @property
    @override
    def name(self) -> str:
        return self.path.name

    @override
    def fingerprint(self) -> dict[str, Any]:
        size = self.path.stat().st_size
        return {"format": "NumPy npz", "file": self.name, "bytes": size, "array": self.member}

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        raise ValueError(
            f"{self.name} is compressed and cannot be read box by box: give open_source a folder "
            "`scratch` to unpack it to, or save the array with numpy.save"
        )
