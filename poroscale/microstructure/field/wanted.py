"""Correlations that the field behind a phase is to have, from S2 of images, lag by lag.

Phases are taken away one after the other: phase a is where the first field lies below its level;
of what is left, phase b is where the second field, independent of the first, lies below its own;
and so on. Then S2 of b over S2 of what was left is a function of the second field alone, and each
field follows from its phase, lag by lag (truncated plurigaussian fields with a rule that is a tree;
Armstrong et al., Plurigaussian Simulations in Geosciences, 2011).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.gaussian.bivariate import correlation_of, level_of, slope_of
from poroscale.kernels.gaussian.covariance_fit import WantedCovariance, lag_lattice
from poroscale.microstructure.field.observed import Codes, Observed, by_distance

Floats = NDArray[np.float64]
SHARPNESS = 4
"""Power by which the nearest plane outweighs the others in the guess between planes."""
LEAST_SHARE = 1e-4
"""Fields of rarer phases cannot be told from S2."""


@dataclass(frozen=True)
class PhaseSplit:
    """One phase taken from what is left.

    Attributes
    ----------
    phase, rest
        Codes of the phase, and of the phases that are left before it is taken.
    share
        Its share of what is left.
    """

    phase: int
    rest: Codes
    share: float

    @property
    def level(self) -> float:
        """Level below which the field makes the phase."""
        return level_of(self.share)


def conditional(pairs: Floats, rest: Floats, split: PhaseSplit) -> Floats:
    """Correlations of the field of a split from S2 of its phase and S2 of what is left."""
    ratio = np.divide(pairs, rest, out=np.full(pairs.shape, split.share**2), where=rest > 0)
    return correlation_of(np.clip(ratio, 0.0, split.share), split.level)


def isotropic(images: Sequence[Observed], split: PhaseSplit) -> tuple[Floats, Floats, Floats]:
    """Correlation of the field by distance: distances, correlations and numbers of pairs."""
    distance, phase, count = by_distance(images, (split.phase,))
    _, rest, _ = by_distance(images, split.rest)
    return distance, conditional(phase, rest, split), count


def reach_of_curve(distance: Floats, correlation: Floats, *, most: int) -> int:
    """Lags that matter: six times the distance at which the correlation has fallen to 1/e."""
    below = np.flatnonzero(correlation < np.exp(-1))
    fallen = float(distance[below[0]]) if len(below) else float(distance[-1])
    return int(np.clip(np.ceil(6 * fallen), 8, most))


def wanted_of(
    images: Sequence[Observed], split: PhaseSplit, reach: int, *, isotropic_medium: bool
) -> WantedCovariance:
    """Correlations of a field on the lattice of its kernel.

    Parameters
    ----------
    images
        Sections or a volume.
    split
        The phase that the field makes.
    reach
        Largest lag that counts [voxels].
    isotropic_medium
        Whether all directions are one.
    """
    z, y, x = lag_lattice(reach)
    distance = np.sqrt(z**2 + y**2 + x**2)
    if isotropic_medium:
        values, weights = _radial(images, split, distance, reach)
    else:
        values, weights = _directional(images, split, (z, y, x), reach)
    values = np.where(distance == 0, 1.0, values * _fade(distance, reach))
    weights = np.where(distance == 0, 0.0, weights) * (distance <= reach)
    weights *= slope_of(split.level, np.clip(values, -0.95, 0.95)) ** 2
    return WantedCovariance(values, weights / weights.sum())


def _fade(distance: Floats, reach: int) -> Floats:
    """1 up to the reach, 0 from 1.5 times the reach on: what lies between is not known."""
    share = np.clip(2 * (distance / reach - 1.0), 0.0, 1.0)
    return np.asarray(np.cos(0.5 * np.pi * share) ** 2)


def _radial(
    images: Sequence[Observed], split: PhaseSplit, distance: Floats, reach: int
) -> tuple[Floats, Floats]:
    places, curve, pairs = isotropic(images, split)
    values = np.interp(distance, places, curve)
    shells = np.bincount(np.rint(distance).astype(int).ravel())
    per_shell = 1.0 / shells[np.rint(distance).astype(int)]
    certain = np.interp(distance, places, np.minimum(pairs / pairs[0], 1.0))
    return values, per_shell * np.maximum(certain, 0.05)


def _directional(
    images: Sequence[Observed], split: PhaseSplit, lags: tuple[Floats, Floats, Floats], reach: int
) -> tuple[Floats, Floats]:
    """Means of what several images say where they say it; between planes, a guess of no weight."""
    shape = np.broadcast_shapes(*(each.shape for each in lags))
    sums, seen = np.zeros(shape), np.zeros(shape)
    for image in images:
        phase, rest = image.pairs((split.phase,)), image.pairs(split.rest)
        part = image.found.part
        known = part > 0.5
        found = conditional(
            np.where(known, phase / np.maximum(part, 1), 0.0),
            np.where(known, rest / np.maximum(part, 1), 0.0),
            split,
        )
        vectors = image.vectors()
        near = known & (np.abs(vectors).max(axis=-1) <= shape[0] // 2)
        for sign in (1, -1):
            places = tuple(sign * vectors[near][:, axis] % shape[axis] for axis in range(3))
            np.add.at(sums, places, found[near])
            np.add.at(seen, places, 1.0)
    values = np.divide(sums, seen, out=np.zeros(shape), where=seen > 0)
    distance = np.sqrt(sum(each**2 for each in lags))
    if any(image.plane is None for image in images):
        shells = np.bincount(np.rint(distance).astype(int).ravel())
        return values, (seen > 0) / shells[np.rint(distance).astype(int)]
    guess = _between_planes(values, seen, lags, distance)
    rings = np.maximum(distance, 1.0)
    return np.where(seen > 0, values, guess), (seen > 0) / rings


def _between_planes(
    values: Floats, seen: Floats, lags: tuple[Floats, Floats, Floats], distance: Floats
) -> Floats:
    """Correlations off the planes: those of the planes at the same length, the nearest first.

    The lag is turned into each plane; planes that were not seen have no say.
    """
    total, weight = np.zeros(values.shape), np.zeros(values.shape)
    for normal in range(3):
        across = [k for k in range(3) if k != normal]
        within = np.sqrt(sum(lags[k] ** 2 for k in across))
        scale = np.divide(distance, within, out=np.zeros(values.shape), where=within > 0)
        places = [np.zeros(values.shape, int)] * 3
        for k in across:
            places[k] = np.rint(lags[k] * scale).astype(int) % values.shape[k]
        turned = tuple(places)
        says = (seen[turned] > 0) * (within / np.maximum(distance, 1e-9)) ** SHARPNESS
        total, weight = total + says * values[turned], weight + says
    return np.divide(total, weight, out=np.zeros(values.shape), where=weight > 0)
