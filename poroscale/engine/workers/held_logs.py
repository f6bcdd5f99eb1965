"""Logs of a cluster of ours while a job runs: shown if the job fails, dropped if it ends well.

A worker that dies costs its running tasks, which others take over. The scheduler logs the results
that went with it as errors; to a person whose job has ended well they say nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

REFUSALS = (ValueError, TypeError, MemoryError)
"""Of these the error itself says all; the workers have no part in them."""
MOST = 1000
"""Records that are held at a time; the first tell the cause."""


class _Held(logging.Handler):
    """Keeps records until it is known whether anybody needs them."""

    def __init__(self, handlers: list[logging.Handler]) -> None:
        super().__init__(logging.WARNING)
        self.handlers = handlers
        self._records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        if len(self._records) < MOST:
            self._records.append(record)

    def show(self) -> None:
        """Hand the records to the handlers that they were kept from."""
        for record in self._records:
            for handler in self.handlers:
                if record.levelno >= handler.level:
                    handler.handle(record)


@contextmanager
def held_logs(name: str = "distributed") -> Iterator[None]:
    """Hold back what the loggers `name` and below it print.

    Warnings and errors are printed if the context ends in an error that is no refusal of the input
    or the settings.
    """
    loggers = [logging.getLogger(each) for each in (name, *_below(name))]
    held = {logger: _Held(logger.handlers) for logger in loggers if logger.handlers}
    for logger, instead in held.items():
        logger.handlers = [instead]
    try:
        yield
    except Exception as error:
        for instead in held.values() if not isinstance(error, REFUSALS) else ():
            instead.show()
        raise
    finally:
        for logger, instead in held.items():
            logger.handlers = instead.handlers


def _below(name: str) -> list[str]:
    return [each for each in logging.Logger.manager.loggerDict if each.startswith(f"{name}.")]
