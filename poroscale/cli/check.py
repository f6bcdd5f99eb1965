"""`poroscale info`, `verify` and `doctor`: what is there, whether it is whole, what can run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def info(
    path: Annotated[Path, typer.Argument(help="A volume, a table, or a folder of them.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Everything, as JSON: a list with an entry per output.")
    ] = False,
) -> None:
    """Say what a volume or table holds and how it was made."""
    from poroscale import verbs

    if as_json:
        typer.echo(json.dumps(verbs.info_json(path), indent=1, ensure_ascii=False, default=str))
        return
    typer.echo("\n".join(verbs.info(path)))


def verify(path: Annotated[Path, typer.Argument(help="An output, or a folder of them.")]) -> None:
    """Compare every file with what was written; exit code 1 where one differs."""
    from poroscale import verbs

    problems = verbs.verify(path)
    for problem in problems:
        typer.echo(problem)
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{path}: {verbs.holdings(path)}; all files are as they were written")


def doctor() -> None:
    """Say what this machine offers: cores, memory, GPUs, optional formats."""
    from poroscale import verbs

    typer.echo("\n".join(verbs.doctor()))
