"""`poroscale generate part`: new parts from a part model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poroscale.cli import options
from poroscale.cli.options import Block, Cluster, ConfigFile, Memory, Overwrite, Workers


def part(
    model: Annotated[Path, typer.Argument(metavar="MODEL_DIR")],
    out: Annotated[Path, typer.Argument(metavar="OUT.zarr")],
    shape: Annotated[
        tuple[int, int, int] | None, typer.Option(metavar="Z Y X", help="Voxels; any length.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Another part for another number [0].")] = None,
    diameter: Annotated[
        float | None,
        typer.Option(metavar="UM", help="Of the part; by default it fills Y X as the scan did."),
    ] = None,
    count: Annotated[
        int | None, typer.Option(help="So many parts: OUT_0000.zarr, ... by seeds from --seed.")
    ] = None,
    config: ConfigFile = None,
    memory: Memory = "2GiB",
    cluster: Cluster = None,
    workers: Workers = None,
    block: Block = None,
    overwrite: Overwrite = False,
) -> None:
    """Generate new parts with the pores and the surface of a model."""
    from poroscale import verbs

    values = options.settings(
        config,
        "generate",
        shape=shape,
        seed=seed,
        diameter=diameter,
        count=count,
    )
    run = options.run_of(memory, cluster, workers, block, overwrite)
    settings = verbs.generate_config(values)
    for made in verbs.generate_part(model, out, config=settings, run=run):
        typer.echo("\n".join(made.describe()))
