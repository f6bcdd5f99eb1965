"""Exact squared distances to the nearest voxel of a mask, in whole numbers.

Sums and comparisons of whole numbers have no rounding, so a distance is the same in whatever block
it is computed. The transform goes axis by axis, and looks no farther along an axis than the largest
distance that is left (Saito and Toriwaki 1994).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

LARGEST = (1 << 30) - 1
"""Largest squared distance: the sum of two still fits 32 bits."""
_STRETCH = 64
"""Voxels along x that look equally far."""


@dataclass(frozen=True)
class Metric:
    """Squared distances as whole numbers: z^2 a + y^2 b + x^2 c over the steps of voxels.

    Attributes
    ----------
    weights
        Whole numbers a, b, c of the axes z, y, x; the smallest is that of the shortest edge.
    edge
        Shortest edge of a voxel [um].
    limit
        Largest squared distance that is told apart; what is farther counts as this far.
    """

    weights: tuple[int, int, int]
    edge: float
    limit: int

    @classmethod
    def of(cls, voxel_size: tuple[float, float, float], largest: float) -> Metric:
        """The metric of a voxel size for distances up to `largest` [um].

        Cubic voxels have the weights 1, and distances are exact. The squares of other edges are
        rounded to whole numbers, as fine as 30 bits hold them: a distance is then off by less than
        half a part in `min(weights)`.

        Raises
        ------
        ValueError
            If `largest` is not positive, or so large that 30 bits cannot hold the metric.
        """
        edge = min(voxel_size)
        steps = largest / edge
        if not 1 <= steps <= 8192:
            raise ValueError(
                f"largest distance must be from 1 to 8192 voxel edges of {edge:g} um, "
                f"got {largest:g} um"
            )
        scale = 1
        if max(voxel_size) > edge:
            scale = 1 << int(np.log2(LARGEST / steps**2))
        z, y, x = (round(scale * (each / edge) ** 2) for each in voxel_size)
        return cls((z, y, x), edge, int(scale * steps**2 * (1 + 1e-12)))

    def reach(self, squared: int) -> tuple[int, int, int]:
        """Voxels along each axis within which all steps up to a squared distance lie."""
        z, y, x = (int(np.sqrt(squared // weight)) + 1 for weight in self.weights)
        return z, y, x

    def length(self, squared: NDArray[Any]) -> NDArray[np.float64]:
        """Distances [um] of squared distances."""
        out = np.asarray(squared / min(self.weights), np.float64)
        np.sqrt(out, out=out)
        out *= self.edge
        return out


def squared_distances(mask: NDArray[np.bool_], metric: Metric) -> NDArray[np.int32]:
    """Squared distance of every voxel to the nearest one of `mask`, at most `metric.limit`.

    Parameters
    ----------
    mask
        bool (nz, ny, nx).
    metric
        Weights of the axes, and the largest squared distance that is told apart.

    Returns
    -------
    ndarray
        int32 (nz, ny, nx), between the centres of voxels; 0 on the mask.
    """
    out = np.empty(mask.shape, np.int32)
    z, y, x = metric.weights
    _along_x(np.ascontiguousarray(mask), x, metric.limit, out)
    before = np.empty((mask.shape[1], mask.shape[2]), np.int32)
    for plane in out:
        _along_first(plane, before, y)
    before = np.empty((mask.shape[0], mask.shape[2]), np.int32)
    for k in range(mask.shape[1]):
        _along_first(out[:, k], before, z)
    return out


@njit(nogil=True, cache=True)
def _along_x(mask, weight, limit, out):  # type: ignore[no-untyped-def]
    nx = mask.shape[2]
    beyond = int(np.sqrt(limit // weight)) + 1  # farther away, squares could leave 64 bits
    for z in range(mask.shape[0]):
        for y in range(mask.shape[1]):
            row, found = mask[z, y], out[z, y]
            away = beyond
            for x in range(nx):
                away = 0 if row[x] else min(away + 1, beyond)
                found[x] = min(limit, weight * away * away)
            away = beyond
            for x in range(nx - 1, -1, -1):
                away = 0 if row[x] else min(away + 1, beyond)
                found[x] = min(np.int64(found[x]), weight * away * away)


@njit(nogil=True, cache=True)
def _along_first(plane, before, weight):  # type: ignore[no-untyped-def]
    """One axis more, in place: the least over the first axis of `plane` of value and step.

    A stretch of a row looks no farther than its largest value, so that phases a few dozen voxels
    wide cost a few operations on whole registers. `before` is of the shape of `plane`.
    """
    n, across = plane.shape
    for k in range(n):
        for x in range(across):
            before[k, x] = plane[k, x]
    for k in range(n):
        for first in range(0, across, _STRETCH):
            last = min(first + _STRETCH, across)
            row = plane[k, first:last]
            top = _largest(row)
            away = 1
            while weight * away * away < top and away <= max(k, n - 1 - k):
                step = np.int32(weight * away * away)
                if k >= away:
                    _lower(row, before[k - away, first:last], step)
                if k + away < n:
                    _lower(row, before[k + away, first:last], step)
                top = _largest(row)
                away += 1


@njit(nogil=True, cache=True, inline="always")
def _lower(row, near, step):  # type: ignore[no-untyped-def]
    for x in range(len(row)):
        other = np.int32(near[x] + step)  # numba adds in 64 bits, half as many to a register
        row[x] = other if other < row[x] else row[x]


@njit(nogil=True, cache=True, inline="always")
def _largest(row):  # type: ignore[no-untyped-def]
    top = np.int32(0)
    for x in range(len(row)):
        top = row[x] if row[x] > top else top
    return top
