"""`poroscale phantom`: a scan with a known truth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from poroscale.cli.command import Argument, Command


def tell(made: Any, _given: dict[str, Any]) -> Iterator[str]:
    """The three outputs."""
    yield f"{made.scan.path}: the scan"
    yield f"{made.truth.path}: its phases"
    yield f"{made.table}: its pores"


COMMANDS = (
    Command(
        "phantom",
        tell,
        section="Scans",
        arguments=(Argument("out", "SCAN.zarr"),),
        metavars={"voxel_size": "UM"},
    ),
)
