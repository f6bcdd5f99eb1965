"""`poroscale topology`: Betti curves and persistence pairs of a volume."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from poroscale.cli.command import Argument, Command


def tell(found: Any, given: dict[str, Any]) -> Iterator[str]:
    """Numbers of the phase, and of the pairs over all levels."""
    hidden, ways = ("holes", "holes") if found.image else ("cavities", "handles")
    if given.get("phase") is not None:
        one = found.at(0)
        yield (
            f"phase {given['phase']}: components {one['betti_0']}, {ways} {one['betti_1']}, "
            f"cavities {one['betti_2']}, Euler characteristic {one['euler']}"
        )
    yield (
        f"{given['out_dir']}: levels {len(found.levels)}, over all levels components "
        f"{found.components.total + 1}, {hidden} {found.cavities.total}"
    )


COMMANDS = (
    Command(
        "topology",
        tell,
        section="Scans",
        arguments=(
            Argument("volume", "VOLUME.zarr", "Grey values, or phases with --phase."),
            Argument("out_dir", help="Gets topology.json, curves.parquet and pairs.parquet."),
        ),
    ),
)
