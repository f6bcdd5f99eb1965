"""Which images of two sets are compared with each other: those of one setting of the conditions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from poroscale.micrographs.conditions import NONE, MicrographCondition, condition_word
from poroscale.micrographs.dataset import MicrographSet

DIGITS = 4
"""Decimals to which shares of a span are equal where values count as one."""
MOST_LISTED = 8
"""Values that are listed where images of several are left out."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ComparedSetting:
    """Images of one setting on both sides.

    Attributes
    ----------
    words
        The setting, as "temper T5, feed_rate 7.5".
    codes
        Mean code of each condition on the generated side.
    real, generated
        Numbers of the images.
    """

    words: str
    codes: tuple[float, ...]
    real: NDArray[np.int64]
    generated: NDArray[np.int64]


@dataclass(frozen=True)
class MatchedSettings:
    """How the images of two sets belong together.

    Attributes
    ----------
    settings
        Settings that both sides have.
    alone
        Settings in words that were generated alone.
    left_out
        Sentences on images that belong to no setting.
    """

    settings: tuple[ComparedSetting, ...]
    alone: tuple[str, ...]
    left_out: tuple[str, ...]


def compared_settings(
    conditions: Sequence[MicrographCondition], real: MicrographSet, generated: MicrographSet
) -> MatchedSettings:
    """Settings that both sides have, and those that were generated alone.

    Each value of a continuous condition that was generated is compared with real images of the same
    value. One that no real image has, but that lies in their range, is compared with real images of
    its third of that range; those of one third are one setting, beside the settings of the values
    that are found. A value beyond the range is compared with none, nor is a level that no real
    image has. Images without a scalar are left out, and so are real images of a level that the
    conditions do not know.

    Raises
    ------
    ValueError
        If a continuous condition has words.
    """
    sides = [
        [_Column.of(each, side.conditions[each.name]) for each in conditions]
        for side in (real, generated)
    ]
    known = np.stack([each.codes for each in sides[0]], axis=1)
    known[~np.isfinite(known).all(axis=1)] = np.nan
    lacking = np.any([each.lacking for each in sides[1]], axis=0)
    values, numbers = [], []
    for column, codes in zip(sides[1], known.T, strict=True):
        own, of_images = _compared_values(column, codes, np.flatnonzero(~lacking))
        values.append(own)
        numbers.append(of_images)
    found, alone = [], []
    keys = np.stack(numbers, axis=1)
    for key in dict.fromkeys(map(tuple, keys[~lacking].tolist())):
        setting = [own[number] for own, number in zip(values, key, strict=True)]
        of_real = np.flatnonzero(_all_within(known, setting))
        of_generated = np.flatnonzero((keys == key).all(axis=1))
        if len(of_real):
            pairs = zip(conditions, setting, strict=True)
            words = ", ".join(f"{each.name} {value.words}" for each, value in pairs)
            codes = tuple(each.code for each in setting)
            found.append(ComparedSetting(words, codes, of_real, of_generated))
        else:
            alone.append(_given_words(sides[1], of_generated))
    left_out = [*_left_out("Real", sides[0], levels=True), *_left_out("Generated", sides[1])]
    return MatchedSettings(tuple(found), tuple(alone), tuple(left_out))


@dataclass(frozen=True)
class _Column:
    """A condition of one side: codes (NaN where unknown), words, and where a scalar lacks."""

    condition: MicrographCondition
    codes: Floats
    words: tuple[str, ...]
    lacking: NDArray[np.bool_]

    @classmethod
    def of(cls, condition: MicrographCondition, values: NDArray[Any]) -> Self:
        codes = condition.known_codes(values).astype(np.float64)
        words = tuple(condition_word(value) for value in values)
        lacking = np.array([word == NONE for word in words]) & (condition.kind != "category")
        return cls(condition, codes, words, lacking)


@dataclass(frozen=True)
class _ComparedValue:
    """A value of the generated side, and between which rounded codes real ones are compared."""

    words: str
    code: float
    low: float
    high: float


def _given_words(columns: Sequence[_Column], images: NDArray[np.int64]) -> str:
    """The values that some images were asked for with, condition by condition."""
    given = [dict.fromkeys(each.words[k] for k in images) for each in columns]
    return ", ".join(
        f"{each.condition.name} {' or '.join(words)}"
        for each, words in zip(columns, given, strict=True)
    )


def _all_within(known: Floats, setting: Sequence[_ComparedValue]) -> NDArray[np.bool_]:
    rounded = known.round(DIGITS)
    inside = [
        (codes >= each.low) & (codes <= each.high)
        for codes, each in zip(rounded.T, setting, strict=True)
    ]
    return np.asarray(np.all(inside, axis=0))


def _compared_values(
    column: _Column, known: Floats, images: NDArray[np.int64]
) -> tuple[list[_ComparedValue], NDArray[np.int64]]:
    """Values of a condition that some images have, and which of them each has; -1 the others."""
    shares = np.unique(known[np.isfinite(known)])
    groups: dict[tuple[float, float, str], list[int]] = {}
    for k in images.tolist():
        groups.setdefault(_range_of(column, k, shares), []).append(k)
    found, of_images = [], np.full(len(column.words), -1, np.int64)
    for number, ((low, high, words), own) in enumerate(groups.items()):
        code = float(column.codes[own].mean())
        found.append(_ComparedValue(words or column.condition.in_words(code), code, low, high))
        of_images[own] = number
    return found, of_images


def _range_of(column: _Column, image: int, shares: Floats) -> tuple[float, float, str]:
    """Lowest and highest code of the real images that one is compared with, and words.

    There are no words where those of the code are meant.
    """
    condition, code = column.condition, column.codes[image]
    nothing = inf, -inf, column.words[image]
    if np.isnan(code):
        return nothing
    if condition.levels:
        return float(code), float(code), ""
    share, rounded = float(code.round(DIGITS)), shares.round(DIGITS)
    place = int(np.searchsorted(rounded, share))
    if place < len(shares) and rounded[place] == share:
        return share, share, ""
    if place in (0, len(shares)):
        return nothing
    edges = np.linspace(shares[0], shares[-1], 4)
    third = int(np.searchsorted(edges[1:3], share, side="right"))
    low, high = (float(each) for each in edges[third : third + 2])
    words = f"{condition.value(low):.4g} to {condition.value(high):.4g}"
    # Rounded codes may lie a little beyond the ends.
    return low if third else -inf, inf if third == 2 else float(np.nextafter(high, low)), words


def _left_out(side: str, columns: Sequence[_Column], *, levels: bool = False) -> Iterator[str]:
    """Sentences on images that lack a scalar, and on those of unknown `levels`."""
    for column in columns:
        name, lacking = column.condition.name, column.lacking
        if lacking.any():
            yield f"{side} images are left out ({lacking.sum()}) that have no {name}."
        unknown = np.flatnonzero(np.isnan(column.codes) & ~lacking)
        if levels and len(unknown):
            words = list(dict.fromkeys(column.words[k] for k in unknown))
            more = f" and {len(words) - MOST_LISTED} more" if len(words) > MOST_LISTED else ""
            yield (
                f"{side} images are left out ({len(unknown)}) whose {name} is not compared: "
                f"{', '.join(words[:MOST_LISTED])}{more}."
            )
