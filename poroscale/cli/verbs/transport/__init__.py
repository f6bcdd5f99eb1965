"""`poroscale transport`: what a volume conducts, and what flows through it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from poroscale.cli.command import Argument, Command, Values

if TYPE_CHECKING:
    from poroscale.transport.found import TransportFound


def tell_transport(found: TransportFound, given: Values) -> Iterator[str]:
    """A line for each axis, and where the page lies."""
    yield from found.describe()
    yield f"{Path(given['out_dir']) / 'transport.html'}: all numbers, and slices of the fields"


COMMANDS = (
    Command(
        "transport",
        tell_transport,
        section="Statistics",
        arguments=(
            Argument("volume", "VOLUME", "Phases: integers or a mask."),
            Argument("out_dir", "OUT_DIR", "Gets transport.html and transport.json."),
        ),
        flags={"phases": "--phase"},
        metavars={"phases": "VALUE=CONDUCTIVITY", "pore": "VALUE"},
        repeated=("phases", "pore"),
        hidden=("block",),
    ),
)
