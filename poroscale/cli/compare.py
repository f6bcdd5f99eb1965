"""`poroscale compare`: generated parts with originals; models, or their losses, on phantoms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poroscale.cli import options
from poroscale.cli.options import Cluster, ConfigFile, Memory, OptionalMemory, Overwrite, Workers


def volumes(
    reference: Annotated[
        str, typer.Argument(metavar="REFERENCE", help="Phases; several with commas.")
    ],
    generated: Annotated[
        str, typer.Argument(metavar="GENERATED", help="Phases; several with commas.")
    ],
    out_dir: Annotated[Path, typer.Argument(help="Gets compare.html and compare.json.")],
    model: Annotated[
        Path | None,
        typer.Option(help="Part model whose bins are varied for comparison (Appendix B)."),
    ] = None,
    config: ConfigFile = None,
    memory: Memory = "2GiB",
    cluster: Cluster = None,
    workers: Workers = None,
    overwrite: Overwrite = False,
) -> None:
    """Compare pores and surfaces of two sets of parts, against two halves of the first."""
    from poroscale import verbs

    run = options.run_of(memory, cluster, workers, None, overwrite)
    settings = verbs.compare_config(options.settings(config, "compare"))
    found = verbs.compare_volumes(
        reference.split(","),
        generated.split(","),
        out_dir,
        model=model,
        config=settings,
        run=run,
    )
    typer.echo(f"{out_dir / 'compare.html'}: the comparison")
    for line in found.describe():
        typer.echo(line)


def models(
    config: Annotated[
        Path,
        typer.Argument(
            metavar="CONFIG", help="YAML file with the sections study, phantoms, models, training."
        ),
    ],
    memory: OptionalMemory = None,
    cluster: Cluster = None,
    workers: Workers = None,
) -> None:
    """Train segmentation models on phantoms and compare them; run again, it goes on."""
    from poroscale import verbs

    for line in verbs.compare_models(config, memory=memory, cluster=cluster, workers=workers):
        typer.echo(line)


def losses(
    config: Annotated[
        Path,
        typer.Argument(
            metavar="CONFIG", help="YAML file with the sections losses, phantoms, training."
        ),
    ],
    memory: OptionalMemory = None,
    cluster: Cluster = None,
    workers: Workers = None,
) -> None:
    """Search for the focal Tversky loss that trains best; run again, it goes on."""
    from poroscale import verbs

    for line in verbs.compare_losses(config, memory=memory, cluster=cluster, workers=workers):
        typer.echo(line)
