"""The app: one command per verb. Heavy imports wait until a verb runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from poroscale import __version__
from poroscale.cli import (
    analyse,
    bench,
    check,
    compare,
    demo,
    evaluate,
    export,
    fit,
    generate,
    ingest,
    phantom,
    pores,
    segment,
    surface,
    train,
)

app = typer.Typer(
    name="poroscale",
    help="From a CT scan to a pore table, and to new parts like it, at any size.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"poroscale {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """From a CT scan to a pore table, and to new parts like it, at any size."""


app.command("demo")(demo.demo)
app.command("analyse")(analyse.analyse)
app.command("phantom")(phantom.phantom)
app.command("ingest")(ingest.ingest)
app.command("segment")(segment.segment)
app.command("evaluate")(evaluate.evaluate)
app.command("pores")(pores.pores)
app.command("surface")(surface.surface)
app.command("export")(export.export)
app.command("info")(check.info)
app.command("verify")(check.verify)
app.command("doctor")(check.doctor)
app.command("bench")(bench.bench)


def _group(name: str, what: str, **commands: Callable[..., None]) -> None:
    """Commands of two words: `poroscale fit part`."""
    group = typer.Typer(help=what, no_args_is_help=True, rich_markup_mode=None)
    group.callback()(_nothing)
    for verb, command in commands.items():
        group.command(verb)(command)
    app.add_typer(group, name=name)


def _nothing() -> None:
    """Keeps the second word, which typer drops from a group of one command."""


_group("fit", "Fit a model to scans.", part=fit.part)
_group("generate", "Generate new volumes from a model.", part=generate.part)
_group(
    "compare",
    "Compare originals with what was generated, or models or losses with each other.",
    volumes=compare.volumes,
    models=compare.models,
    losses=compare.losses,
)
_group("train", "Train networks.", segment=train.segment)
