"""`poroscale info`, `verify`, `doctor` and `bench`: what is there, what can run, and how fast."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from poroscale.cli.command import Argument, Command, Values


def tell_info(found: Any, given: Values) -> Iterator[str]:
    """Content of an output."""
    if given.get("as_json"):
        yield json.dumps(found, indent=1, ensure_ascii=False, default=str)
    else:
        yield from found


def tell_verified(problems: list[str], given: Values) -> Iterator[str]:
    """Files that differ, and exit code 1; or that none does."""
    from poroscale.pipelines.checks import holdings

    yield from problems
    if problems:
        raise SystemExit(1)
    yield f"{given['path']}: {holdings(given['path'])}; all files are as they were written"


def tell_lines(lines: list[str], _given: Values) -> Iterator[str]:
    """The lines."""
    yield from lines


def tell_table(table: str, _given: Values) -> Iterator[str]:
    """The table."""
    yield table


_PATH = Argument("path", help="A volume, a table, or a folder of them.")

COMMANDS = (
    Command("info", tell_info, section="Checks", arguments=(_PATH,), flags={"as_json": "--json"}),
    Command("verify", tell_verified, section="Checks", arguments=(_PATH,)),
    Command("doctor", tell_lines, section="Checks"),
    Command(
        "bench",
        tell_table,
        section="Checks",
        metavars={
            "edges": "EDGE,EDGE",
            "seeds": "FIRST:STOP",
            "out": "FILE.md",
            "porespy": "PYTHON",
            "taufactor": "PYTHON",
        },
    ),
)
