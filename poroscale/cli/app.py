"""The app: one command per verb. Heavy imports wait until a verb runs."""

from __future__ import annotations

from typing import Annotated

import typer

from poroscale import __version__
from poroscale.cli import analyse, bench, check, demo, export, ingest, phantom, pores, segment

app = typer.Typer(
    name="poroscale",
    help="From a CT scan to a pore table, at any size.",
    no_args_is_help=True,
    add_completion=False,
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
    """From a CT scan to a pore table, at any size."""


app.command("demo")(demo.demo)
app.command("analyse")(analyse.analyse)
app.command("phantom")(phantom.phantom)
app.command("ingest")(ingest.ingest)
app.command("segment")(segment.segment)
app.command("pores")(pores.pores)
app.command("export")(export.export)
app.command("info")(check.info)
app.command("verify")(check.verify)
app.command("doctor")(check.doctor)
app.command("bench")(bench.bench)
