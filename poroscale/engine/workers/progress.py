"""Progress: bars where a person looks on, a line a minute where standard error is no terminal."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY = 60.0
"""Seconds between two lines; work that is shorter says nothing."""


@contextmanager
def progress(
    title: str, *, total: int, done: int, show: bool | None
) -> Iterator[Callable[[], None]]:
    """A count from `done` to `total`; call what it gives once for each block.

    Parameters
    ----------
    title
        Title of the work, in a few words.
    total, done
        Number of blocks in all, and of those finished before the start.
    show
        Draw a bar; None draws one where standard error is a terminal, and writes a
        line a minute where it is none. False writes nothing.
    """
    if show is False:
        yield lambda: None
    elif show or sys.stderr.isatty():
        with _bar(title, total, done) as advance:
            yield advance
    else:
        with _lines(title, total, done) as advance:
            yield advance


@contextmanager
def _bar(title: str, total: int, done: int) -> Iterator[Callable[[], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=total, completed=done)
        yield lambda: bar.advance(task)


class _Clock:
    """Time when the next line is due: a minute after the last one, whichever stage wrote it."""

    def __init__(self) -> None:
        self.due = self.seen = -math.inf

    def start(self) -> None:
        """A stage begins; after a minute without any, the minute begins with it."""
        now = time.monotonic()
        if now - self.seen > EVERY:
            self.due = now + EVERY
        self.seen = now

    def wait(self, ended: threading.Event) -> bool:
        """Wait until a line is due, or the stage has ended; whether it is due."""
        due = not ended.wait(max(0.0, self.due - time.monotonic()))
        self.seen = time.monotonic()
        if due:
            self.due = self.seen + EVERY
        return due


_CLOCK = _Clock()


@contextmanager
def _lines(title: str, total: int, done: int) -> Iterator[Callable[[], None]]:
    """A thread writes the lines, so that a block of many minutes is not silent either."""
    counted, begun, ended, lock = [done], time.monotonic(), threading.Event(), threading.Lock()

    def advance() -> None:
        with lock:  # blocks may end in several threads
            counted[0] += 1

    def tell() -> None:
        while _CLOCK.wait(ended):
            took = time.monotonic() - begun
            print(_told(title, counted[0], done, total, took), file=sys.stderr, flush=True)

    _CLOCK.start()
    writer = threading.Thread(target=tell, name="poroscale-progress", daemon=True)
    writer.start()
    try:
        yield advance
    finally:
        ended.set()
        writer.join()


def _told(title: str, count: int, before: int, total: int, took: float) -> str:
    line = f"poroscale: {title}: {count} of {total}, {_minutes(took)}"
    if count == before:
        return line
    left = took * (total - count) / (count - before)
    return f"{line}, about {_minutes(left)} to go"


def _minutes(seconds: float) -> str:
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{seconds / 3600:.1f} h"
