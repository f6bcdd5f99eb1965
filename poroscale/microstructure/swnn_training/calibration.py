"""From a trained network to phases: thresholds, and the fraction that a mean of the noise gives.

Both are found once, on a reference sample of the network, and belong to the model.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from poroscale.microstructure.shares import LEAST, MOST, with_fraction
from poroscale.microstructure.swnn import SwnnField
from poroscale.microstructure.swnn_training.course import ShareCourse, Table
from poroscale.volume import Shape

REFERENCE = 96
"""Edge of the reference sample [voxels]."""
SAMPLES = 8
"""Samples to which the thresholds are fitted: one alone misses a fraction by 0.01."""
REFERENCE_SEED = -1
"""Seed of the noise of the first; each further one has a seed less."""
OFFSETS = (0.01, 0.02, 0.04, 0.07, 0.12, 0.2, 0.3, 0.5, 0.8, 1.2)
"""Means that are tried on both sides of the base, in deviations of the noise; close together near
the base, because a network that was trained for one fraction alone answers steeply."""
STEPS_OF_MEAN = (*(-offset for offset in reversed(OFFSETS)), 0.0, *OFFSETS)
WIDEST = 0.06
"""Between two means no fraction changes by more: means between them are tried until that is so."""
MOST_MEANS = 60
"""Means at most. The steep stretch of two phases takes some twenty more than those above."""


@dataclass(frozen=True)
class FractionCurve:
    """Fractions of all phases by the mean of the noise.

    Attributes
    ----------
    base
        Mean at which the fractions are those of the images.
    means
        Ascending means of the noise; `base` is one of them.
    fractions
        At each of them, the fractions of all phases.
    thresholds
        By phase, at each mean: the thresholds at which this phase has its fraction and the others
        keep the proportions that they have at `base`. Empty where one list serves all means, as
        with two phases.
    """

    base: float
    means: tuple[float, ...]
    fractions: Table
    thresholds: tuple[Table, ...] = ()

    @classmethod
    def of_details(cls, details: Mapping[str, Any]) -> Self:
        """The curve in the details of a model."""
        stored = details["curve"]
        levels = tuple(_table(each) for each in stored.get("thresholds", ()))
        means = tuple(map(float, stored["means"]))
        return cls(float(stored["base"]), means, _table(stored["fractions"]), levels)

    @property
    def details(self) -> dict[str, Any]:
        """The curve as JSON."""
        return {
            "base": self.base,
            "means": list(self.means),
            "fractions": [list(row) for row in self.fractions],
            "thresholds": [[list(row) for row in each] for each in self.thresholds],
        }

    def course(self, phase: int, thresholds: Sequence[float]) -> ShareCourse:
        """What the network is given for each fraction of a phase.

        It is that of the monotone stretch around `base`, because a phase in the middle may first
        become more and then less as the mean rises.

        Parameters
        ----------
        phase
            The phase.
        thresholds
            Those at `base`.
        """
        rows = self._stretch(phase)
        shares = tuple(self.fractions[row][phase] for row in rows)
        means = tuple(self.means[row] for row in rows)
        levels = self.thresholds[phase] if self.thresholds else None
        found = [levels[row] if levels else tuple(thresholds) for row in rows]
        return ShareCourse(phase, shares, means, tuple(found))

    def _stretch(self, phase: int) -> list[int]:
        """Rows of the monotone stretch around `base`, by ascending fraction."""
        values = [row[phase] for row in self.fractions]
        at = self.means.index(self.base)
        sides = [k for k in (at - 1, at) if 0 <= k < len(values) - 1]
        rises = sum(values[k + 1] - values[k] for k in sides) > 0
        sign = 1.0 if rises else -1.0
        first = last = at
        while first > 0 and sign * (values[first] - values[first - 1]) > 0:
            first -= 1
        while last < len(values) - 1 and sign * (values[last + 1] - values[last]) > 0:
            last += 1
        rows = list(range(first, last + 1))
        return rows if rises else rows[::-1]

    @property
    def between(self) -> list[float]:
        """Means midway of two neighbours, where a fraction that can be wished for leaps."""
        leaps = set()
        for phase in range(len(self.fractions[0])):
            for a, b in itertools.pairwise(sorted(self._stretch(phase))):
                if abs(self.fractions[b][phase] - self.fractions[a][phase]) > WIDEST:
                    leaps.add(0.5 * (self.means[a] + self.means[b]))
        return sorted(leaps)

    def fractions_at(self, mean: float) -> tuple[float, ...]:
        """Fractions of all phases at a mean."""
        table = np.array(self.fractions)
        return tuple(float(np.interp(mean, self.means, column)) for column in table.T)


def _table(rows: Sequence[Sequence[float]]) -> Table:
    return tuple(tuple(map(float, row)) for row in rows)


def fitted_thresholds(field: NDArray[np.float32], fractions: Sequence[float]) -> tuple[float, ...]:
    """Ascending thresholds at which a field has these fractions of the phases 0 to n - 1.

    Raises
    ------
    ValueError
        If the field has too few values, as that of a network that is hardly trained.
    """
    levels = np.cumsum(fractions)[:-1]
    found = tuple(float(value) for value in np.quantile(field, levels).astype(np.float32))
    if not all(a < b for a, b in itertools.pairwise(found)) or field.std() == 0:
        raise ValueError(
            "the network gives one value nearly everywhere, so that no threshold parts the phases; "
            "train it for more iterations, or use weights of this material"
        )
    return found


def calibrated_swnn(
    field: SwnnField,
    fractions: Sequence[float],
    *,
    base: float,
    also: Sequence[float] = (),
    edge: int = REFERENCE,
) -> tuple[tuple[float, ...], FractionCurve]:
    """Thresholds and curve of a network.

    The curve is that of one sample, whose noise is the same for all means. So its thresholds are
    fitted to it alone, and the curve tells what a change of the mean changes.

    Parameters
    ----------
    field
        The network with the deviation of its noise.
    fractions
        Of the phases 0 to n - 1 in the images.
    base
        Mean of the noise that is to give them.
    also
        Other means that the curve has to show.
    edge
        Of the reference sample [voxels].
    """
    sample, shape = calibration_sample(field, edge)
    fields = [
        sample.but(mean=base, seed=REFERENCE_SEED - number)((0, 0, 0), shape)
        for number in range(SAMPLES)
    ]
    thresholds = fitted_thresholds(np.stack(fields), fractions)
    own = fitted_thresholds(fields[0], fractions)
    below = [float((fields[0] < threshold).mean()) for threshold in thresholds]
    missed = _scores(below) - _scores(np.cumsum(fractions)[:-1])
    means = sorted({base + step * field.deviation for step in STEPS_OF_MEAN} | {*also})
    rows: dict[float, tuple[float, ...]] = {}
    levels: dict[float, list[NDArray[np.float64]]] = {}
    while means and len(rows) < MOST_MEANS:
        for mean in means[: MOST_MEANS - len(rows)]:
            seen = sample.but(mean=mean)((0, 0, 0), shape)
            rows[mean] = _shares(seen, own)
            levels[mean] = [
                _proportional(seen, fractions, missed, *each) for each in enumerate(rows[mean])
            ]
        tried = sorted(rows)
        curve = FractionCurve(base, tuple(tried), tuple(rows[mean] for mean in tried))
        means = curve.between
    by_phase: list[Table] = []
    if len(fractions) > 2:
        found = np.array([levels[mean] for mean in tried])
        moved = np.maximum.accumulate(found, axis=2)
        by_phase = [_table(each) for each in moved.swapaxes(0, 1).tolist()]
    return thresholds, replace(curve, thresholds=tuple(by_phase))


def _proportional(
    field: NDArray[np.float32],
    fractions: Sequence[float],
    missed: NDArray[np.float64],
    phase: int,
    share: float,
) -> NDArray[np.float64]:
    """Thresholds at which one phase has a share of a medium, and the others their proportions.

    The field is one sample of the medium. What it misses of the fractions at the base, as standard
    scores of the shares below each threshold, it is taken to miss at all means. Shares close to 0
    and 1, where a threshold lies among values that are nearly the same, then change but little.
    """
    wanted = with_fraction(fractions, phase, min(max(share, LEAST), MOST))
    levels = ndtr(_scores(np.cumsum(wanted)[:-1]) + missed)
    return np.asarray(np.quantile(field, levels), np.float64)


def _scores(shares: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard scores of shares."""
    return np.asarray(ndtri(np.clip(shares, LEAST / 10, 1 - LEAST / 10)), np.float64)


