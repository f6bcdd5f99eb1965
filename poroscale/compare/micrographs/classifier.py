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

from poroscale.compare.micrographs.samples import Floats, MicrographSample
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
    codes: Sequence[tuple[float, ...]],
    real: Sequence[MicrographSample],
    generated: Sequence[MicrographSample],
) -> list[ReadCondition]:
    """How well each condition is read that differs between the settings.

    Parameters
    ----------
    conditions
        Those of the settings.
    codes
        Codes of each setting.
    real, generated
        Chips of each setting.
    """
    sides = [np.concatenate([_features(each) for each in side]) for side in (real, generated)]
    folds = np.concatenate([_fold(each) for each in real])
    found = []
    for k, condition in enumerate(conditions):
        wanted = [
            np.concatenate(
                [np.full(len(one), code[k]) for one, code in zip(side, codes, strict=True)]
            )
            for side in (real, generated)
        ]
        known = [
            each != UNKNOWN if condition.classes else np.ones(len(each), bool) for each in wanted
        ]
        if len(np.unique(wanted[0][known[0]])) < 2 or not known[1].any():
            continue
        rows = [side[each] for side, each in zip(sides, known, strict=True)]
        truth = [one[each] for one, each in zip(wanted, known, strict=True)]
        found.append(_read(condition, rows, truth, folds[known[0]]))
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


def _features(sample: MicrographSample) -> Floats:
    grey = sample.chips.astype(np.float32).mean(axis=(1, 2))[:, None]
    return np.hstack([np.sqrt(np.maximum(sample.persistence, 0)), sample.areas, grey])


def _fold(sample: MicrographSample) -> NDArray[np.int64]:
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
