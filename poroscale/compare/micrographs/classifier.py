"""A plain reader of conditions: trained on real chips, tested on those that it has not seen.

A ridge regression from the persistence images, the areas and the mean brightness of a chip to its
conditions. If it reads the conditions of generated chips as well as those of real chips of other
specimens, generated images follow their conditions by what it looks at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poroscale.compare.micrographs.samples import ChipFeatures, Floats
from poroscale.micrographs.conditions import UNKNOWN, MicrographCondition

RIDGE = 1.0
"""Weight of the squared coefficients, of standardised features and one chip."""


@dataclass(frozen=True)
class ReadCondition:
    """How well a condition is read.

    Attributes
    ----------
    name, levels
        Name of the condition, and number of its levels; 0 of a scalar.
    real, generated
        Of levels: share of the chips that are read right. Of a scalar: root of the mean squared
        error, as a share of the span. Of real chips each unit is read by what it was not trained
        on.
    chance
        What the most frequent level, or the mean, would give of real chips.
    """

    name: str
    levels: int
    real: float
    generated: float
    chance: float


def read_conditions(
    conditions: Sequence[MicrographCondition],
    codes: Floats,
    real: Sequence[ChipFeatures],
    generated: Sequence[ChipFeatures],
) -> list[ReadCondition]:
    """How well each condition is read that differs between the settings.

    Parameters
    ----------
    conditions
        Those of the settings.
    codes
        (settings, conditions) codes.
    real, generated
        Chips of each setting, one at least.
    """
    found = []
    for condition, own in zip(conditions, codes.T, strict=True):
        known = [i for i, code in enumerate(own) if code != UNKNOWN or not condition.classes]
        if len(np.unique(own[known])) < 2:
            continue
        sides = [[side[i] for i in known] for side in (real, generated)]
        truth = [np.repeat(own[known], [len(each) for each in side]) for side in sides]
        folds = np.concatenate([_fold(each) for each in sides[0]])
        found.append(_read(condition, [_rows(side) for side in sides], truth, folds))
    return found


def _read(
    condition: MicrographCondition,
    rows: Sequence[Floats],
    truth: Sequence[Floats],
    folds: NDArray[np.int64],
) -> ReadCondition:
    targets = _targets(condition, truth[0])
    predicted = np.empty_like(targets)
    for fold in (0, 1):
        train, test = folds != fold, folds == fold
        predicted[test] = _ridge(rows[0][train], targets[train], rows[0][test])
    generated = _ridge(rows[0], targets, rows[1])
    score = _share_right if condition.classes else _error
    typical = np.broadcast_to(targets.mean(axis=0), targets.shape)
    return ReadCondition(
        condition.name,
        condition.classes,
        score(predicted, truth[0]),
        score(generated, truth[1]),
        score(typical, truth[0]),
    )


def _rows(side: Sequence[ChipFeatures]) -> Floats:
    """(n, 111) features of all chips of a side."""
    width = side[0].persistence.shape[1] + side[0].areas.shape[1] + 1
    rows, first = np.empty((sum(map(len, side)), width)), 0
    for each in side:
        own, first = rows[first : first + len(each)], first + len(each)
        holes = each.persistence.shape[1]
        np.sqrt(np.maximum(each.persistence, 0), out=own[:, :holes])
        own[:, holes:-1], own[:, -1] = each.areas, each.brightness
    return rows


def _fold(sample: ChipFeatures) -> NDArray[np.int64]:
    """Half of the units of a setting are 0, the others 1."""
    return np.asarray(sample.units % 2)


def _targets(condition: MicrographCondition, truth: Floats) -> Floats:
    if not condition.classes:
        return truth[:, None].astype(np.float64)
    return (truth[:, None] == np.arange(condition.classes)).astype(np.float64)


def _ridge(rows: Floats, targets: Floats, asked: Floats) -> Floats:
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    scale = np.where(spread > 1e-9 * max(1.0, float(spread.max())), spread, np.inf)
    x, middle = (rows - mean) / scale, targets.mean(axis=0)
    weights = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ (targets - middle))
    return np.asarray((asked - mean) / scale @ weights + middle)


def _share_right(found: Floats, truth: Floats) -> float:
    return float((found.argmax(axis=1) == truth.astype(np.int64)).mean())


def _error(found: Floats, truth: Floats) -> float:
    return float(np.sqrt(((found[:, 0] - truth) ** 2).mean()))
