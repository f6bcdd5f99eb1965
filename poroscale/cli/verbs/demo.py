"""`poroscale demo` and `poor-scan`: the main jobs on generated scans."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from poroscale.cli.command import Argument, Command, Values


def tell(_made: Any, _given: Values) -> Iterator[str]:
    """Nothing: the job has told each step as it ended."""
    yield from ()


_OUT = Argument("out", "[OUT]", "Folder of the demo.", default="demo")

COMMANDS = (
    Command("demo", tell, section="Start here", arguments=(_OUT,)),
    Command("poor-scan", tell, section="Start here", verb="poor_scan", arguments=(_OUT,)),
)
