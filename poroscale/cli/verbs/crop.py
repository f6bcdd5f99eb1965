"""`poroscale crop`: a region of a volume."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from poroscale.cli.command import Argument, Command


def tell(volume: Any, given: dict[str, Any]) -> Iterator[str]:
    """Shape and place of the region."""
    z, y, x = volume.shape
    yield f"{given['out']}: {z} x {y} x {x} {volume.dtype}, from voxel {volume.origin} (z, y, x)"


COMMANDS = (
    Command(
        "crop",
        tell,
        section="Files",
        arguments=(Argument("volume", "IN.zarr"), Argument("out", "OUT.zarr")),
    ),
)
