"""An output in the making: its lock, its recipe, its chunk files, and the moment it is finished.

OUT.zarr/
  zarr.json, 0/zarr.json, 0/c/z/y/x     the volume
  .poroscale/lock                       held by the job that works on it
  .poroscale/job.json                   recipe and grid, frozen at the first start
  .poroscale/RUN-HOST-PID.log           the journal
  .poroscale/manifest.json              written last: now it opens
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import socket
import uuid
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from zarr.storage import LocalStore

from poroscale.engine.grid import BlockGrid, Box, chunks_in
from poroscale.engine.journal import Arrays, Journal, Record
from poroscale.kernels.chunks import ZSTD_LEVEL, encode_chunk
from poroscale.manifest import (
    JOURNAL_DIR,
    Fingerprint,
    Manifest,
    canonical_json,
    fingerprint,
    manifest_path,
    sync_directory,
    write_durably,
)
from poroscale.volume import Index, Shape, VolumeSpec, group_attributes

if TYPE_CHECKING:
    import zarr


FLUSHES = 8
"""Files of one block that are flushed at a time; flushing waits for the disk and takes no CPU."""


class OutputBusyError(ValueError):
    """Another job works on the output."""


class _BlockFiles:
    """The chunk files of one block: partial files until the whole block is there.

    Zarr's own writer takes three times as long for the same bytes; the chunk of an array whose
    codecs are `bytes` and `zstd` is its voxels in C order, filled up to the chunk's shape.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.written: dict[str, tuple[Path, Fingerprint]] = {}

    def write(self, key: str, data: bytes) -> None:
        """Hold `data` back in a partial file beside the place of `key`."""
        path = self.root / key
        partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")
        partial.parent.mkdir(parents=True, exist_ok=True)
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
    with ThreadPoolExecutor(FLUSHES, thread_name_prefix="poroscale-flush") as pool:
        for _ in pool.map(sync, paths):
            pass


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


