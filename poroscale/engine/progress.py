"""Progress bars: rich where a person looks on, nothing where standard error is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(
    title: str, *, total: int, done: int, show: bool | None
) -> Iterator[Callable[[], None]]:
    """A bar that counts from `done` to `total`; call what it gives once for each block.

    Parameters
    ----------
    title
        What is going on, in a few words.
    total, done
        Number of blocks in all, and of those finished before the start.
    show
        Whether to draw; None draws where standard error is a terminal.
    """
    if not (sys.stderr.isatty() if show is None else show):
        yield lambda: None
        return
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
