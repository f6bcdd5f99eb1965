"""A Zarr store made by others, a folder or a zip file; seen before zarr opens it.

Zarr opens whatever lies in a chunk's place: it waits for a pipe, follows a link to anywhere, and
takes a folder for a chunk that is not there, which it reads as the fill value.
"""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import IO, Any

ZARR_MARKS = ("zarr.json", ".zarray", ".zgroup", ".zattrs")


@dataclass(frozen=True)
class ChunkFile:
    """An open chunk: its bytes, how many there are, and what an error message calls it."""

    file: IO[bytes] | FileIO
    size: int
    name: str


@dataclass(frozen=True)
class ZarrStore:
    """The hierarchy at `path`, a folder or a zip file; `root` is its root in the zip file."""

    path: Path
    root: str = ""

    @classmethod
    def at(cls, path: Path) -> ZarrStore:
        """The store at `path`.

        Raises
        ------
        ValueError
            If it is a zip file that cannot be read, or holds no Zarr hierarchy.
        """
        if path.is_dir():
            return cls(path)
        try:
            with zipfile.ZipFile(path) as packed:
                names = [name for name in packed.namelist() if name.split("/")[-1] in ZARR_MARKS]
        except (zipfile.BadZipFile, OSError, ValueError, RuntimeError) as error:
            raise ValueError(f"{path.name}: not a complete zip file: {error}") from error
        if not names:
            raise ValueError(f"{path.name}: there is no Zarr array or group in the zip file")
        return cls(path, min(names, key=lambda name: name.count("/")).rpartition("/")[0])

    def within(self, inside: str) -> str:
        """The key of `inside`, a path below the root of the hierarchy."""
        return "/".join(part for part in (self.root, inside) if part)

    @contextmanager
    def node(self, inside: str) -> Iterator[Any]:
        """The zarr array or group at `inside`, read-only."""
        import zarr
        from zarr.storage import LocalStore, ZipStore

        self.require_files(inside)
        if self.path.is_dir():
            yield zarr.open(LocalStore(self.path, read_only=True), path=inside, mode="r")
            return
        store = ZipStore(self.path, mode="r", read_only=True)
        try:
            yield zarr.open(store, path=self.within(inside), mode="r")
        finally:
            store.close()

    def require_files(self, inside: str) -> None:
        """Refuse metadata that are no files, or links out of the store.

        Raises
        ------
        OSError
            Naming the path.
        """
        if self.path.is_dir():
            for mark in ZARR_MARKS:
                _regular(self.path / inside / mark, self.path)

    def metadata(self, inside: str) -> list[bytes]:
        """The metadata documents of the array or group at `inside`."""
        if self.path.is_dir():
            files = [self.path / inside / mark for mark in ZARR_MARKS]
            return [file.read_bytes() for file in files if file.is_file()]
        with zipfile.ZipFile(self.path) as packed:
            keys = [self.within(f"{inside}/{mark}".lstrip("/")) for mark in ZARR_MARKS]
            return [packed.read(key) for key in keys if key in packed.namelist()]

    @contextmanager
    def chunk(self, inside: str, key: str) -> Iterator[ChunkFile | None]:
        """The chunk `key` of the array at `inside`; None where there is none.

        Raises
        ------
        OSError
            If what lies there is no file, or lies outside the store.
        """
        if not self.path.is_dir():
            with self._packed_chunk(self.within(f"{inside}/{key}".lstrip("/"))) as found:
                yield found
            return
        path = self.path / inside / key
        if not _regular(path, self.path):
            yield None
            return
        with FileIO(path, "r") as file:
            yield ChunkFile(file, path.stat().st_size, str(path))

    @contextmanager
    def _packed_chunk(self, key: str) -> Iterator[ChunkFile | None]:
        with zipfile.ZipFile(self.path) as packed:
            try:
                entry = packed.getinfo(key)
            except KeyError:
                yield None
                return
            with packed.open(entry) as file:
                yield ChunkFile(file, entry.file_size, f"{self.path}/{key}")


def _regular(path: Path, store: Path) -> bool:
    """True if there is a file at `path`; anything else, and a link out of the store, is refused."""
    try:
        kind = path.lstat().st_mode
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        raise OSError(f"{path}: a file lies in place of one of its folders") from None
    target = path.resolve()
    if not target.is_relative_to(store.resolve()):
        raise OSError(
            f"{path} is a link to {target}, outside the store; copy that file to where the link is"
        )
    if stat.S_ISLNK(kind):
        if not target.exists():
            raise OSError(f"{path} is a link to {target}, which does not exist")
        kind = target.stat().st_mode
    if not stat.S_ISREG(kind):
        what = "a folder" if stat.S_ISDIR(kind) else "no file"
        raise OSError(f"{path} must be a file, it is {what}")
    return True
