"""The journal of a job: its finished blocks, their files, and their partial results.

Every process appends to a log of its own. A record is one finished block: the files it wrote with
their checksums, the chunks it left empty, its partial result as named arrays, and the digest of the
job that made it. A record is appended, and flushed to disk, after the files it speaks of. One
without files is not waited for: should the power fail, its block is done again. A torn tail is
recognised by its checksum and ignored. Nothing is pickled: the layout is a JSON header and raw
numbers.

    "PSJ1" | header length u32 | payload length u64 | crc32 u32 | header | payload
"""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numcodecs import zstd
from numpy.typing import NDArray

from poroscale.manifest import JOURNAL_DIR, Fingerprint, canonical_json

Arrays = Mapping[str, NDArray[Any]]
Bytes = NDArray[np.uint8]

_MAGIC = b"PSJ1"
_PREFIX = struct.Struct("<4sIQI")
_COMPRESS_FROM = 512
_SAMPLE = 1 << 16
_WORTH = 0.8
"""Sums of windows are noise in nearly every bit: to compress them would take longer than all else
that is done to them."""


@dataclass(frozen=True)
class Record:
    """A finished block: what it wrote, and where in which log its partial result lies."""

    block: int
    files: Mapping[str, Fingerprint]
    empty: tuple[str, ...]
    arrays: Mapping[str, tuple[str, tuple[int, ...], int, int]]
    log: Path
    offset: int

    def load(self, *names: str) -> dict[str, NDArray[Any]]:
        """The named arrays of the partial result, all of them when none is named."""
        found = {}
        with self.log.open("rb") as file:
            for name in names or self.arrays:
                dtype, shape, start, size = self.arrays[name]
                file.seek(self.offset + start)
                found[name] = _decode(file, size, np.empty(shape, dtype))
        return found


def _encode(array: NDArray[Any]) -> Bytes:
    """The array's bytes, compressed where a sample of them says that it is worth it."""
    data = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    if data.size < _COMPRESS_FROM:
        return data
    middle = max(0, data.size - _SAMPLE) // 2
    sample = data[middle : middle + _SAMPLE]
    if len(zstd.compress(sample, 1)) > _WORTH * sample.size:
        return data
    packed = np.frombuffer(zstd.compress(data, 1, True), np.uint8)
    return packed if packed.size < data.size else data


def _decode(file: BinaryIO, size: int, out: NDArray[Any]) -> NDArray[Any]:
    """Fill `out` from its stored bytes: raw if they are as long as it, otherwise compressed."""
    data = out.reshape(-1).view(np.uint8)
    if size != data.size:
        zstd.decompress(file.read(size), data)
    elif file.readinto(data) < size:  # type: ignore[attr-defined]
        raise OSError(f"{file.name} was cut off while the job ran; run the job again")
    return out


@dataclass(frozen=True)
class Journal:
    """The logs of one output. Cheap to pickle: workers find the records by themselves.

    Attributes
    ----------
    output
        Folder of the output.
    run_id
        The run that appends.
    job
        Digest of the job. Every record repeats it, and records of another job do not count.
    """

    output: Path
    run_id: str
    job: str

    @property
    def folder(self) -> Path:
        """Folder of the logs."""
        return self.output / JOURNAL_DIR

    def append(
        self, block: int, files: Mapping[str, Fingerprint], empty: tuple[str, ...], arrays: Arrays
    ) -> Record:
        """Log `block` as finished; on return a record of files is on disk."""
        index, payload = _pack(arrays)
        header = canonical_json(
            {
                "block": block,
                "job": self.job,
                "files": {key: list(value) for key, value in files.items()},
                "empty": list(empty),
                "arrays": index,
            }
        ).encode()
        size, crc = 0, zlib.crc32(header)
        for part in payload:
            size, crc = size + part.size, zlib.crc32(part.data, crc)
        head = _PREFIX.pack(_MAGIC, len(header), size, crc) + header
        log = self.folder / f"{self.run_id}-{socket.gethostname()}-{os.getpid()}.log"
        start = _append(log, head, payload, durably=bool(files))
        record = _record(json.loads(header), log, start + len(head))
        _reader(self).note(record, start, start + len(head) + size)
        return record

    def find(self, block: int) -> Record | None:
        """The record of `block`, looked up in whatever any process has logged until now."""
        reader = _reader(self)
        if block not in reader.records:
            reader.refresh()
        return reader.records.get(block)

    def records(self) -> dict[int, Record]:
        """Every finished block that the logs know of."""
        reader = _reader(self)
        reader.refresh()
        return dict(reader.records)

    def of_other_jobs(self) -> list[Path]:
        """The logs that hold records of another job than this one, by name."""
        reader = _reader(self)
        reader.refresh()
        return sorted(reader.foreign)

    def forget(self) -> None:
        """Remove the logs, once the manifest has taken over."""
        for log in self.folder.glob("*.log"):
            log.unlink(missing_ok=True)


