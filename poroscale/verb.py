"""Declarations of verbs: the public name of a function, what can be set, and its plan.

A verb is one job that a user asks for, such as `segment`. Its function lies in the room of its
family and takes open volumes, one configuration and a `Run`. The declaration says how the public
face (`poroscale.face`) and the command line make that configuration from single settings.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel

from poroscale.config import parse_config

Function = TypeVar("Function", bound=Callable[..., Any])
Sections = Mapping[str, Mapping[str, Any]]
_DECLARED = "__verb__"


@dataclass(frozen=True)
class Section:
    """The fields of a configuration among the settings of a verb.

    Attributes
    ----------
    name
        Name of the section in a YAML file.
    models
        Configurations whose fields these are; more than one where a field chooses between them.
    renamed
        Setting by field, where another section has a field of the same name.
    chooses
        Fields that choose the model and belong to none, with the type and the default of each.
    """

    name: str
    models: tuple[type[BaseModel], ...]
    renamed: Mapping[str, str] = field(default_factory=dict)
    chooses: Mapping[str, tuple[Any, Any, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, *models: type[BaseModel], **renamed: str) -> Section:
        """The section `name` with all fields of the models; `renamed` gives setting by field."""
        return cls(name, models, renamed)

    def fields(self) -> dict[str, str]:
        """The field that each setting fills."""
        names = [*self.chooses, *(name for model in self.models for name in model.model_fields)]
        return {self.renamed.get(name, name): name for name in names}


@dataclass(frozen=True)
class Verb:
    """A verb as its family declares it.

    Attributes
    ----------
    name
        Public name, as in `poroscale.segment`.
    sections
        Settings of the section.
    volumes
        Parameters that take a volume, or several, given open, as a path or as an array.
    parse
        The configuration from sections of plain values; that of the only section by default.
    plan
        Name of the function that plans the verb, in the same module: it takes those arguments,
        configuration and run of the verb that it needs. "" where nothing passes over blocks.
    """

    name: str
    sections: tuple[Section, ...] = ()
    volumes: tuple[str, ...] = ()
    parse: Callable[[Sections], Any] | None = None
    plan: str = ""

    def settings(self) -> dict[str, tuple[str, str]]:
        """Section and field that each setting fills.

        Raises
        ------
        TypeError
            If two sections have a setting of one name.
        """
        found: dict[str, tuple[str, str]] = {}
        for section in self.sections:
            for setting, name in section.fields().items():
                if setting in found and found[setting][0] != section.name:
                    raise TypeError(f"verb {self.name}: two sections have the setting {setting!r}")
                found[setting] = (section.name, name)
        return found

    def configuration(self, sections: Sections) -> Any:
        """The configuration that sections of plain values describe.

        Raises
        ------
        ValueError
            Naming an unknown section or key, or a wrong value.
        """
        if self.parse is not None:
            return self.parse(sections)
        (section,) = self.sections
        values = dict(sections.get(section.name, {}))
        return parse_config(section.models[0], values, where=section.name)


def verb(
    name: str,
    *sections: Section,
    volumes: tuple[str, ...] = (),
    parse: Callable[[Sections], Any] | None = None,
    plan: str = "",
) -> Callable[[Function], Function]:
    """Declare a function as the verb `name`; see `Verb` for the parameters."""
    declared = Verb(name, sections, volumes, parse, plan)
    declared.settings()  # two settings of one name are seen when the module is imported

    def mark(function: Function) -> Function:
        setattr(function, _DECLARED, declared)
        return function

    return mark


def declared_verb(function: Callable[..., Any]) -> Verb | None:
    """The declaration of a function, if it is a verb."""
    return getattr(function, _DECLARED, None)


def plan_of(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """The function that plans a verb, if there is one."""
    declared = declared_verb(function)
    if declared is None or not declared.plan:
        return None
    found: Callable[..., Any] = getattr(sys.modules[function.__module__], declared.plan)
    return found


def described(subject: Any, heading: str) -> dict[str, str]:
    """The text on each name in one section of a docstring in numpydoc's form.

    Parameters
    ----------
    subject
        A function, or a class with its bases.
    heading
        "Attributes" or "Parameters".

    Returns
    -------
    dict
        Text by name, on one line; names that stand together share their text.
    """
    found: dict[str, str] = {}
    for one in reversed(inspect.getmro(subject)) if inspect.isclass(subject) else [subject]:
        found |= _section(inspect.cleandoc(one.__doc__ or ""), heading)
    return found


def _section(text: str, heading: str) -> dict[str, str]:
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", text, flags=re.MULTILINE)
    body = dict(zip(parts[1::2], parts[2::2], strict=True)).get(heading, "")
    found: dict[str, str] = {}
    names: list[str] = []
    for line in body.splitlines():
        if line and not line[0].isspace():
            names = [name.strip().lstrip("*") for name in line.partition(" : ")[0].split(",")]
        elif line.strip():
            for name in names:
                found[name] = f"{found.get(name, '')} {line.strip()}".strip()
    return found
