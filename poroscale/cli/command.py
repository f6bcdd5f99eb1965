"""One command of the command line, made from the table of settings of its verb."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import click

from poroscale.cli.words import in_flags
from poroscale.face.kinds import ValueKind
from poroscale.face.table import run_settings, settings_of, table

Values = dict[str, Any]
_FILE = "YAML file with the section{s} {names}; options take precedence."
_METAVARS = {
    "memory": "SIZE",
    "memory_per_worker": "SIZE",
    "block": "Z Y X",
    "shape": "Z Y X",
    "box": "Z0,Z1,Y0,Y1,X0,X1",
}
_NONE = re.compile(r"(^|\. |; |, )None (?=[a-z]+s )")
_DRY = "Print what the verb will take of memory and disk, and stop."


@dataclass(frozen=True)
class Argument:
    """A word that stands without a flag.

    Attributes
    ----------
    name
        Parameter of the verb.
    metavar
        Placeholder in help; by default the name in capitals.
    help
        One phrase.
    commas
        Several values with commas between, given to the verb as a list.
    default
        Value where the word is left out; ... where it must be given.
    """

    name: str
    metavar: str = ""
    help: str = ""
    commas: bool = False
    default: Any = ...


@dataclass(frozen=True)
class Words:
    """All words that stand without a flag, where their number is free: sources, then an output.

    Attributes
    ----------
    names
        Parameters of the verb: that of all words but the last, and that of the last.
    metavar
        Placeholder in help.
    help
        One phrase.
    """

    names: tuple[str, str]
    metavar: str
    help: str = ""


@dataclass(frozen=True)
class Command:
    """A command: its verb, its words, and what it tells.

    Attributes
    ----------
    words
        As typed: "segment", or "fit part".
    tell
        Lines for the result of the verb, and the values of the command.
    arguments
        Words without a flag, in their order.
    section
        Heading of the help under which the command stands.
    verb
        Public name of the verb; by default the words with underscores.
    flags
        Flag by setting, where it is not the setting's name.
    metavars
        Placeholder by setting; words between spaces are typed as so many words.
    hidden
        Settings that the command leaves to the configuration file.
    repeated
        Settings in words with commas between, whose flag may be given several times instead.
    prepare
        The keywords of the verb from the values of the command.
    """

    words: str
    tell: Callable[[Any, Values], Iterable[str]]
    arguments: tuple[Argument | Words, ...] = ()
    section: str = "Scans"
    verb: str = ""
    flags: Mapping[str, str] = field(default_factory=dict)
    metavars: Mapping[str, str] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    prepare: Callable[[Values], Values] = dict

    @property
    def name(self) -> str:
        """Public name of the verb."""
        return self.verb or self.words.replace(" ", "_")

    @property
    def entry(self) -> dict[str, Any]:
        """Entry of the verb in the table."""
        found: dict[str, Any] = table()["verbs"][self.name]
        return found

    def flag(self, setting: str) -> str:
        """The flag of a setting."""
        return self.flags.get(setting, f"--{setting.replace('_', '-')}")

    def click_command(self) -> click.Command:
        """The command for click."""
        return click.Command(
            self.words.split()[-1],
            params=self._params(),
            callback=self._run,
            help=self._help(),
            short_help=self.entry["summary"],
            no_args_is_help=any(getattr(one, "default", None) is ... for one in self.arguments),
        )

    def _help(self) -> str:
        described = [one for one in self.arguments if one.help]
        lines = "\n".join(f"  {_metavar(one)}: {one.help}" for one in described)
        return self.entry["summary"] + (f"\n\n\b\n{lines}" if lines else "")

    def _params(self) -> list[click.Parameter]:
        made: list[click.Parameter] = [_argument(one) for one in self.arguments]
        made += [
            self._option(name, entry)
            for name, entry in settings_of(self.name).items()
            if name not in self.hidden and name not in _named(self.arguments)
        ]
        names = self.entry["sections"]
        if names:
            text = _FILE.format(s="s" if len(names) > 1 else "", names=", ".join(names))
            made.append(click.Option(["--config", "config"], metavar="FILE", help=text))
        if self.entry["run"]:
            made += [
                self._option(name, entry)
                for name, entry in run_settings().items()
                if name not in self.hidden
            ]
        if self.entry["plan"]:
            made.append(click.Option(["--dry-run", "dry_run"], is_flag=True, help=_DRY))
        return made

    def _option(self, name: str, entry: Mapping[str, Any]) -> click.Option:
        kind, flag = ValueKind.read(entry["kind"]), self.flag(name)
        text = in_flags(_described(entry), self._flags()).replace("``", "")
        if kind.flag:
            names = [f"{flag}/--no-{flag.removeprefix('--')}", name]
            return click.Option(names, default=None, help=text)
        metavar = {**_METAVARS, **self.metavars}.get(name) or _placeholder(kind)
        several = len(metavar.split())
        given: dict[str, Any] = {"nargs": several, "metavar": metavar, "help": text}
        given["multiple"] = name in self.repeated
        return click.Option([flag, name], type=_Word(kind, name, several > 1), **given)

    def _run(self, **values: Any) -> None:
        given = {name: value for name, value in values.items() if value is not None}
        for name in self.repeated:
            pieces = given.pop(name, ())
            given |= {name: ",".join(pieces)} if pieces else {}
        try:
            self._call(given)
        except Exception as error:
            error.flags = self._flags()  # type: ignore[attr-defined]
            raise

    def _call(self, given: Values) -> None:
        from poroscale.face.calling import plan, public

        dry = given.pop("dry_run", False)
        called = self.prepare(_spread(self.arguments, given))
        if dry:
            click.echo(str(plan(self.name, **called)))
            return
        for line in self.tell(public(self.name)(**called), called):
            click.echo(in_flags(line, self._flags()))

    def _flags(self) -> dict[str, str]:
        """Flag by setting, of all that this command takes."""
        named = [*settings_of(self.name), *(run_settings() if self.entry["run"] else ())]
        shown = [name for name in named if name not in self.hidden]
        words = _named(self.arguments)
        return {name: self.flag(name) for name in [*shown, "config"] if name not in words}


class _Word(click.ParamType[Any]):
    """The text of an option, turned into what its setting may be."""

    name = "value"

    def __init__(self, kind: ValueKind, setting: str, pieces: bool) -> None:
        self._kind, self._setting, self._pieces = kind, setting, pieces

    def convert(self, value: Any, _param: Any, _context: Any) -> Any:
        if not isinstance(value, str):
            return value
        kind = ValueKind(number=self._kind.item_number) if self._pieces else self._kind
        try:
            return kind.value(value, self._setting)
        except ValueError as error:
            self.fail(str(error).removeprefix(f"`{self._setting}` "))


def _argument(one: Argument | Words) -> click.Argument:
    if isinstance(one, Words):
        return click.Argument(["words"], nargs=-1, metavar=one.metavar)
    given: dict[str, Any] = {"metavar": _metavar(one), "type": str}
    if one.default is ...:
        return click.Argument([one.name], required=True, **given)
    return click.Argument([one.name], required=False, default=one.default, **given)


def _metavar(one: Argument | Words) -> str:
    return one.metavar or (one.name.upper() if isinstance(one, Argument) else "")


def _named(arguments: tuple[Argument | Words, ...]) -> set[str]:
    """Parameters of the verb that stand without a flag."""
    found: set[str] = set()
    for one in arguments:
        found |= {one.name} if isinstance(one, Argument) else set(one.names)
    return found


def _spread(arguments: tuple[Argument | Words, ...], given: Values) -> Values:
    """The values with lists where commas stood, and with the words under their names."""
    found = dict(given)
    for one in arguments:
        if isinstance(one, Words):
            words = list(found.pop("words", ()))
            if len(words) == 1:
                raise ValueError(f"{one.metavar} must both be given, got {words[0]!r} alone")
            if words:
                found |= {one.names[0]: words[:-1], one.names[1]: words[-1]}
        elif one.commas and one.name in found:
            found[one.name] = found[one.name].split(",")
    return found


def _described(entry: Mapping[str, Any]) -> str:
    """The text of a setting, with its default where there is one."""
    text, default = _NONE.sub(_by_default, entry["help"]), entry["default"]
    if default is None or default is False or default == []:
        return text
    if isinstance(default, list):
        shown = ",".join(f"{one:g}" if isinstance(one, float) else str(one) for one in default)
    else:
        shown = f"{default:g}" if isinstance(default, float) else str(default)
    return f"{text}  [{'yes' if default is True else shown}]"


def _by_default(found: re.Match[str]) -> str:
    """Words for None, which nobody types: an option that is left out."""
    return f"{found[1]}{'B' if found[1] in ('', '. ') else 'b'}y default it "


def _placeholder(kind: ValueKind) -> str:
    if kind.choices and not (kind.text or kind.items or kind.number):
        return "|".join(map(str, kind.choices))
    if kind.items:
        words = [str(choice) for choice in kind.choices]
        return "|".join([*words, "A,B,..."])
    return {"integer": "N", "number": "X"}.get(kind.number, "TEXT")
