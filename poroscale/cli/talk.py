"""Messages of a running job as lines on standard output."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class _Lines(logging.Handler):
    """Writes each record as it reads; the stream is looked up when a record comes."""

    def emit(self, record: logging.LogRecord) -> None:
        """One record, with a word before it if it is a warning."""
        before = "warning    " if record.levelno >= logging.WARNING else ""
        print(f"{before}{record.getMessage()}", file=sys.stdout, flush=True)


@contextmanager
def told() -> Iterator[None]:
    """Print what the loggers below "poroscale" say, from level INFO on, while a verb runs."""
    logger, lines = logging.getLogger("poroscale"), _Lines(logging.INFO)
    before = logger.level
    logger.addHandler(lines)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(lines)


@contextmanager
def script(name: str) -> Iterator[None]:
    """Around the main function of a script: its messages are told, and an error is one sentence.

    Raises
    ------
    SystemExit
        With the name of the script and what the user can mend.
    """
    try:
        with told():
            yield
    except (TypeError, ValueError, OSError, MemoryError, ArithmeticError) as error:
        raise SystemExit(f"{name}: {error}") from None
