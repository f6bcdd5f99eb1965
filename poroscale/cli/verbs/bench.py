"""`poroscale bench`: poroscale and its peers side by side in one run."""

from __future__ import annotations

from collections.abc import Iterator

from poroscale.cli.command import Command, Values


def tell(table: str, _given: Values) -> Iterator[str]:
    """The table."""
    yield table


COMMANDS = (
    Command(
        "bench",
        tell,
        section="Checks",
        metavars={
            "edges": "EDGE,EDGE",
            "seeds": "FIRST:STOP",
            "out": "FILE.md",
            "porespy": "PYTHON",
        },
    ),
)
