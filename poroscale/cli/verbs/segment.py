"""`poroscale segment`: grey values to phases."""

from __future__ import annotations

from poroscale.cli.command import Argument, Command
from poroscale.cli.segmentation import tell

COMMANDS = (
    Command(
        "segment",
        tell,
        arguments=(
            Argument("scan", "CT.zarr", "The ingested scan."),
            Argument("out", "PHASES.zarr", "0 outside, 1 solid, 2 pore."),
        ),
        metavars={
            "model": "DIR",
            "scores": "SCORES.zarr",
            "shares": "SHARES.zarr",
            "thresholds_from": "PHASES.zarr",
        },
    ),
)
