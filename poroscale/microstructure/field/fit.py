"""A levelled field fitted to images: an order of phases, and a kernel for each but the last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.gaussian.bivariate import both_below
from poroscale.kernels.gaussian.covariance_fit import (
    autocovariance,
    lag_lattice,
    projected,
    refined,
    root_kernel,
)
from poroscale.microstructure.field.observed import Codes, Observed, by_distance, fraction_of
from poroscale.microstructure.field.wanted import (
    LEAST_SHARE,
    PhaseSplit,
    isotropic,
    reach_of_curve,
    wanted_of,
)

Floats = NDArray[np.float64]
MOST_ORDERS = 4
"""Up to so many phases every order is tried; of more, the phases are taken by their fraction."""
LONGEST = 48
"""Largest reach of a kernel that is chosen without being asked for [voxels]."""


@dataclass(frozen=True)
class FittedField:
    """A levelled field.

    Attributes
    ----------
    order
        Codes of all phases, in the order in which they are taken; the last is what is left.
    kernels
        float32 kernels of the fields, one for each phase but the last, of unit sum of squares.
    fractions
        Share of each phase in the images, by code.
    residuals
        By pair of codes ("0,0"), the root mean square over distance of S2 of the model less that
        of the images.
    """

    order: Codes
    kernels: tuple[NDArray[np.float32], ...]
    fractions: tuple[float, ...]
    residuals: dict[str, float]


def fit_bytes(reach: int) -> int:
    """Memory that the fit of one kernel takes: some fifteen lattices of float64."""
    return 120 * lag_lattice(reach)[0].size ** 3


def fit_field(
    images: Sequence[Observed], *, isotropic_medium: bool, reach: int | None = None
) -> FittedField:
    """Fit a levelled field to the correlations of images.

    Parameters
    ----------
    images
        Correlations of sections or a volume, with every pair of phases.
    isotropic_medium
        Whether all directions are one; needed where there is one section alone.
    reach
        Largest lag that is fitted, and reach of the kernels [voxels]; by default six times the
        distance at which the correlation has fallen to 1/e, at most `LONGEST` and half the lags
        that were counted.

    Raises
    ------
    ValueError
        If a phase is too rare to have a correlation.
    """
    codes = tuple(range(images[0].found.phases.count))
    fractions = tuple(fraction_of(images, code) for code in codes)
    if min(fractions) < LEAST_SHARE:
        raise ValueError(
            f"every phase must fill at least {LEAST_SHARE:g} of the images, got "
            f"{min(fractions):.2g}; merge it with another phase first"
        )
    counted = min(max(each.found.reach) for each in images)
    if reach is not None and reach > counted:
        raise ValueError(
            f"`reach` must be at most {counted} voxels, the largest lag that is counted in these "
            f"images, got {reach}"
        )
    order = best_order(images, codes, fractions)
    kernels = []
    for split in splits_of(order, fractions):
        most = reach or min(LONGEST, _farthest(images))
        here = reach or reach_of_curve(*isotropic(images, split)[:2], most=most)
        wanted = wanted_of(images, split, here, isotropic_medium=isotropic_medium)
        kernel = refined(root_kernel(projected(wanted), here), wanted)
        kernels.append(kernel.astype(np.float32))
    found = FittedField(order, tuple(kernels), fractions, {})
    residuals = residuals_of(found, images, by_length=isotropic_medium)
    return FittedField(order, tuple(kernels), fractions, residuals)


def _farthest(images: Sequence[Observed]) -> int:
    """Half the lags that were counted, at least 8."""
    return max(8, min(max(each.found.reach) for each in images) // 2)


def splits_of(order: Codes, fractions: Sequence[float]) -> list[PhaseSplit]:
    """The phases that are taken, each with what is left before it."""
    found = []
    for k, phase in enumerate(order[:-1]):
        left = sum(fractions[code] for code in order[k:])
        found.append(PhaseSplit(phase, order[k:], fractions[phase] / left))
    return found


def best_order(images: Sequence[Observed], codes: Codes, fractions: Sequence[float]) -> Codes:
    """The order whose rule, with fields that fit each phase exactly, misses least of S2.

    Fields give S2 of each phase that is taken. What no field can change is S2 of two different
    phases: it follows from the order.
    """
    if len(codes) == 2:
        return codes
    if len(codes) > MOST_ORDERS:
        return tuple(sorted(codes, key=lambda code: -fractions[code]))
    curves = {union: by_distance(images, union)[1] for union in _unions(codes)}
    return min(permutations(codes), key=lambda order: _misfit(order, curves))


def _unions(codes: Codes) -> list[Codes]:
    """Every set of phases, as ascending codes."""
    chosen = range(1, 1 << len(codes))
    return [tuple(code for k, code in enumerate(codes) if pick >> k & 1) for pick in chosen]


def _misfit(order: Codes, curves: dict[Codes, Floats]) -> float:
    """Squares of S2 of two phases, the rule's less the images', over all pairs.

    Of what is left at a place and not at the other, each phase has the share that it has of what
    is left: P(a here, b there) = P(a here, b or later there) x share of b.
    """
    total = 0.0
    for k, first in enumerate(order[:-2]):
        rest = tuple(sorted(order[k + 1 :]))
        outside = _cross(curves, (first,), rest)
        whole = float(curves[rest][0])
        for second in rest:
            share = float(curves[second,][0]) / whole
            off = outside * share - _cross(curves, (first,), (second,))
            total += float((off**2).mean())
    return total


def _cross(curves: dict[Codes, Floats], a: Codes, b: Codes) -> Floats:
    """P(a here, b there), from S2 of both, and of the two together."""
    both = tuple(sorted((*a, *b)))
    found = 0.5 * (curves[both] - curves[tuple(sorted(a))] - curves[tuple(sorted(b))])
    return np.asarray(found)


def residuals_of(
    model: FittedField, images: Sequence[Observed], *, by_length: bool
) -> dict[str, float]:
    """Root mean squares over the lags of images of S2 of the model less that of the images.

    `by_length` takes means over all lags of one length first.
    """
    sums: dict[str, list[float]] = {}
    for image in images:
        vectors = image.vectors()
        near = (image.found.part > 0.5) & _within_kernels(vectors, model)
        classes = np.arange(near.sum())
        if by_length:
            classes = np.unique((vectors[near] ** 2).sum(axis=-1), return_inverse=True)[1]
        shown = {code: _shown(image, (code,))[near] for code in model.order}
        for (a, b), theirs in predicted(model, vectors[near]).items():
            both = _shown(image, tuple(sorted({a, b})))[near]
            ours = shown[a] if a == b else 0.5 * (both - shown[a] - shown[b])
            off = np.bincount(classes, theirs - ours) / np.bincount(classes)
            sums.setdefault(f"{a},{b}", []).append(float((off**2).mean()))
    return {pair: float(np.sqrt(np.mean(each))) for pair, each in sums.items()}


def _shown(image: Observed, codes: Codes) -> Floats:
    return np.asarray(image.pairs(codes) / np.maximum(image.found.part, 1))


def _within_kernels(vectors: NDArray[np.int64], model: FittedField) -> NDArray[np.bool_]:
    reach = max(max(kernel.shape) for kernel in model.kernels) // 2
    return np.asarray((vectors**2).sum(axis=-1) <= reach**2)


def predicted(
    model: FittedField, vectors: NDArray[np.int64], fractions: Sequence[float] | None = None
) -> dict[tuple[int, int], Floats]:
    """S2 of each pair of phases that the model has at lags, by codes, the lower first.

    Parameters
    ----------
    model
        The model.
    vectors
        int64 (n, 3) lags along z, y, x [voxels].
    fractions
        Fractions by code; those of the images by default.
    """
    fractions = fractions or model.fractions
    left = np.ones(len(vectors))
    found: dict[tuple[int, int], Floats] = {}
    for k, split in enumerate(splits_of(model.order, fractions)):
        below = both_below(split.level, _correlation_at(model.kernels[k], vectors))
        found[split.phase, split.phase] = left * below
        one_of_both = left * (split.share - below)
        rest = model.order[k + 1 :]
        whole = sum(fractions[code] for code in rest)
        for other in rest:
            pair = (min(split.phase, other), max(split.phase, other))
            found[pair] = one_of_both * fractions[other] / whole
        left = left * (1 - 2 * split.share + below)
    found[model.order[-1], model.order[-1]] = left
    return found


def _correlation_at(kernel: NDArray[np.float32], vectors: NDArray[np.int64]) -> Floats:
    """The correlation of noise filtered by a kernel at lags; 0 beyond twice its reach."""
    shape = tuple(2 * n - 1 for n in kernel.shape)
    covariance = autocovariance(kernel.astype(np.float64), shape)
    inside = (np.abs(vectors) < np.array(kernel.shape)).all(axis=1)
    places = tuple(np.where(inside, vectors[:, k], 0) % shape[k] for k in range(3))
    return np.where(inside, covariance[places] / covariance.flat[0], 0.0)
