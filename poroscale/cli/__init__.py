"""The command line: parsing and printing, nothing else."""

from __future__ import annotations

import signal
import sys
import warnings
from pathlib import Path
from typing import Any, NoReturn

BAD_INPUT = 2
INTERRUPTED = 130


def main() -> None:
    """Run the command line; bad input costs one sentence, never a traceback."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    from poroscale.cli.app import app
    from poroscale.cli.talk import told
    from poroscale.cli.words import in_flags

    try:
        _refuse_addresses(sys.argv[1:])
        with told():
            app(prog_name="poroscale")
    except Interrupted:
        # A request that the interrupt caught on its way to zarr's loop would be reported at exit.
        warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
        _stop("interrupted; run the same command again to go on", INTERRUPTED)
    except MemoryError as error:
        message = str(error) or "out of memory; lower `workers` or `block`"
        _stop(in_flags(message, _flags(error)), BAD_INPUT)
    except (ValueError, TypeError, ArithmeticError, LookupError, RuntimeError) as error:
        _stop(in_flags(_sentence(error), _flags(error)), BAD_INPUT)
    except OSError as error:
        _stop(in_flags(_disk(error), _flags(error)), BAD_INPUT)


def _refuse_addresses(words: list[str]) -> None:
    """Paths that are none, before a verb has made a folder; addresses of schedulers are some."""
    from poroscale.manifest import local

    for option, word in zip(["", *words], words, strict=False):
        name, _, value = word.rpartition("=") if word.startswith("--") else ("", "", word)
        if "--cluster" not in (option, name) and (value == "-" or "://" in value):
            local(Path(value))


class Interrupted(BaseException):
    """Ctrl-C or a request to end. Click would swallow a KeyboardInterrupt without a word."""


def _interrupt(*_: Any) -> NoReturn:
    raise Interrupted


def _flags(error: BaseException) -> dict[str, str]:
    """Flag by setting, of the command that failed."""
    flags: dict[str, str] = getattr(error, "flags", {})
    return flags


def _sentence(error: Exception) -> str:
    from pydantic import ValidationError

    from poroscale.config import sentence

    return sentence(error) if isinstance(error, ValidationError) else str(error)


def _disk(error: OSError) -> str:
    import errno

    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"the disk is full: {error.filename or error}; "
            "make room and run the same command again to go on"
        )
    if error.filename and error.strerror:  # as the system words it, without its number
        return f"{error.filename}: {error.strerror[0].lower()}{error.strerror[1:]}"
    return str(error)


def _stop(message: str, code: int) -> NoReturn:
    print(f"poroscale: {message}", file=sys.stderr)
    sys.exit(code)
