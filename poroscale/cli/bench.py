"""`poroscale bench`: poroscale and its peers side by side in one run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def bench(
    out: Annotated[Path | None, typer.Option(help="Markdown file to write the table to.")] = None,
    edges: Annotated[str, typer.Option(help="Volume edges, as 256,512.")] = "256,512",
    repeats: Annotated[int, typer.Option(help="Runs of which the median counts.")] = 3,
    only: Annotated[
        str | None, typer.Option(help="One part: label, ingest, analyse, plan.")
    ] = None,
) -> None:
    """Time the verbs against the tools of the field and print a table."""
    from poroscale import verbs

    sizes = [int(edge) for edge in edges.split(",")]
    table = verbs.bench(sizes, repeats=repeats, only=only, report=typer.echo)
    if out is not None:
        out.write_text(table)
    typer.echo(table)
