"""From a trained network to phases: thresholds, and the fraction that a mean of the noise gives.

Both are found once, on a reference sample of the network, and belong to the model.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from poroscale.identity import kernel
from poroscale.microstructure.shares import Gradient, MaskedShare
from poroscale.microstructure.swnn import SwnnField
from poroscale.volume import Index, Shape

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
Table = tuple[tuple[float, ...], ...]


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
    """

    base: float
    means: tuple[float, ...]
    fractions: Table

    @classmethod
    def of_details(cls, details: dict[str, Any]) -> Self:
        """The curve in the details of a model."""
        stored = details["curve"]
        table = tuple(tuple(map(float, row)) for row in stored["fractions"])
        return cls(float(stored["base"]), tuple(map(float, stored["means"])), table)

    @property
    def details(self) -> dict[str, Any]:
        """The curve as JSON."""
        return {
            "base": self.base,
            "means": list(self.means),
            "fractions": [list(row) for row in self.fractions],
        }

    def monotone(self, phase: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Fractions and means, by ascending fraction, of the monotone stretch around `base`.

        A phase in the middle may first become more and then less as the mean rises.
        """
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
        found = np.array(values[first : last + 1]), np.array(self.means[first : last + 1])
        return found if rises else (found[0][::-1], found[1][::-1])

    def mean_for(self, phase: int, wanted: float) -> float:
        """The mean of the noise that gives a phase the wanted fraction.

        Raises
        ------
        ValueError
            If the network cannot reach it; the sentence has the range that it can.
        """
        shares, means = self.monotone(phase)
        if not shares[0] <= wanted <= shares[-1]:
            raise ValueError(
                f"`fraction` of phase {phase} must lie between {shares[0]:.3f} and "
                f"{shares[-1]:.3f} for this model, got {wanted:g}; fit a model for this fraction "
                f"with `fraction` {phase}={wanted:g}"
            )
        return float(np.interp(wanted, shares, means))

    def fractions_at(self, mean: float) -> tuple[float, ...]:
        """Fractions of all phases at a mean."""
        table = np.array(self.fractions)
        return tuple(float(np.interp(mean, self.means, column)) for column in table.T)


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
    sample, shape = _reference(field, edge)
    fields = [
        sample.but(mean=base, seed=REFERENCE_SEED - number)((0, 0, 0), shape)
        for number in range(SAMPLES)
    ]
    thresholds = fitted_thresholds(np.stack(fields), fractions)
    own = fitted_thresholds(fields[0], fractions)
    means = sorted({base + step * field.deviation for step in STEPS_OF_MEAN} | {*also})
    rows = [_shares(sample.but(mean=mean)((0, 0, 0), shape), own) for mean in means]
    return thresholds, FractionCurve(base, tuple(means), tuple(rows))


def balanced_mean(field: SwnnField, fractions: Sequence[float], *, edge: int = REFERENCE) -> float:
    """The mean of the noise, nearest to 0, at which levels midway between the phases part a field
    into the fractions of the images; 0 if there is none.

    Published weights do not say for which noise they were trained, and make other forms where the
    mean is not theirs.
    """
    sample, shape = _reference(field, edge)
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


def _reference(field: SwnnField, edge: int) -> tuple[SwnnField, Shape]:
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


@kernel("microstructure.CalibratedMean")
@dataclass(frozen=True)
class CalibratedMean:
    """Mean of the noise by place, from a fraction that varies (section 3.3, Fig. 12).

    Attributes
    ----------
    varying
        Sampler of the fraction.
    shares, means
        Fractions in ascending order, and the mean of the noise that gives each. Beyond their ends
        the mean is that of the end.
    extent
        Voxels of the volume along (z, y, x), which begins where `varying` is `at`. Beyond a face
        the fraction goes on as at the face, or, in a volume that is periodic, as at the opposite.
    periodic
        Whether the volume repeats.
    """

    varying: Gradient | MaskedShare
    shares: tuple[float, ...]
    means: tuple[float, ...]
    extent: Shape
    periodic: bool = False

    def __call__(self, origin: Index, shape: Shape) -> NDArray[np.float32]:
        """float32 means that broadcast to a box."""
        places = [
            first + self._inside(np.arange(o, o + n) - first, e)
            for o, n, e, first in zip(origin, shape, self.extent, self.varying.at, strict=True)
        ]
        seen = [np.unique(each) for each in places]
        share = np.empty([len(each) for each in seen], np.float32)
        for z, y, x in itertools.product(*map(_runs, seen)):
            first = (int(seen[0][z.start]), int(seen[1][y.start]), int(seen[2][x.start]))
            share[z, y, x] = self.varying(
                first, (z.stop - z.start, y.stop - y.start, x.stop - x.start)
            )
        at = np.ix_(*(np.searchsorted(each, p) for each, p in zip(seen, places, strict=True)))
        return np.interp(share, self.shares, self.means).astype(np.float32)[at]

    def _inside(self, places: NDArray[np.int64], extent: int) -> NDArray[np.int64]:
        return places % extent if self.periodic else np.clip(places, 0, extent - 1)

    def but(self, **changes: Any) -> Self:
        """This mean with some settings replaced."""
        return replace(self, **changes)

    @property
    def recipe(self) -> dict[str, Any]:
        """What it is, as JSON."""
        return {
            "varying": dict(self.varying.recipe),
            "shares": list(self.shares),
            "means": list(self.means),
            "extent": list(self.extent),
            "periodic": self.periodic,
        }


def _runs(values: NDArray[np.int64]) -> list[slice]:
    """Slices of ascending whole numbers in which each is one more than the last."""
    edges = [0, *(np.flatnonzero(np.diff(values) > 1) + 1).tolist(), len(values)]
    return [slice(a, b) for a, b in itertools.pairwise(edges)]
