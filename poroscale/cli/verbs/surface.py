"""`poroscale surface` and `height-map`: surfaces and their roughness."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from poroscale.cli.command import Argument, Command


def tell(found: Any, _given: dict[str, Any]) -> Iterator[str]:
    """Form and roughness."""
    yield from found.describe()


COMMANDS = (
    Command(
        "surface",
        tell,
        section="Parts",
        arguments=(
            Argument("phases", "PHASES.zarr", "0 outside, 1, 2 part."),
            Argument("out_dir", help="Gets radius.zarr, flags.zarr, roughness.json."),
        ),
    ),
    Command(
        "height-map",
        tell,
        section="Parts",
        verb="height_map",
        arguments=(
            Argument("path", "FILE", "A profilometer's .opd or .al3d."),
            Argument("out_dir", help="Gets heights.zarr, flags.zarr, roughness.json."),
        ),
        hidden=("part", "notch_um", "notch_depth"),
    ),
)
