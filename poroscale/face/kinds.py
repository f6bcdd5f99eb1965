"""Kinds of settings: from the type of a field to plain data, and from text to a value."""

from __future__ import annotations

import types
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin


@dataclass(frozen=True)
class ValueKind:
    """Values that a setting may have.

    Attributes
    ----------
    flag
        True or false.
    choices
        Words or numbers that are allowed.
    number
        "integer" or "number" where any such value is allowed, "" where none is.
    text
        True if any text is allowed.
    items
        Number of values allowed together; -1 for any count, 0 for none.
    item_choices, item_number
        Values that each of these may have, as `choices` and `number`; text if neither is given.
    """

    flag: bool = False
    choices: tuple[str | int, ...] = ()
    number: str = ""
    text: bool = False
    items: int = 0
    item_choices: tuple[str | int, ...] = ()
    item_number: str = ""

    @classmethod
    def of(cls, annotation: Any) -> ValueKind | None:
        """The kind of a type, of what an option can state of it; None if that is nothing."""
        found: dict[str, Any] = {}
        for member in members(annotation):
            if member in (int, float):
                found["number"] = _NUMBERS[member]
            elif member in (str, Path):
                found["text"] = True
            elif member is bool:
                found["flag"] = True
            elif get_origin(member) is Literal:
                found["choices"] = (*found.get("choices", ()), *get_args(member))
            elif get_origin(member) in (tuple, list, Sequence) and get_args(member):
                found |= _items(get_args(member))
        return cls(**found) if found else None

    @classmethod
    def read(cls, plain: dict[str, Any]) -> ValueKind:
        """The kind that `plain` has written."""
        entries: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in plain.items()
        }
        return cls(**entries)

    def plain(self) -> dict[str, Any]:
        """The entries that differ from the default, as JSON."""
        return {key: value for key, value in asdict(self).items() if value}

    def value(self, text: str, name: str) -> Any:
        """The value that a text states.

        Raises
        ------
        ValueError
            If the setting `name` cannot be that.
        """
        several = self._several(text) if self.items else None
        if several is not None:
            return several
        named = {str(choice): choice for choice in self.choices}
        if text in named:
            return named[text]
        one = _number(text, self.number) if self.number else None
        if one is not None:
            return one
        if self.text:
            return text
        raise ValueError(f"`{name}` must be {self.in_words()}, got {text!r}")

    def _several(self, text: str) -> list[Any] | None:
        """The values with commas between, if all of them are allowed."""
        pieces = [piece for piece in text.replace(" ", ",").split(",") if piece]
        if self.items > 0 and len(pieces) != self.items:
            return None
        if self.item_choices:
            return pieces if pieces and set(pieces) <= {*map(str, self.item_choices)} else None
        if not self.item_number:
            return pieces
        numbers = [_number(piece, self.item_number) for piece in pieces]
        return None if None in numbers else numbers

    def in_words(self) -> str:
        """The values that are allowed, for a sentence."""
        said = [str(choice) for choice in self.choices]
        said += [_A[self.number]] if self.number else []
        if self.items:
            what = ", ".join(map(str, self.item_choices)) or f"{self.item_number or 'text'}"
            plural = f"of {what}" if self.item_choices else f"{what}s"
            count = "some" if self.items < 0 else str(self.items)
            said.append(f"{count} {plural} with commas between")
        return " or ".join([", ".join(said[:-1]), said[-1]] if said[:-1] else said)


_NUMBERS = {int: "integer", float: "number"}
_A = {"integer": "an integer", "number": "a number"}


def members(annotation: Any) -> list[Any]:
    """The types that a union is made of, None apart and without their constraints."""
    if get_origin(annotation) is Annotated:
        return members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [one for member in get_args(annotation) for one in members(member)]
    return [] if annotation in (None, type(None)) else [annotation]


def _items(inner: tuple[Any, ...]) -> dict[str, Any]:
    count = len(inner) if inner[-1] is not Ellipsis and len(inner) > 1 else -1
    kinds = members(inner[0])
    found: dict[str, Any] = {"items": count}
    for kind in kinds:
        if get_origin(kind) is Literal:
            found["item_choices"] = get_args(kind)
        elif kind in _NUMBERS:
            found["item_number"] = _NUMBERS[kind]
    return found


def _number(text: str, what: str) -> int | float | None:
    try:
        return int(text) if what == "integer" else float(text)
    except ValueError:
        return None
