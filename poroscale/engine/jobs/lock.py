"""The lock of an output: one job at a time; a dead job's lock is taken over.

The kernel holds the lock and frees it with the process. The file's text says who holds it, and
which run may publish: workers compare it with theirs before they move a chunk to its place.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from poroscale.manifest import JOURNAL_DIR, local


class OutputBusyError(ValueError):
    """Another job works on the output."""


def lock_text(output: Path) -> dict[str, Any]:
    """Owner of the lock of `output`, and id of the run that may publish; empty without an owner."""
    try:
        text: dict[str, Any] = json.loads((output / JOURNAL_DIR / "lock").read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return text


def take_lock(output: Path, run_id: str) -> IO[str]:
    """The lock of `output`. The kernel frees a dead process's lock, so that it is taken over."""
    path = local(output) / JOURNAL_DIR / "lock"
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock = path.open("a+")
        except FileNotFoundError:  # its folder was removed by a job that has just ended
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise OSError(f"{path} cannot be locked on this file system: {error}") from None
            owner = lock_text(output)
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