@dataclass(frozen=True)
class Output:
    """What a task needs in order to write a block; it travels to the workers.

    Attributes
    ----------
    path
        Folder of the output.
    spec
        The volume to be written, None where the job only reduces.
    run_id
        The run that may write. A worker left over from an earlier run finds another one in the
        lock and stops.
    level
        Which level of the pyramid is being written.
    """

    path: Path
    spec: VolumeSpec | None
    run_id: str
    level: int = 0

    @property
    def journal(self) -> Journal:
        """The journal of this run."""
        return Journal(self.path, self.run_id)

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
            If another run has taken over the output.
        OSError
            If the disk is full; nothing of the block is left.
        """
        files: dict[str, Fingerprint] = {}
        empty: tuple[str, ...] = ()
        if voxels is not None:
            files, empty = self._write(box, voxels)
        self._check_run()
        return self.journal.append(number, files, empty, partial)

    def has(self, record: Record) -> bool:
        """Whether the files of a logged block are still there, at their size."""
        return all(_size(self.path / key) == size for key, (size, _) in record.files.items())

    def read_unfinished(self, box: Box, *, level: int) -> NDArray[Any]:
        """Voxels of a level that this job has written and journalled."""
        return np.asarray(_array(LocalStore(self.path, read_only=True), level)[box.slices])

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
        now = _lock_text(self.path).get("run_id")
        if now != self.run_id:
            raise RuntimeError(f"{self.path} was taken over by another run; this worker stops")


def _within(box: Box, index: Index, chunks: Shape) -> tuple[slice, ...]:
    """The voxels of chunk `index` in an array of the voxels of `box`."""
    starts = [i * c - o for i, c, o in zip(index, chunks, box.origin, strict=True)]
    return tuple(slice(s, s + c) for s, c in zip(starts, chunks, strict=True))


def _array(store: LocalStore, level: int) -> zarr.Array[Any]:
    import zarr

    return zarr.open_array(store, path=str(level), mode="r", zarr_format=3)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1


def _lock_text(output: Path) -> dict[str, Any]:
    try:
        text: dict[str, Any] = json.loads((output / JOURNAL_DIR / "lock").read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return text


@dataclass
class Job:
    """The one job on an output: takes the lock, resumes or begins, and finishes.

    Use it as a context; leaving it releases the lock, whatever has happened. What is there then is
    either finished, or can be resumed by the same job.
    """

    path: Path
    spec: VolumeSpec | None
    recipe: Mapping[str, Any]
    overwrite: bool = False
    grid: BlockGrid | None = None
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    _lock: IO[str] | None = None

    def __enter__(self) -> Self:
        refuse_foreign(self.path)
        (self.path / JOURNAL_DIR).mkdir(parents=True, exist_ok=True)
        self._lock = _take_lock(self.path, self.run_id)
        try:
            self._begin()
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._release()

    @property
    def output(self) -> Output:
        """The part of the job that travels to the workers."""
        return self.output_at(0)

    def output_at(self, level: int) -> Output:
        """`output`, for one level of the pyramid."""
        spec = self.spec and self.spec.at_level(level)
        return Output(self.path, spec, self.run_id, level)

    @property
    def journal(self) -> Journal:
        """The journal of the job."""
        return self.output.journal

    def intact_records(self) -> dict[int, Record]:
        """The blocks that are done, and whose files nobody has removed or cut since."""
        records = self.journal.records()
        return {number: record for number, record in records.items() if self.output.has(record)}

    @property
    def finished(self) -> Manifest | None:
        """The manifest, if the same job was finished before."""
        try:
            return Manifest.load(self.path)
        except FileNotFoundError:
            return None

    @property
    def frozen_block(self) -> Shape | None:
        """The block shape of the first start, None before it."""
        stored = (self._stored() or {}).get("block")
        return None if stored is None else (stored[0], stored[1], stored[2])

    def freeze(self, grid: BlockGrid) -> BlockGrid:
        """Record the grid at the first start; at a later one, the grid of the first holds."""
        if self.frozen_block is not None:
            return BlockGrid(grid.shape, self.frozen_block)
        self._store({"recipe": self.recipe, "block": list(grid.block)})
        return grid

    def freeze_recipe(self) -> None:
        """Record the recipe of a job that has no grid of its own."""
        self._store({"recipe": self.recipe})

    def _store(self, body: dict[str, Any]) -> None:
        write_durably(self._job_file, canonical_json(body).encode())

    def finish(
        self, records: Mapping[int, Record], *, extra: tuple[str, ...] = (), result: Any = None
    ) -> Manifest:
        """Write the manifest; from here on the output opens.

        Parameters
        ----------
        records
            Every block's record.
        extra
            Files beside the chunks, by their names in the output.
        result
            What the job says of the whole.
        """
        files: dict[str, Fingerprint] = {}
        empty: set[str] = set()
        for record in records.values():
            files.update(record.files)
            empty.update(record.empty)
        if self.spec is not None:
            levels = (f"{level}/zarr.json" for level in range(self.spec.levels))
            names = ("zarr.json", *levels, *extra)
            files |= {name: fingerprint((self.path / name).read_bytes()) for name in names}
        manifest = Manifest(self.recipe, files, frozenset(empty), result)
        self.close(manifest)
        return manifest

    def close(self, manifest: Manifest) -> None:
        """Sweep what interrupted writers left, publish the manifest, drop the journal."""
        for partial in self.path.rglob(".*.partial"):
            partial.unlink(missing_ok=True)
        manifest.save(self.path)
        self.journal.forget()
        self._job_file.unlink(missing_ok=True)

    @property
    def _job_file(self) -> Path:
        return self.path / JOURNAL_DIR / "job.json"

    def _stored(self) -> dict[str, Any] | None:
        try:
            stored: dict[str, Any] = json.loads(self._job_file.read_text())
        except FileNotFoundError:
            return None
        return stored

    def _begin(self) -> None:
        finished = self.finished
        before = finished.recipe if finished else (self._stored() or {}).get("recipe")
        same = before is not None and canonical_json(before) == canonical_json(self.recipe)
        if self.overwrite and not (same and not finished):
            self._wipe()
        elif before is not None and not same:
            state = "is finished" if finished else "was begun"
            raise ValueError(
                f"{self.path} {state} with other input or settings"
                f"{_difference(before, self.recipe)}; "
                "choose another name, or replace it with --overwrite"
            )
        if self.spec is not None and self.finished is None:
            _create_group(self.path, self.spec)

    def _wipe(self) -> None:
        manifest_path(self.path).unlink(missing_ok=True)
        for entry in self.path.iterdir():
            if entry.name != JOURNAL_DIR:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        self._job_file.unlink(missing_ok=True)
        self.journal.forget()

    def _release(self) -> None:
        if self._lock is None:
            return
        # The file goes first: whoever opens it afterwards opens, and locks, a new one.
        (self.path / JOURNAL_DIR / "lock").unlink(missing_ok=True)
        self._lock.close()
        self._lock = None


def refuse_foreign(path: Path) -> None:
    """Raise unless `path` is free, or is an output of ours that may be resumed or replaced.

    Raises
    ------
    ValueError
        Naming the path: it is a file, or a folder that something else has filled.
    """
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise ValueError(f"{path} exists and is no output of poroscale; choose another name")
    if path.is_dir() and not (path / JOURNAL_DIR).is_dir() and any(path.iterdir()):
        raise ValueError(f"{path} is a folder with other files in it; choose another name")


def _take_lock(output: Path, run_id: str) -> IO[str]:
    """The lock of `output`. The kernel frees a dead process's lock, so that it is taken over."""
    path = output / JOURNAL_DIR / "lock"
    while True:
        lock = path.open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise OSError(f"{path} cannot be locked on this file system: {error}") from None
            owner = _lock_text(output)
            raise OutputBusyError(
                f"{output} is being written by process {owner.get('pid', '?')} "
                f"on {owner.get('host', '?')}; wait for it, or choose another name"
            ) from None
        with suppress(FileNotFoundError):
            if os.fstat(lock.fileno()).st_ino == path.stat().st_ino:
                break
        lock.close()
    lock.truncate(0)
    lock.write(json.dumps({"run_id": run_id, "pid": os.getpid(), "host": socket.gethostname()}))
    lock.flush()
    return lock


