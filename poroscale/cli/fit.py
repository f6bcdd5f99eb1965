"""`poroscale fit part`: a part model from scanned parts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from poroscale.cli import options
from poroscale.cli.options import Cluster, Memory, Overwrite, Workers

FitFile = Annotated[
    Path | None,
    typer.Option("--config", help="YAML file; its sections fit, surface and roughness are read."),
]


def part(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PHASES.zarr [...] MODEL_DIR", help="Phases of parts.")
    ],
    bank: Annotated[
        str | None, typer.Option(help="Where pores come from: empirical, dcgan or ellipsoid.")
    ] = None,
    sampling: Annotated[
        str | None, typer.Option(help="joint, or as published: maps or polar [joint].")
    ] = None,
    bins: Annotated[
        int | None, typer.Option(help="Bins of the published maps along x and y [30].")
    ] = None,
    form: Annotated[
        str | None, typer.Option("--part", help="cylinder, box or auto, as of surface [auto].")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of what is trained and simulated [0].")] = None,
    config: FitFile = None,
    memory: Memory = "2GiB",
    cluster: Cluster = None,
    workers: Workers = None,
    overwrite: Overwrite = False,
) -> None:
    """Fit a part model: surface, pores, and where they lie."""
    from poroscale import verbs
    from poroscale.config import load_sections

    if len(paths) < 2:
        raise ValueError(f"PHASES.zarr and MODEL_DIR must both be given, got {paths[0]} alone")
    sections: dict[str, dict[str, Any]] = load_sections(config) if config else {}
    given = {"bank": bank, "sampling": sampling, "bins": bins, "seed": seed}
    chosen = {name: value for name, value in given.items() if value is not None}
    sections["fit"] = sections.get("fit", {}) | chosen
    if form is not None:
        sections["surface"] = sections.get("surface", {}) | {"part": form}
    run = options.run_of(memory, cluster, workers, None, overwrite)
    settings = verbs.fit_part_config(sections)
    for line in verbs.fit_part(paths[:-1], paths[-1], config=settings, run=run).describe():
        typer.echo(line)
