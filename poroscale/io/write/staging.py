"""Outputs that are complete or absent: written under another name, renamed when done."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from poroscale.manifest import local, sync_directory


@contextmanager
def staged(dst: Path, *, overwrite: bool) -> Iterator[Path]:
    """A path beside `dst` to write to; it becomes `dst` if all goes well, else it is removed.

    Raises
    ------
    FileExistsError
        If `dst` exists and is not to be overwritten.
    """
    refuse_existing(dst, overwrite=overwrite)
    dst.parent.mkdir(parents=True, exist_ok=True)
    _sweep(dst)
    partial = dst.with_name(f".{dst.name}.{os.getpid()}.partial")
    try:
        yield partial
        _flush(partial)
        if dst.is_dir():
            shutil.rmtree(dst)
        partial.replace(dst)
        sync_directory(dst.parent)
    finally:
        _remove(partial)


def refuse_existing(dst: Path, *, overwrite: bool) -> None:
    """Refuse to touch what is there; with `overwrite`, replace a file or a folder of slices.

    Raises
    ------
    FileExistsError
        Naming it.
    """
    if not (local(dst).exists() or dst.is_symlink()):
        return
    if not overwrite:
        raise FileExistsError(f"{dst} exists; choose another name, or replace it with `overwrite`")
    if dst.is_dir() and any(entry.suffix != ".tif" for entry in dst.iterdir()):
        raise FileExistsError(f"{dst} holds more than TIFF slices and is not replaced")


def _sweep(dst: Path) -> None:
    """Remove what a killed process left behind."""
    import psutil

    for left in dst.parent.iterdir():
        match = re.fullmatch(rf"\.{re.escape(dst.name)}\.(\d+)\.partial", left.name)
        if match and (int(match[1]) == os.getpid() or not psutil.pid_exists(int(match[1]))):
            _remove(left)


def _flush(path: Path) -> None:
    for file in path.iterdir() if path.is_dir() else [path]:
        with file.open("rb") as handle:
            os.fsync(handle.fileno())


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
