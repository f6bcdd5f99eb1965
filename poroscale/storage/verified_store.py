"""Store through which zarr reads a finished volume; it compares every file with the manifest.

Poroscale reads its chunks without zarr (`chunk_files.py`); `Volume.array` goes this way.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Self

from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.core.buffer.core import default_buffer_prototype
from zarr.storage import LocalStore

from poroscale.manifest import Manifest, check, refuse_data


class VerifiedStore(LocalStore):
    """A read-only Zarr store in which every file is compared with the manifest when it is read."""

    def __init__(
        self, root: Path | str, *, manifest: Manifest | None = None, read_only: bool = True
    ) -> None:
        super().__init__(root, read_only=read_only)
        self.manifest = manifest
        self._ranged: dict[str, int] = {}

    def with_read_only(self, read_only: bool = True) -> Self:
        """The same store; it never becomes writable."""
        if not read_only:
            raise ValueError("a verified store is read-only")
        return type(self)(self.root, manifest=self.manifest)

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """The bytes of `key`, checked; None where the manifest says that a chunk is empty."""
        prototype = prototype or default_buffer_prototype()
        if self.manifest is None:
            return await super().get(key, prototype, byte_range)
        expected = self.manifest.files.get(key)
        path = self.root / key
        if expected is None:
            refuse_data(path, key, self.manifest)
            return None
        if byte_range is not None and self._ranged.get(key) == _change_time(path):
            return await super().get(key, prototype, byte_range)
        buffer = await super().get(key, prototype)
        if buffer is None:
            raise OSError(f"{path} is missing")
        # zarr has one thread for all reads of a process; hashing there would hold up the others.
        await asyncio.to_thread(check, path, buffer.as_numpy_array().data, expected)
        if byte_range is None:
            return buffer
        self._ranged[key] = _change_time(path)
        return prototype.buffer.from_bytes(_part(buffer.to_bytes(), byte_range))


def _change_time(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return -1


def _part(data: bytes, byte_range: ByteRequest) -> bytes:
    match byte_range:
        case RangeByteRequest(start, end):
            return data[start:end]
        case OffsetByteRequest(offset):
            return data[offset:]
        case SuffixByteRequest(suffix):
            return data[max(0, len(data) - suffix) :]
    raise TypeError(f"byte range must be a zarr ByteRequest, got {byte_range!r}")
