"""Conditions of micrographs: from the columns of a table to what a network is told.

A category becomes the number of its level. A scalar either becomes the number of its third, "low",
"mid" or "hi", as published, or stays a number from 0 to 1, in proportion to the value or to its
logarithm, as of times of annealing. The thirds are those of the range of the
observed values, not of their ranks: Table 1 of the paper counts 9, 8 and 15 experiments in them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

log = logging.getLogger("poroscale.micrographs")

ConditionKind = Literal["category", "thirds", "continuous", "logarithmic"]
KINDS: tuple[ConditionKind, ...] = ("category", "thirds", "continuous", "logarithmic")
THIRDS = ("low", "mid", "hi")
NONE = "none"
"""What stands for a category that a specimen does not have, such as the temper of one that was not
tempered."""
UNKNOWN = -1.0
"""Code of that."""
Column = NDArray[Any]
Codes = NDArray[np.float32]


@dataclass(frozen=True)
class MicrographCondition:
    """A condition, as a model was trained with it.

    Attributes
    ----------
    name
        Column of the table.
    kind
        "category", "thirds", "continuous", or "logarithmic": continuous in the logarithm.
    levels
        Names of the categories or thirds; none of a continuous condition.
    span
        Lowest and highest value of the training; (0, 0) of a category.
    open_ended
        Whether specimens without this category were trained on.
    """

    name: str
    kind: ConditionKind
    levels: tuple[str, ...] = ()
    span: tuple[float, float] = (0.0, 0.0)
    open_ended: bool = False

    @classmethod
    def fitted(cls, name: str, kind: ConditionKind, values: Column) -> Self:
        """The condition that the values of a column, one for each image, describe.

        Raises
        ------
        ValueError
            If a scalar is no number, or all images have one value.
        """
        if kind == "category":
            given = [condition_word(value) for value in values]
            levels = tuple(sorted(set(given) - {NONE}))
            if len(levels) < 2 and not (levels and NONE in given):
                raise ValueError(
                    f"condition `{name}` must have two values at least, got "
                    f"{', '.join(levels) or NONE}"
                )
            return cls(name, kind, levels, open_ended=NONE in given)
        if values.dtype.kind not in "iuf":
            raise ValueError(
                f"condition `{name}` must be numbers to be {kind}, got {first_word(values)!r}; "
                "call it a category"
            )
        known = values[np.isfinite(values)]
        if not len(known) or known.min() == known.max():
            got = f"{known[0]:g} alone" if len(known) else NONE
            raise ValueError(f"condition `{name}` must have two values at least, got {got}")
        span = (float(known.min()), float(known.max()))
        if kind == "logarithmic" and span[0] <= 0:
            raise ValueError(f"condition `{name}` must be positive to be {kind}, got {span[0]:g}")
        return cls(name, kind, THIRDS if kind == "thirds" else (), span)

    @classmethod
    def stated(cls, stored: Mapping[str, Any]) -> Self:
        """The condition that a card states."""
        low, high = stored["span"]
        return cls(
            stored["name"],
            stored["kind"],
            tuple(stored["levels"]),
            (low, high),
            stored["open_ended"],
        )

    @property
    def stored(self) -> dict[str, Any]:
        """The condition as JSON."""
        return {**self.__dict__, "levels": list(self.levels), "span": list(self.span)}

    @property
    def classes(self) -> int:
        """Number of levels; 0 of a continuous condition."""
        return len(self.levels)

    def codes(self, values: Column) -> Codes:
        """float32 codes of a column: the number of a level, a share of the span, or missing ones.

        A category that is missing is `UNKNOWN`, a missing scalar NaN.

        Raises
        ------
        ValueError
            If a category is none of the levels.
        """
        named = self.kind == "thirds" and np.asarray(values).dtype.kind not in "iuf"
        if self.kind == "category" or named:
            return np.array([self._level(condition_word(value)) for value in values], np.float32)
        share = self._share(np.asarray(values, np.float64))
        if not self.levels:
            return share.astype(np.float32)
        third = np.clip(np.floor(3 * np.nan_to_num(share)), 0, 2)
        return np.where(np.isnan(share), np.nan, third).astype(np.float32)

    def code(self, value: Any) -> float:
        """The code of one value that is asked for, as a number or in words.

        That of a continuous condition has the digits of the value. A scalar beyond the training is
        logged as a warning with its range.

        Raises
        ------
        ValueError
            If the model does not know the value; the known ones are listed.
        """
        text = condition_word(value)
        if self.kind == "category" or text in self.levels:
            return self._level(text)
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not isfinite(number) or (self.kind == "logarithmic" and number <= 0):
            raise ValueError(f"condition `{self.name}` must be {self.known}, got {text!r}")
        low, high = self.span
        if not low <= number <= high:
            log.warning(
                "condition %s: %g lies outside the range that the model was trained on, %g to %g",
                self.name,
                number,
                low,
                high,
            )
        if not self.levels:
            return float(self._share(np.array([number]))[0])
        return float(self.codes(np.array([number]))[0])

    def known_codes(self, values: Column) -> Codes:
        """As `codes`, but NaN where the model does not know a value.

        That is a category that is none of the levels, or a number beyond the span of thirds.

        Raises
        ------
        ValueError
            If a continuous condition has words.
        """
        values = np.asarray(values)
        if values.dtype.kind in "iuf" and self.kind != "category":
            share = self._share(values.astype(np.float64))
            beyond = (share < 0) | (share > 1)
            return np.where(beyond & bool(self.levels), np.nan, self.codes(values))
        if not self.levels:
            raise ValueError(f"condition `{self.name}` must be numbers, got {first_word(values)!r}")
        return np.array([self._place(condition_word(value)) for value in values], np.float32)

    def _level(self, text: str) -> float:
        place = self._place(text)
        if isnan(place):
            raise ValueError(f"condition `{self.name}` must be {self.known}, got {text!r}")
        return place

    def _place(self, text: str) -> float:
        """Number of a level; NaN of none."""
        if text == NONE and self.open_ended:
            return UNKNOWN
        if text not in self.levels:
            text = _same_number(text, self.levels)
        return float(self.levels.index(text)) if text in self.levels else float("nan")

    def value(self, code: float) -> float:
        """The value of a continuous condition that a code stands for."""
        low, high = self._on_scale(np.array(self.span))
        found = float(low + code * (high - low))
        return _short(10**found if self.kind == "logarithmic" else found)

    def _share(self, values: Column) -> Column:
        """Shares of the span, of values or of their logarithms."""
        low, high = self._on_scale(np.array(self.span))
        return np.asarray((self._on_scale(values) - low) / (high - low))

    def _on_scale(self, values: Column) -> Column:
        """Values, or their logarithms; NaN where there is none."""
        if self.kind != "logarithmic":
            return values
        positive = np.where(values > 0, values, np.nan)
        return np.asarray(np.log10(positive))

    @property
    def known(self) -> str:
        """What may be asked for, in words."""
        numbers = f"a number from {self.span[0]:g} to {self.span[1]:g}"
        if not self.levels:
            return numbers
        listed = [*self.levels, *([NONE] if self.open_ended else [])]
        words = f"one of {', '.join(listed)}"
        return f"{words}, or {numbers}" if self.kind == "thirds" else words

    def in_words(self, code: float) -> str:
        """What a code stands for."""
        if not self.levels:
            return f"{self.value(code):g}"
        return NONE if code == UNKNOWN else self.levels[int(code)]


def fitted_conditions(
    kinds: Mapping[str, ConditionKind], table: Mapping[str, Column]
) -> tuple[tuple[MicrographCondition, ...], NDArray[np.bool_]]:
    """Conditions of a table, and which of its images have all scalars among them.

    Parameters
    ----------
    kinds
        Kind by name of the condition.
    table
        Columns by name, one value for each image.

    Raises
    ------
    ValueError
        If the table lacks a column, a name cannot be asked for, or a condition does not vary.
    """
    if not kinds:
        raise ValueError("`conditions` must name one condition at least, got none")
    for name in kinds:
        if set(name) & set(",="):
            raise ValueError(
                f"condition `{name}` must have a name without comma and equals sign, because it is "
                "asked for as NAME=VALUE; rename the column"
            )
        if name not in table:
            raise ValueError(
                f"condition `{name}` must be a column of the table, which has {', '.join(table)}"
            )
    whole = np.ones(len(table[next(iter(kinds))]), bool)
    for name, kind in kinds.items():
        if kind != "category" and table[name].dtype.kind in "iuf":
            whole &= np.isfinite(table[name])
    found = tuple(
        MicrographCondition.fitted(name, kind, table[name][whole]) for name, kind in kinds.items()
    )
    return found, whole


def codes_of(conditions: Sequence[MicrographCondition], table: Mapping[str, Column]) -> Codes:
    """float32 (images, conditions) codes of a table."""
    return np.stack([each.codes(table[each.name]) for each in conditions], axis=1)


def settings_of_codes(conditions: Sequence[MicrographCondition], codes: Codes) -> NDArray[np.int64]:
    """Number of the setting of each row of codes: images of one number count as alike.

    A continuous condition counts by thirds there; specimens without a category are a level of
    their own.
    """
    found = np.zeros(len(codes), np.int64)
    for condition, column in zip(conditions, codes.T, strict=True):
        if not condition.levels:
            level, many = np.clip(np.floor(3 * column), 0, 2), 3
        else:
            level, many = column + 1, condition.classes + 1
        found = found * many + level.astype(np.int64)
    return found


def asked_conditions(
    conditions: Sequence[MicrographCondition], wishes: Mapping[str, Sequence[Any]]
) -> list[tuple[float, ...]]:
    """Codes of all combinations of the values that are asked for.

    Parameters
    ----------
    conditions
        Those of the model.
    wishes
        Values by name; each condition of the model has one at least.

    Raises
    ------
    ValueError
        If a condition is not one of the model, has no value, or has one that the model does not
        know.
    """
    from itertools import product

    names = [each.name for each in conditions]
    for name in wishes:
        if name not in names:
            raise ValueError(
                f"`condition` must be one of the model, {', '.join(names)}, got {name!r}"
            )
    for each in conditions:
        if not wishes.get(each.name):
            raise ValueError(f"`condition` must state {each.name}: {each.known}")
    return list(product(*([each.code(v) for v in wishes[each.name]] for each in conditions)))


def conditions_in_words(given: str) -> dict[str, list[str]]:
    """Values by name from "temper=T5,temper=T6,feed_rate=7.5".

    What has no sign belongs to the value before it: words may have commas.

    Raises
    ------
    ValueError
        If a piece is not NAME=VALUE.
    """
    found: dict[str, list[str]] = {}
    pieces: list[str] = []
    for each in filter(str.strip, given.split(",")):
        if pieces and "=" not in each:
            pieces[-1] += f",{each}"
        else:
            pieces.append(each)
    for piece in (each.strip() for each in pieces):
        name, sign, value = piece.partition("=")
        if not (sign and name.strip() and value.strip()):
            raise ValueError(f"`condition` must be NAME=VALUE, got {piece!r}")
        found.setdefault(name.strip(), []).append(value.strip())
    return found


def condition_word(value: Any) -> str:
    """A value of a table, or of Python, as the name of a category."""
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return NONE
    if isinstance(value, float | np.floating):
        return f"{float(value):.15g}"
    return str(value).strip() or NONE


def _same_number(text: str, levels: Sequence[str]) -> str:
    """The level that is the same number in other digits, as 5 of 5.0; the text if there is none."""
    try:
        word = condition_word(float(text))
    except ValueError:
        return text
    return word if word in levels else text


def _short(value: float) -> float:
    """A value without the digits that a computation left."""
    return float(f"{value:.12g}")


def first_word(values: Column) -> str:
    """The first value of a column of text that is no finite number."""
    for value in values:
        try:
            known = not str(value) or isfinite(float(value)) or str(value).lower() == "nan"
        except ValueError:
            known = False
        if not known:
            return str(value)
    return str(values[0])
