"""`poroscale ingest`: other formats to a volume."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from poroscale.cli.command import Argument, Command


def tell(volume: Any, given: dict[str, Any]) -> Iterator[str]:
    """Shape, type and voxel size, and what a reader should know of the file."""
    z, y, x = volume.shape
    size = volume.voxel_size
    yield f"{given['out']}: {z} x {y} x {x} {volume.dtype}, voxels of {size} um (z, y, x)"
    for note in volume.attributes["source"].get("notes", ()):
        yield f"note: {note}"


COMMANDS = (
    Command(
        "ingest",
        tell,
        section="Scans",
        arguments=(
            Argument("src", help="Folder of slices, or a file; FILE.h5::/dataset for a dataset."),
            Argument("out", "OUT.zarr"),
        ),
        hidden=("name",),
        metavars={
            "voxel_size": "UM",
            "levels": "LOW,HIGH",
            "channel": "N|index",
            "pattern": "GLOB",
        },
    ),
)