def balanced_mean(field: SwnnField, fractions: Sequence[float], *, edge: int = REFERENCE) -> float:
    """The mean of the noise, nearest to 0, at which levels midway between the phases part a field
    into the fractions of the images; 0 if there is none.

    Published weights do not say for which noise they were trained, and make other forms where the
    mean is not theirs.
    """
    sample, shape = calibration_sample(field, edge)
    gaps = len(fractions) - 1
    levels = tuple((2 * k + 1) / gaps - 1 for k in range(gaps))
    codes = np.arange(gaps + 1)
    means = np.array(STEPS_OF_MEAN) * field.deviation
    over = np.array(
        [codes @ _shares(sample.but(mean=float(mean))((0, 0, 0), shape), levels) for mean in means]
    ) - codes @ np.array(fractions)
    crossings = np.flatnonzero(over[:-1] * over[1:] < 0)
    if not len(crossings):
        return 0.0
    found = (
        means[crossings] - over[crossings] * np.diff(means)[crossings] / np.diff(over)[crossings]
    )
    return float(found[np.abs(found).argmin()])


def calibration_sample(field: SwnnField, edge: int) -> tuple[SwnnField, Shape]:
    """The sampler of the reference sample, and its shape; sheets of a network for images."""
    flat = field.network.dimensions == 2
    tile = (1 if flat else edge, edge, edge)
    sample = field.but(tile=tile, seed=REFERENCE_SEED, period=(None, None, None))
    return sample, (edge // 8 if flat else edge, edge, edge)


def _shares(field: NDArray[np.float32], thresholds: tuple[float, ...]) -> tuple[float, ...]:
    codes = np.zeros(field.shape, np.uint8)
    for threshold in thresholds:
        codes += field >= np.float32(threshold)
    counts = np.bincount(codes.ravel(), minlength=len(thresholds) + 1)
    return tuple(float(count / field.size) for count in counts)
