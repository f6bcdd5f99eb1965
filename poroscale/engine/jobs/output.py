"""Writing of a block by a task: chunk files first, then the record in the journal."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine.grid import Box, chunks_in
from poroscale.engine.jobs.journal import Arrays, Journal, Record
from poroscale.engine.jobs.lock import lock_text
from poroscale.kernels.chunks import encode_chunk
from poroscale.manifest import Fingerprint, check, fingerprint, sync_directory
from poroscale.storage.chunk_files import ChunkFiles
from poroscale.volume import Index, Shape, VolumeSpec

FLUSHES = 8
"""Files of one block that are flushed at a time; flushing waits for the disk and takes no CPU."""


class _BlockFiles:
    """The chunk files of one block: partial files until the whole block is there.

    Zarr's own writer takes three times as long for the same bytes; the chunk of an array whose
    codecs are `bytes` and `zstd` is its voxels in C order, filled up to the chunk's shape.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.written: dict[str, tuple[Path, Fingerprint]] = {}
        self._folders: set[Path] = set()

    def write(self, key: str, data: bytes) -> None:
        """Hold `data` back in a partial file beside the place of `key`."""
        path = self.root / key
        partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")
        if partial.parent not in self._folders:
            partial.parent.mkdir(parents=True, exist_ok=True)
            self._folders.add(partial.parent)
        self.written[key] = (partial, fingerprint(data))
        partial.write_bytes(data)

    def publish(self) -> dict[str, Fingerprint]:
        """Flush all chunks to disk, then move each to its place."""
        _flush(_sync_file, {partial for partial, _ in self.written.values()})
        for key, (partial, _) in self.written.items():
            partial.replace(self.root / key)
        _flush(sync_directory, {(self.root / key).parent for key in self.written})
        return {key: seen for key, (_, seen) in self.written.items()}

    def discard(self) -> None:
        """Remove what was not published."""
        for partial, _ in self.written.values():
            partial.unlink(missing_ok=True)


def _flush(sync: Callable[[Path], None], paths: Collection[Path]) -> None:
    """Call `sync` for several paths at once: the file system commits them together."""
    if len(paths) == 1:
        sync(*paths)
        return
    for _ in _flushers(os.getpid()).map(sync, paths):
        pass


@cache
def _flushers(_process: int) -> ThreadPoolExecutor:
    """Threads that flush for all blocks of a process: starting them takes longer than a chunk."""
    return ThreadPoolExecutor(FLUSHES, thread_name_prefix="poroscale-flush")


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


@dataclass(frozen=True)
class Output:
    """Everything that a task needs in order to write a block; it travels to the workers.

    Attributes
    ----------
    path
        Folder of the output.
    spec
        The volume to be written, None where the job only reduces.
    run_id
        The run that may write. A worker left over from an earlier run finds another one in the
        lock and stops.
    job
        Digest of the job, which every record of the journal repeats.
    level
        Level of the pyramid that is being written.
    """

    path: Path
    spec: VolumeSpec | None
    run_id: str
    job: str
    level: int = 0

    @property
    def journal(self) -> Journal:
        """The journal of this run."""
        return Journal(self.path, self.run_id, self.job)

    def publish(
        self, number: int, box: Box, voxels: NDArray[Any] | None, partial: Arrays
    ) -> Record:
        """Write the voxels of block `number`, then log it with its partial result.

        Parameters
        ----------
        number, box
            The block.
        voxels
            Array of the box's shape and the spec's dtype; None writes nothing.
        partial
            Named arrays that later passes read.

        Raises
        ------
        RuntimeError
            If another run has taken over the output, or somebody has removed it.
        OSError
            If the disk is full; nothing of the block is left.
        """
        files: dict[str, Fingerprint] = {}
        empty: tuple[str, ...] = ()
        self._check_run()
        try:
            if voxels is not None:
                files, empty = self._write(box, voxels)
                self._check_run()
            return self.journal.append(number, files, empty, partial)
        except FileNotFoundError:
            self._check_run()
            raise

    def has(self, record: Record) -> bool:
        """True if the files of a logged block are still what was written."""
        return all(_is_whole(self.path / key, seen) for key, seen in record.files.items())

    def read_unfinished(self, box: Box, spec: VolumeSpec, *, level: int) -> NDArray[Any]:
        """Voxels of a level, of the given `spec`, that this job has written and journalled."""
        voxels = np.empty(box.shape, spec.dtype)
        files = ChunkFiles(self.path, level, spec.shape, spec.chunk_shape, spec.dtype)
        files.read(box.origin, voxels)
        return voxels

    def _write(
        self, box: Box, voxels: NDArray[Any]
    ) -> tuple[dict[str, Fingerprint], tuple[str, ...]]:
        assert self.spec is not None
        if voxels.shape != box.shape or voxels.dtype != self.spec.dtype:
            raise ValueError(
                f"block at {box.origin} must be {self.spec.dtype} of shape {box.shape}, "
                f"got {voxels.dtype} of shape {voxels.shape}"
            )
        chunks, files, empty = self.spec.chunk_shape, _BlockFiles(self.path), []
        try:
            for index in chunks_in(box, chunks):
                key = f"{self.level}/c/{index[0]}/{index[1]}/{index[2]}"
                data = encode_chunk(voxels[_within(box, index, chunks)], chunks)
                if data is None:
                    empty.append(key)
                else:
                    files.write(key, data)
            self._check_run()
            return files.publish(), tuple(empty)
        finally:
            files.discard()

    def _check_run(self) -> None:
        now = lock_text(self.path).get("run_id")
        if now is None:
            raise RuntimeError(f"{self.path} was removed while it was written; this worker stops")
        if now != self.run_id:
            raise RuntimeError(f"{self.path} was taken over by another run; this worker stops")


def _within(box: Box, index: Index, chunks: Shape) -> tuple[slice, ...]:
    """The voxels of chunk `index` in an array of the voxels of `box`."""
    starts = [i * c - o for i, c, o in zip(index, chunks, box.origin, strict=True)]
    return tuple(slice(s, s + c) for s, c in zip(starts, chunks, strict=True))


def _is_whole(path: Path, expected: Fingerprint) -> bool:
    try:
        check(path, path.read_bytes(), expected)
    except OSError:
        return False
    return True
