"""`poroscale info`, `verify` and `doctor`: what is there, whether it is whole, what can run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def info(
    path: Annotated[Path, typer.Argument(help="A volume, a table, or a folder of them.")],
) -> None:
    """Say what a volume or table holds and how it was made."""
    from poroscale import verbs

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
