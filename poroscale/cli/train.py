"""`poroscale train segment`: a segmentation network from scans and their phases."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poroscale.cli.options import Cluster, OptionalMemory, Workers

TrainFile = Annotated[
    Path,
    typer.Argument(
        metavar="CONFIG",
        help="YAML file with the sections train, network, patches, augmentation, training, run.",
    ),
]


def segment(
    config: TrainFile,
    memory: OptionalMemory = None,
    cluster: Cluster = None,
    workers: Workers = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Begin anew instead of going on.")
    ] = False,
) -> None:
    """Train a segmentation network; run again, it goes on where it was ended."""
    from poroscale import verbs

    for line in verbs.train_segment(
        config, memory=memory, cluster=cluster, workers=workers, overwrite=overwrite or None
    ):
        typer.echo(line)