def _pack(arrays: Arrays) -> tuple[dict[str, Any], list[Bytes]]:
    """Place of each array in the payload, and the payload; large arrays are not copied."""
    index: dict[str, Any] = {}
    parts: list[Bytes] = []
    start = 0
    for name, array in arrays.items():
        data = _encode(np.asarray(array))
        index[name] = [np.asarray(array).dtype.str, list(np.shape(array)), start, data.size]
        parts.append(data)
        start += data.size
    return index, parts


def _record(header: dict[str, Any], log: Path, offset: int) -> Record:
    arrays = {
        name: (dtype, tuple(shape), start, size)
        for name, (dtype, shape, start, size) in header["arrays"].items()
    }
    files = {key: (size, sha) for key, (size, sha) in header["files"].items()}
    return Record(header["block"], files, tuple(header["empty"]), arrays, log, offset)


_APPEND = threading.Lock()


def _append(log: Path, head: bytes, payload: list[Bytes], *, durably: bool) -> int:
    """Append a record; its offset in the log. A log that could not take all of it is cut back."""
    with _APPEND, log.open("ab") as file:
        start = file.tell()
        try:
            file.write(head)
            for part in payload:
                file.write(part.data)
            file.flush()
            if durably:
                os.fsync(file.fileno())
        except OSError:
            os.truncate(log, start)
            raise
    return start


class _Reader:
    """The records of one folder of logs, read on as the logs grow."""

    def __init__(self, folder: Path, job: str) -> None:
        self.folder = folder
        self.records: dict[int, Record] = {}
        self.foreign: set[Path] = set()
        self._job = job
        self._read: dict[Path, int] = {}
        self._lock = threading.Lock()

    def note(self, record: Record, start: int, stop: int) -> None:
        """Take in a record that this process has just appended, without reading it again."""
        with self._lock:
            self.records[record.block] = record
            if self._read.get(record.log, 0) == start:
                self._read[record.log] = stop

    def refresh(self) -> None:
        # A folder may go while it is listed: its records are gone, and who publishes next says so.
        with self._lock, suppress(FileNotFoundError):
            for log in sorted(self.folder.glob("*.log")):
                start = self._read.get(log, 0)
                if log.stat().st_size > start:
                    self._take(log, start)

    def _take(self, log: Path, start: int) -> None:
        for header, offset, stop in _scan(log, start):
            if header.get("job") == self._job:
                self.records.setdefault(header["block"], _record(header, log, offset))
            else:
                self.foreign.add(log)
            self._read[log] = stop


def _scan(log: Path, start: int) -> Iterator[tuple[dict[str, Any], int, int]]:
    """Whole records of `log` from byte `start` on: header, start and end of the payload."""
    with log.open("rb") as file:
        while True:
            file.seek(start)
            prefix = file.read(_PREFIX.size)
            if len(prefix) < _PREFIX.size:
                return
            magic, header_size, payload_size, crc = _PREFIX.unpack(prefix)
            if magic != _MAGIC:
                return
            header, payload = file.read(header_size), file.read(payload_size)
            if len(payload) < payload_size or zlib.crc32(payload, zlib.crc32(header)) != crc:
                return
            offset = start + _PREFIX.size + header_size
            start = offset + payload_size
            yield json.loads(header), offset, start


@lru_cache(maxsize=16)
def _reader(journal: Journal) -> _Reader:
    return _Reader(journal.folder, journal.job)
