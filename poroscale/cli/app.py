"""The commands, found in `cli/verbs`; what a verb imports waits until it runs."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from typing import Any

import click

from poroscale.cli import verbs
from poroscale.cli.command import Command
from poroscale.version import __version__

SECTIONS = (
    "Start here",
    "Scans",
    "Parts",
    "Microstructures",
    "Micrographs",
    "Statistics",
    "Networks",
    "Files",
    "Checks",
)
"""Headings of the help, in their order."""

GROUPS = {
    "fit": "Fit a model to scans or images.",
    "generate": "Generate new volumes from a model.",
    "compare": "Compare originals with what was generated, or models or losses with each other.",
    "train": "Train networks.",
    "gather": "Bring pictures and what is known of them together.",
}
"""First words of commands of two words."""


@cache
def commands() -> dict[str, Command]:
    """Every command by its words."""
    modules = (
        importlib.import_module(f"{verbs.__name__}.{found.name}")
        for found in pkgutil.iter_modules(verbs.__path__)
    )
    return {one.words: one for module in modules for one in module.COMMANDS}


class Group(click.Group):
    """Commands whose words begin with `first`; click's own are made when they are asked for."""

    def __init__(self, first: str = "", **given: Any) -> None:
        super().__init__(no_args_is_help=True, **given)
        self._first = f"{first} " if first else ""

    def list_commands(self, _context: click.Context) -> list[str]:
        """The next words, in the order in which help shows them."""
        return [name for _, names in self._sections() for name in names]

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """The command, or the group of commands, of the next word."""
        words = self._first + name
        if words in commands():
            return commands()[words].click_command()
        if any(known.startswith(f"{words} ") for known in commands()):
            return Group(words, name=name, help=GROUPS[words])
        return None

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command of the next word; an error names the one that was meant."""
        try:
            return super().resolve_command(context, args)
        except click.UsageError as error:
            near = get_close_matches(args[0], self.list_commands(context), n=1)
            if not near:
                raise
            context.fail(f"{error.message} Did you mean {near[0]!r}?")

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands under their headings."""
        for section, names in self._sections():
            rows = [(name, self._summary(context, name)) for name in names]
            with formatter.section("Commands" if self._first else section):
                formatter.write_dl(rows)

    def _summary(self, context: click.Context, name: str) -> str:
        command = self.get_command(context, name)
        return command.get_short_help_str(limit=100) if command else ""

    def _sections(self) -> list[tuple[str, list[str]]]:
        found: dict[str, str] = {}
        for section in SECTIONS:
            for name in self._in(section):
                found.setdefault(name, section)
        sections = dict.fromkeys(found.values())
        return [(one, [name for name in found if found[name] == one]) for one in sections]

    def _in(self, section: str) -> Iterable[str]:
        for words, one in commands().items():
            if one.section == section and words.startswith(self._first):
                yield words.removeprefix(self._first).split()[0]


app = Group(
    name="poroscale",
    help="From a CT scan to a pore table, and to new parts like it, at any size.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app = click.version_option(__version__, "--version", message="poroscale %(version)s")(app)
