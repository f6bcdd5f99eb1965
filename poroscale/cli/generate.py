"""`poroscale generate part`: new parts from a part model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poroscale.cli import options
from poroscale.cli.options import Block, Cluster, ConfigFile, DryRun, Memory, Overwrite, Workers


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
    mesh: Annotated[
        Path | None, typer.Option(help="Closed surface (STL, PLY, 3MF) that is filled instead.")
    ] = None,
    mesh_unit: Annotated[str | None, typer.Option(help="Of the mesh: um or mm [mm].")] = None,
    count: Annotated[
        int | None, typer.Option(help="So many parts: OUT_0000.zarr, ... by seeds from --seed.")
    ] = None,
    config: ConfigFile = None,
    memory: Memory = "2GiB",
    cluster: Cluster = None,
    workers: Workers = None,
    block: Block = None,
    dry_run: DryRun = False,
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
        mesh=None if mesh is None else str(mesh),
        mesh_unit=mesh_unit,
        count=count,
    )
    run = options.run_of(memory, cluster, workers, block, overwrite)
    settings = verbs.generate_config(values)
    if dry_run:
        typer.echo(verbs.plan_generate(model, config=settings, run=run))
        return
    for made in verbs.generate_part(model, out, config=settings, run=run):
        typer.echo("\n".join(made.describe()))
