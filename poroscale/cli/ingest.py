"""`poroscale ingest`: other formats to a volume."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poroscale.cli import options
from poroscale.cli.options import (
    Block,
    Channel,
    Cluster,
    ConfigFile,
    DryRun,
    Invert,
    Memory,
    Overwrite,
    Pattern,
    VoxelSize,
    Workers,
)


def ingest(
    src: Annotated[
        str, typer.Argument(metavar="SRC", help="Folder of slices or a file; FILE.h5::/dataset.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT.zarr")],
    voxel_size: VoxelSize = None,
    dataset: Annotated[str | None, typer.Option(help="Path inside an HDF5 or Zarr file.")] = None,
    pattern: Pattern = None,
    channel: Channel = None,
    invert: Invert = False,
    box: Annotated[
        str | None, typer.Option(metavar="Z0,Z1,Y0,Y1,X0,X1", help="Region of interest [voxels].")
    ] = None,
    mask: Annotated[Path | None, typer.Option(help="Volume that is 0 where to leave out.")] = None,
    nan: Annotated[
        float | None,
        typer.Option(help="Grey value in place of NaN and of missing voxels; refused otherwise."),
    ] = None,
    axes: Annotated[
        str | None, typer.Option(help="Input axis that is the build direction: z, y or x [z].")
    ] = None,
    dtype: Annotated[str | None, typer.Option(help="Convert grey values; kept otherwise.")] = None,
    overflow: Annotated[
        str | None, typer.Option(help="With --dtype: refuse, clip or scale [refuse].")
    ] = None,
    levels: Annotated[
        str | None,
        typer.Option(
            metavar="LOW,HIGH", help="Grey values that --overflow scale maps to the ends."
        ),
    ] = None,
    config: ConfigFile = None,
    memory: Memory = "2GiB",
    cluster: Cluster = None,
    workers: Workers = None,
    block: Block = None,
    dry_run: DryRun = False,
    overwrite: Overwrite = False,
) -> None:
    """Bring a scan in: TIFF, RAW, HDF5, NRRD, NIfTI, NumPy, Zarr, DICOM, TXM."""
    from poroscale import verbs

    values = options.settings(
        config,
        "ingest",
        voxel_size=options.voxel_size_of(voxel_size),
        dataset=dataset,
        pattern=pattern,
        channel=options.channel_of(channel),
        invert=invert or None,
        box=options.numbers_of(box, 6, int, "--box"),
        mask=str(mask) if mask else None,
        nan=nan,
        axes=axes,
        dtype=dtype,
        overflow=overflow,
        levels=options.numbers_of(levels, 2, float, "--levels"),
    )
    run = options.run_of(memory, cluster, workers, block, overwrite)
    settings = verbs.ingest_config(values)
    if dry_run:
        typer.echo(verbs.plan_ingest(src, config=settings, run=run))
        return
    volume = verbs.ingest(src, out, config=settings, run=run)
    z, y, x = volume.shape
    typer.echo(f"{out}: {z} x {y} x {x} {volume.dtype}, voxels of {volume.voxel_size} um (z, y, x)")
    for note in volume.attributes["source"].get("notes", ()):
        typer.echo(f"note: {note}")
