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
        str | None,
        typer.Option(
            help="Parts, with commas: label, dask-image (slow), ingest, analyse, generate, "
            "windows, plan, surfaces (slow), complexity (slow), porosity (slow)."
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder that keeps generated inputs and scores for the next time."),
    ] = None,
    seeds: Annotated[
        str | None, typer.Option(metavar="FIRST:STOP", help="porosity: seeds of the scans [0:32].")
    ] = None,
    kinds: Annotated[
        str | None,
        typer.Option(help="porosity: kinds of scans, with commas; or tomographic, all [modelled]."),
    ] = None,
    scans: Annotated[
        Path | None, typer.Option(help="porosity: folder of NAME.npy and truth.json instead.")
    ] = None,
    methods: Annotated[
        str | None, typer.Option(help="porosity: methods, with commas [all].")
    ] = None,
) -> None:
    """Time the verbs against the tools of the field and print a table."""
    from poroscale import verbs

    cases = verbs.PorosityCases.of(seeds=seeds, kinds=kinds, scans=scans, methods=methods)
    table = verbs.bench(
        _sizes(edges), repeats=repeats, only=only, data=data, cases=cases, report=_progress
    )
    if out is not None:
        out.write_text(table)
    typer.echo(table)


def _progress(line: str) -> None:
    typer.echo(line, err=True)


def _sizes(edges: str) -> list[int]:
    try:
        return [int(edge) for edge in edges.split(",")]
    except ValueError:
        raise ValueError(f"--edges must be numbers with commas, got {edges!r}") from None