def _difference(before: Any, now: Any) -> str:
    """Which entries of two recipes differ, for the person who wonders."""
    if not (isinstance(before, Mapping) and isinstance(now, Mapping)):
        return ""
    names = sorted(
        key for key in {*before, *now} if before.get(key) != now.get(key) and key != "digest"
    )
    return f" ({', '.join(names)})" if names else ""


def _create_group(path: Path, spec: VolumeSpec) -> None:
    body = {
        "zarr_format": 3,
        "node_type": "group",
        "attributes": group_attributes(spec),
    }
    write_durably(path / "zarr.json", json.dumps(body, indent=2, sort_keys=True).encode())
    for level in range(spec.levels):
        _create_array(path, spec.at_level(level), level)


def _create_array(path: Path, spec: VolumeSpec, level: int) -> None:
    """Metadata of one level; without zstd's checksum most bit flips would read back silently."""
    import zarr
    from zarr.codecs import ZstdCodec
    from zarr.storage import MemoryStore

    store = MemoryStore()
    zarr.create_array(
        store,
        shape=spec.shape,
        dtype=spec.dtype,
        chunks=spec.chunks or spec.shape,
        compressors=ZstdCodec(level=ZSTD_LEVEL, checksum=True),
        dimension_names=["z", "y", "x"],
        fill_value=np.zeros((), spec.dtype).item(),
    )
    data = store._store_dict["zarr.json"].to_bytes()
    (path / str(level)).mkdir(parents=True, exist_ok=True)
    write_durably(path / str(level) / "zarr.json", data)


def remove_output(path: Path) -> None:
    """Delete an output of ours, finished or not; nothing happens where there is none.

    Raises
    ------
    ValueError
        If `path` is not an output of ours.
    """
    if path.exists():
        refuse_foreign(path)
        shutil.rmtree(path)


def free_space(path: Path) -> int:
    """Bytes free on the disk that holds, or will hold, `path`."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free
