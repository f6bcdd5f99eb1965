"""`poroscale surface`: the unrolled surface of a part, or a height map, and its roughness."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poroscale.cli import options
from poroscale.cli.options import Block, Cluster, ConfigFile, Memory, Overwrite, Workers


def surface(
    phases: Annotated[
        Path,
        typer.Argument(
            metavar="PHASES.zarr", help="0 outside, 1, 2 part; or a height map, .opd or .al3d."
        ),
    ],
    out_dir: Annotated[Path, typer.Argument(help="Gets radius.zarr, flags.zarr, roughness.json.")],
    part: Annotated[
        str | None, typer.Option(help="cylinder, box or auto, which looks for itself [auto].")
    ] = None,
    config: ConfigFile = None,
    memory: Memory = "2GiB",
    cluster: Cluster = None,
    workers: Workers = None,
    block: Block = None,
    overwrite: Overwrite = False,
) -> None:
    """Unroll a part's surface into a map, and measure its roughness (ISO 25178-2)."""
    from poroscale import verbs

    values = options.settings(config, "surface", part=part)
    run = options.run_of(memory, cluster, workers, block, overwrite)
    settings = verbs.surface_config(values)
    flat = phases.suffix.lower() in {".opd", ".al3d"}
    found = (verbs.height_map if flat else verbs.surface)(phases, out_dir, config=settings, run=run)
    for line in found.describe():
        typer.echo(line)
