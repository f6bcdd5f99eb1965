"""The one job on an output: begins or resumes it, and finishes it.

OUT.zarr/
  zarr.json, 0/zarr.json, 0/c/z/y/x     the volume
  .poroscale/lock                       held by the job that works on it
  .poroscale/job.json                   recipe and grid, frozen at the first start, and their digest
  .poroscale/RUN-HOST-PID.log           the journal; each record repeats that digest
  .poroscale/manifest.json              written last: now it opens
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from poroscale.engine.grid import BlockGrid
from poroscale.engine.jobs.job_file import Body, job_file, read_job_file, store_job
from poroscale.engine.jobs.journal import Journal, Record
from poroscale.engine.jobs.lock import lock_text, take_lock
from poroscale.engine.jobs.output import Output
from poroscale.engine.metadata import array_metadata, group_metadata, json_of
from poroscale.manifest import (
    JOURNAL_DIR,
    Fingerprint,
    Manifest,
    canonical_json,
    digest_of,
    fingerprint,
    local,
    manifest_path,
    write_durably,
)
from poroscale.volume import Shape, VolumeSpec

REFUSALS = (ValueError, TypeError, MemoryError)
"""Errors that blame the input or the settings, not a fault of the machine."""

READERS = 4
"""Blocks that a resumed job compares with their checksums at a time."""


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
    _frozen: Body | None = None

    def __enter__(self) -> Self:
        refuse_foreign(local(self.path))
        (self.path / JOURNAL_DIR).mkdir(parents=True, exist_ok=True)
        self._lock = take_lock(self.path, self.run_id)
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
        if self._was_refused(error) or self._was_removed():
            self._vanish()
        self._release()

    def _was_refused(self, error: BaseException | None) -> bool:
        """True if the job ended over its input or settings before it had done anything.

        Steps of a job of several are kept when the memory did not suffice for a later one.
        """
        steps = "steps" in (self._frozen or {})
        if not isinstance(error, REFUSALS) or (steps and isinstance(error, MemoryError)):
            return False
        return not self.journal.records() and self.finished is None

    def _was_removed(self) -> bool:
        """True if somebody has deleted the output meanwhile, and nobody has begun another."""
        return not (lock_text(self.path) or is_output(self.path))

    def _vanish(self) -> None:
        """Leave nothing of a job that was refused before its first block, or was deleted."""
        if not self.path.is_dir():
            return
        self._wipe()
        shutil.rmtree(self.path / JOURNAL_DIR, ignore_errors=True)
        with suppress(OSError):  # somebody's file lies beside ours
            self.path.rmdir()

    @property
    def output(self) -> Output:
        """The part of the job that travels to the workers."""
        return self.output_at(0)

    def output_at(self, level: int) -> Output:
        """`output`, for one level of the pyramid."""
        spec = self.spec and self.spec.at_level(level)
        return Output(self.path, spec, self.run_id, digest_of(self._frozen), level)

    @property
    def journal(self) -> Journal:
        """The journal of the job."""
        return self.output.journal

    def intact_records(self) -> dict[int, Record]:
        """The blocks that are done, and whose files nobody has removed or changed since."""
        records, output = self.journal.records(), self.output
        with ThreadPoolExecutor(READERS, thread_name_prefix="poroscale-check") as pool:
            whole = pool.map(output.has, records.values())
            return dict(compress(records.items(), whole))

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
        stored = (self._frozen or {}).get("block")
        return None if stored is None else (stored[0], stored[1], stored[2])

    def freeze(self, grid: BlockGrid) -> BlockGrid:
        """Record the grid at the first start; at a later one, the grid of the first holds."""
        if self.frozen_block is not None:
            return BlockGrid(grid.shape, self.frozen_block)
        self._freeze({"recipe": self.recipe, "block": list(grid.block)})
        return grid

    def freeze_recipe(self) -> None:
        """Record the recipe of a job that has no grid of its own."""
        self._freeze({"recipe": self.recipe, "steps": True})

    def _freeze(self, body: Body) -> None:
        store_job(self.path, body)
        self._frozen = read_job_file(self.path)

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
            Result of the job as a whole.
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
        job_file(self.path).unlink(missing_ok=True)

    def _begin(self) -> None:
        try:
            finished, self._frozen = self.finished, read_job_file(self.path)
            self._refuse_logs_of_others(finished)
        except OSError:
            if not self.overwrite:
                raise
            finished = None
            self._replace()
        before = finished.recipe if finished else (self._frozen or {}).get("recipe")
        same = before is not None and canonical_json(before) == canonical_json(self.recipe)
        halted = finished is None and "replacing" in (self._frozen or {})
        if halted or (self.overwrite and not (same and not finished)):
            self._replace()
        elif before is not None and not same:
            state = "is finished" if finished else "was begun"
            raise ValueError(
                f"{self.path} {state} with other input or settings"
                f"{_difference(before, self.recipe)}; "
                "choose another name, or replace it with `overwrite`"
            )
        if self.finished is None and self._frozen is None:
            self._freeze({"recipe": self.recipe})
        if self.spec is not None and self.finished is None:
            _create_group(self.path, self.spec)

    def _refuse_logs_of_others(self, finished: Manifest | None) -> None:
        """Raise OSError if the logs were written by a job that froze something else."""
        if finished is None and (foreign := self.journal.of_other_jobs()):
            raise OSError(
                f"{foreign[0]} was written by another job than {job_file(self.path)} tells of; "
                "begin again with `overwrite`"
            )

    def _replace(self) -> None:
        """Remove what is there; a job that is killed meanwhile removes the rest when it goes on."""
        self._freeze({"recipe": self.recipe, "replacing": True})
        self._wipe()
        self._frozen = None

    def _wipe(self) -> None:
        manifest_path(self.path).unlink(missing_ok=True)
        self.journal.forget()
        for entry in self.path.iterdir():
            if entry.name != JOURNAL_DIR and (self.spec is None or _is_of_a_volume(entry)):
                is_folder = entry.is_dir() and not entry.is_symlink()  # a link goes, not its target
                shutil.rmtree(entry) if is_folder else entry.unlink()
        job_file(self.path).unlink(missing_ok=True)

    def _release(self) -> None:
        if self._lock is None:
            return
        # The file goes first: whoever opens it afterwards opens, and locks, a new one.
        (self.path / JOURNAL_DIR / "lock").unlink(missing_ok=True)
        self._lock.close()
        self._lock = None


def is_output(path: Path) -> bool:
    """True if a job of ours has begun or finished in the folder `path`."""
    logs = (path / JOURNAL_DIR).glob("*.log")
    return job_file(path).exists() or manifest_path(path).exists() or any(logs)


def is_finished(path: Path) -> bool:
    """True if an output has its manifest, whatever it says."""
    return manifest_path(path).exists()


def is_results(path: Path) -> bool:
    """True if `path` is a folder of results; a damaged manifest is not taken for one."""
    try:
        return Manifest.load(path).is_results
    except OSError:
        return False


def _is_of_a_volume(entry: Path) -> bool:
    """True if a name in an output is one that the engine gives: metadata, a level, a table."""
    return entry.name == "zarr.json" or entry.name.isdigit() or entry.suffix == ".parquet"


def refuse_foreign(path: Path) -> None:
    """Raise unless `path` is free, or is an output of ours that may be resumed or replaced.

    Raises
    ------
    ValueError
        Naming the path: it is a file, or a folder that something else has filled.
    """
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise ValueError(f"{path} exists and is no output of poroscale; choose another name")
    if is_results(path):
        raise ValueError(f"{path} is a folder of results; choose another name")
    if path.is_dir() and not is_output(path) and _holds_files(path):
        raise ValueError(f"{path} is a folder with other files in it; choose another name")


def _holds_files(folder: Path) -> bool:
    """True if more is there than what a killed writer of ours leaves: folders, partial files."""
    for place, names, files in os.walk(folder):
        if Path(place) == folder and JOURNAL_DIR in names:
            names.remove(JOURNAL_DIR)
        links = any(Path(place, name).is_symlink() for name in names)
        if links or not all(name.startswith(".") and name.endswith(".partial") for name in files):
            return True
    return False


def refuse_inputs(out: Path, inputs: Iterable[object]) -> None:
    """Raise if `out` is, or lies in, a volume that the job reads: overwriting would remove it.

    Raises
    ------
    ValueError
        Naming the path.
    """
    places = {out.resolve(), *out.resolve().parents}
    for path in (getattr(volume, "path", None) for volume in inputs):
        if path is not None and Path(path).resolve() in places:
            raise ValueError(f"{path} is read and must not be the output, too; choose another name")


def _difference(before: Any, now: Any) -> str:
    """Names of the entries in which two recipes differ, for an error message."""
    if not (isinstance(before, Mapping) and isinstance(now, Mapping)):
        return ""
    names = sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
    return f" ({', '.join(names)})" if names else ""


def _create_group(path: Path, spec: VolumeSpec) -> None:
    write_durably(path / "zarr.json", json_of(group_metadata(spec), sort_keys=True))
    for level in range(spec.levels):
        _create_array(path, spec.at_level(level), level)


def _create_array(path: Path, spec: VolumeSpec, level: int) -> None:
    """Metadata of one level; without zstd's checksum most bit flips would read back silently."""
    (path / str(level)).mkdir(parents=True, exist_ok=True)
    write_durably(path / str(level) / "zarr.json", json_of(array_metadata(spec)))


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
