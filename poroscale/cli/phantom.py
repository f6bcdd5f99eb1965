"""`poroscale phantom`: a scan with a known truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poroscale.cli import options
from poroscale.cli.options import Block, Cluster, ConfigFile, DryRun, Memory, Overwrite, Workers


def phantom(
    scan: Annotated[Path, typer.Argument(metavar="SCAN.zarr")],
    shape: Annotated[
        tuple[int, int, int] | None, typer.Option(metavar="Z Y X", help="Voxels; z is built up.")
    ] = None,
    voxel_size: Annotated[float | None, typer.Option(metavar="UM", help="Edge [5].")] = None,
    seed: Annotated[int | None, typer.Option(help="Another part for another number [0].")] = None,
    porosity: Annotated[float | None, typer.Option(help="Fraction of the part [0.006].")] = None,
    part: Annotated[str | None, typer.Option(help="cylinder or cube [cylinder].")] = None,
    projections: Annotated[
        int | None, typer.Option(help="True scan with so many projections; modelled otherwise.")
    ] = None,
    exposure: Annotated[
        float | None, typer.Option(help="Photons relative to a good scan; true scans [1].")
    ] = None,
    beam: Annotated[str | None, typer.Option(help="parallel or cone; true scans [cone].")] = None,
    noise: Annotated[
        float | None, typer.Option(help="Standard deviation over contrast [0.04].")
    ] = None,
    config: ConfigFile = None,
    memory: Memory = "2GiB",
    cluster: Cluster = None,
    workers: Workers = None,
    block: Block = None,
    dry_run: DryRun = False,
    overwrite: Overwrite = False,
) -> None:
    """Make the scan of a printed part whose every pore is known."""
    from poroscale import verbs

    values = options.settings(
        config,
        "phantom",
        shape=shape,
        voxel_size=voxel_size,
        seed=seed,
        porosity=porosity,
        part=part,
        projections=projections,
        exposure=exposure,
        beam=beam,
        noise=noise,
    )
    run = options.run_of(memory, cluster, workers, block, overwrite)
    settings = verbs.phantom_config(values)
    if dry_run:
        typer.echo(verbs.plan_phantom(config=settings, run=run))
        return
    made = verbs.phantom(scan, config=settings, run=run)
    typer.echo(f"{made.scan.path}: the scan")
    typer.echo(f"{made.truth.path}: its phases")
    typer.echo(f"{made.table}: its pores")
