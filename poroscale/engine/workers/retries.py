"""Repeated tries of blocks whose worker died, or whose file system failed for a moment.

A block can be done twice without harm: it is published as a whole, and the journal knows it after.
What would fail again is not tried: a missing or damaged file, a full disk, an error of a kernel.
"""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LOG = logging.getLogger(__name__)

PAUSES = (0.2, 1.0, 5.0)
"""Seconds before each further try of a block; after the last of them it is given up."""
TRIES = 1 + len(PAUSES)

_PASSING = frozenset(
    {
        errno.EAGAIN,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.EINTR,
        errno.EIO,
        errno.ENETDOWN,
        errno.ENETRESET,
        errno.ENETUNREACH,
        errno.ESTALE,
        errno.ETIMEDOUT,
    }
)


@dataclass(frozen=True)
class Work:
    """Work for each block of a stage.

    Attributes
    ----------
    task
        `task(number) -> result`; it must pickle for the workers of a cluster.
    title
        Of the stage, in a few words; its tasks are named by it.
    place
        File or folder that is written, which errors name.
    first
        Number of block 0; levels of a pyramid have numbers of their own.
    at_a_time
        Tasks that this process may do at a time, where it does them itself; None for all workers.
    """

    task: Callable[[int], Any]
    title: str = "blocks"
    place: str = ""
    first: int = 0
    at_a_time: int | None = None

    def name(self, number: int) -> str:
        """A block in words, for errors and warnings."""
        place = f" of {self.place}" if self.place else ""
        return f"{self.title}: block {number - self.first}{place}"


def tries_of(error: BaseException) -> int:
    """Number of tries of a block that ended in `error`; 0 if another try would end in it, too."""
    deaths = getattr(error, "allowed_failures", None)  # of distributed's KilledWorker
    if isinstance(deaths, int):
        return deaths + 1
    passing = isinstance(error, ConnectionError) or (
        isinstance(error, OSError) and error.errno in _PASSING
    )
    return 1 if passing else 0


def pause_before_retry(work: Work, number: int, tried: int, error: BaseException) -> float:
    """Seconds after which block `number` is tried again; the warning is logged here.

    Parameters
    ----------
    work, number
        The block.
    tried
        Number of tries.
    error
        Error of the last try.

    Raises
    ------
    OSError
        If it was tried often enough; the sentence names the block, the file and the number.
    BaseException
        `error` itself, if another try would end in it, too.
    """
    if not tries_of(error):
        raise error
    if tried >= TRIES:
        raise OSError(f"{work.name(number)} failed {tried} times: {_cause(error)}") from error
    pause = PAUSES[tried - 1]
    LOG.warning(
        "%s failed and is tried again in %g s (try %d of %d): %s",
        work.name(number),
        pause,
        tried + 1,
        TRIES,
        _cause(error),
    )
    return pause


def _cause(error: BaseException) -> str:
    worker = getattr(error, "last_worker", None)
    if worker is None:
        return str(error) or type(error).__name__
    return (
        f"its worker died each time, at last {getattr(worker, 'address', worker)}; "
        "a block may need more memory than a worker has"
    )


def tried_here(work: Work, number: int, stop: threading.Event) -> Any:
    """The result of a block in this thread, which waits between tries; None once `stop` is set."""
    tried = 0
    while not stop.is_set():
        try:
            return work.task(number)
        except OSError as error:
            tried += tries_of(error)
            stop.wait(pause_before_retry(work, number, tried, error))
    return None


def tried_later(task: Callable[[int], Any], number: int, pause: float) -> Any:
    """A further try of a block on a worker."""
    time.sleep(pause)
    return task(number)
