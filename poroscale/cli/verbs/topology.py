"""`poroscale topology`: Betti curves and persistence pairs of a volume."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from poroscale.cli.command import Argument, Command


def tell(found: Any, given: dict[str, Any]) -> Iterator[str]:
    """Number of levels and of pairs."""
    cavities = "holes" if found.image else "cavities"
    yield (
        f"{given['out_dir']}: {len(found.levels)} levels, {found.components.total + 1} components "
        f"and {found.cavities.total} {cavities} over all levels"
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
