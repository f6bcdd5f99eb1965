"""Two-point correlations of phases: S2 by distance vector, along axes and by distance.

S2 of the phases p and q at the vector d is the probability that a point and the point at d from it
lie in p and in q, if both lie in the part (Torquato, Random Heterogeneous Materials, 2002). The
merge rule: a block counts the pairs whose first voxel it owns, with a halo of the largest lag.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from poroscale.statistics.phases import PhaseMap
from poroscale.volume import Index, Shape, VoxelSize

Floats = NDArray[np.float64]
Pair = tuple[int, int]


@dataclass(frozen=True)
class Correlations:
    """Pairs of voxels by distance vector.

    Attributes
    ----------
    phases
        Phase values, in the order of the codes.
    pairs
        float64 by the codes of two phases, the lower first: pairs at the vectors (z, y, x) with
        z = 0 ... reach_z, y = -reach_y ... reach_y, x = -reach_x ... reach_x voxels. Of two
        different phases, the mean over both orders.
    part
        float64 of the same shape: pairs of which both voxels are part.
    ends
        float64 by code, of the same shape: pairs of the phase and any voxel of the part, in either
        order.
    shape, voxel_size
        Of the volume; voxel size in um.
    """

    phases: PhaseMap
    pairs: Mapping[Pair, Floats]
    part: Floats
    ends: Mapping[int, Floats]
    shape: Shape
    voxel_size: VoxelSize

    @property
    def reach(self) -> Index:
        """Largest lags along z, y, x [voxels]."""
        z, y, x = self.part.shape
        return z - 1, y // 2, x // 2

    def probability(self, first: int, second: int) -> Floats:
        """S2 of two codes at all vectors; NaN where the part has no pair."""
        return _over(self._pairs_of(first, second), self.part)

    def _pairs_of(self, first: int, second: int) -> Floats:
        return self.pairs[min(first, second), max(first, second)]

    def fraction(self, code: int) -> float:
        """Share of a phase in the part."""
        _, y, x = self.reach
        return float(self.pairs[code, code][0, y, x] / self.part[0, y, x])

    def along(self, first: int, second: int, axis: int) -> Floats:
        """S2 at lags 0, 1 ... voxels along an axis."""
        _, y, x = self.reach
        found = self.probability(first, second)
        return np.asarray((found[:, y, x], found[0, y:, x], found[0, y, x:])[axis])

    @property
    def step(self) -> float:
        """Width of the classes of distance: the shortest edge of a voxel [um]."""
        return min(self.voxel_size)

    def radial(self, first: int, second: int) -> Floats:
        """S2 by distance, in classes 0, 1 ... of width `step` about their middles.

        Pairs over pairs in each class, over all directions. NaN in a class without a pair.
        """
        pairs = self._by_distance(self._pairs_of(first, second))
        return _over(pairs, self._radial_part)

    def _centred(self, code: int) -> Floats:
        """Sums over pairs of the products of indicator less fraction, the same for a phase and the
        rest of the part; S2 - phi^2 is not, where a phase is rarer at the edge."""
        phi = self.fraction(code)
        return self.pairs[code, code] - phi * self.ends[code] + phi**2 * self.part

    def covariance(self, code: int) -> Floats:
        """Radial autocovariance: the mean product of what indicator and fraction differ by."""
        return _over(self._by_distance(self._centred(code)), self._radial_part)

    def correlation(self, code: int) -> Floats:
        """Radial autocovariance over its value at lag 0, phi (1 - phi)."""
        phi = self.fraction(code)
        if not 0 < phi < 1:
            return np.full(len(self._radial_part), np.nan)
        return self.covariance(code) / (phi * (1 - phi))

    def correlation_length(self, code: int) -> float:
        """Distance at which the radial correlation has fallen to 1/e [um]; NaN if it does not."""
        found = self.correlation(code)
        below = np.flatnonzero(found < np.exp(-1))
        if not len(below) or not np.isfinite(found[: below[0] + 1]).all():
            return float("nan")
        k = int(below[0])
        share = (found[k - 1] - np.exp(-1)) / (found[k - 1] - found[k])
        return float((k - 1 + share) * self.step)

    def surface(self, code: int) -> float:
        """Surface of a phase over the volume of the part, -4 S2'(0) [1/um] (Debye 1957).

        The slope is the mean over the axes, from the lags 0 and 1. S2 at both lags is that of the
        same pairs: the fall of S2 is the share of pairs of which only one voxel lies in the phase.
        S2(0) of all voxels would add the difference of their fraction and that of the ends of the
        pairs, which is as large as the slope where a phase is rarer at the edge. So both phases of
        a two-phase medium have the same surface.
        """
        slopes = []
        for axis, step in enumerate(self.voxel_size):
            if self.reach[axis]:
                place = self._first_along(axis)
                fall = 0.5 * self.ends[code][place] - self.pairs[code, code][place]
                if self.part[place]:
                    slopes.append(-fall / (self.part[place] * step))
        return float(-4 * np.mean(slopes)) if slopes else float("nan")

    def _first_along(self, axis: int) -> Index:
        """Place of the vector of one voxel along an axis in the maps of pairs."""
        _, y, x = self.reach
        return ((1, y, x), (0, y + 1, x), (0, y, x + 1))[axis]

    def fraction_deviation(self, code: int) -> float:
        """Standard deviation of the fraction of a phase, as that of one sample of many.

        Variance of the mean over the part (Lantuejoul, J. Microscopy 161, 1991): the sum of the
        covariance over all vectors within reach, times the pairs that the part has at each, over
        the voxels of the part squared. The covariance is taken about the fraction of this very
        sample, which makes it too small by the variance sought; the equation is solved for it.
        Where order or a short reach makes that sum negative, only vectors up to the first distance
        count at which the radial covariance is no longer positive: an upper bound.
        NaN where the reach is shorter than the correlation length: what lies beyond it would be
        missing from the sum.
        """
        found = self._variance(code, self._farthest)
        if not found > 0:
            low = np.flatnonzero(self.covariance(code) <= 0)
            found = self._variance(code, (low[0] - 0.5) * self.step) if len(low) else found
        return float(np.sqrt(found)) if found >= 0 else float("nan")

    def _variance(self, code: int, farthest: float) -> float:
        """Variance of the fraction from the covariance at vectors up to a length [um]."""
        _, y, x = self.reach
        voxels = float(self.part[0, y, x])
        if not voxels or not np.isfinite(self.correlation_length(code)):
            return float("nan")
        near = self._distances <= farthest
        weights = np.where(np.arange(len(near)) > 0, 2.0, 1.0)[:, None, None] * near
        seen = float((weights * self._centred(code)).sum())
        share = float((weights * self.part).sum()) / voxels**2
        return seen / voxels**2 / (1 - share) if share < 1 else float("nan")

    @cached_property
    def _distances(self) -> Floats:
        return distances(self.part.shape, self.voxel_size)

    @property
    def _farthest(self) -> float:
        """Distance up to which vectors of all directions are within reach [um]."""
        return min(
            r * d
            for r, d, n in zip(self.reach, self.voxel_size, self.shape, strict=True)
            if n > 1 or max(self.shape) == 1
        )

    @cached_property
    def _radial_part(self) -> Floats:
        return self._by_distance(self.part)

    def _by_distance(self, pairs: Floats) -> Floats:
        return sums_by_distance(pairs, self.voxel_size, int(self._farthest / self.step + 1e-9))


def distances(shape: tuple[int, ...], voxel_size: VoxelSize) -> Floats:
    """Lengths of the vectors of a map of pairs of this shape [um]."""
    z, y, x = shape[0] - 1, shape[1] // 2, shape[2] // 2
    places = (np.arange(z + 1), np.arange(-y, y + 1), np.arange(-x, x + 1))
    squares = [(p * d) ** 2 for p, d in zip(places, voxel_size, strict=True)]
    return np.asarray(np.sqrt(squares[0][:, None, None] + squares[1][:, None] + squares[2]))


def sums_by_distance(pairs: Floats, voxel_size: VoxelSize, last: int) -> Floats:
    """Sums of a map of pairs in the classes of distance 0, 1 ... `last`, up and down alike.

    A class is as wide as the shortest edge of a voxel.
    """
    weights = pairs * np.where(np.arange(len(pairs)) > 0, 2.0, 1.0)[:, None, None]
    classes = np.rint(distances(pairs.shape, voxel_size) / min(voxel_size)).astype(int)
    near = classes <= last
    return np.asarray(np.bincount(classes[near], weights[near], last + 1), np.float64)


def _over(pairs: Floats, part: Floats) -> Floats:
    return np.divide(pairs, part, out=np.full(part.shape, np.nan), where=part > 0.5)
