"""Elastic deformation of training patches by a cubic B-spline of control points.

A field whose control points move by at most d moves no voxel further: the weights of a B-spline
are positive and add up to 1. So a patch is deformed exactly within a margin of d voxels. As long
as d is below the spacing of the control points times 0.40, the field does not fold (Choi and Lee,
2000).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.learning.weighted_rows import weighted_rows

UNFOLDED = 0.40
"""Largest movement of a control point, in spacings, at which no cubic field in 3D folds."""


class Deformation(NamedTuple):
    """A field of displacements over a patch.

    Attributes
    ----------
    controls
        (3, k, k, k) displacements of control points along (z, y, x) [voxels].
    spacing
        Distance between control points along (z, y, x) [voxels].
    phase
        Position of the patch's first voxel between two control points, in [0, 1).
    """

    controls: NDArray[np.float64]
    spacing: tuple[float, float, float]
    phase: tuple[float, float, float]


def control_points(edge: int, spacing: float) -> int:
    """Control points along an axis that a patch needs, wherever it begins."""
    return int(np.ceil(edge / spacing)) + 4


def displacements(edge: int, deformation: Deformation) -> NDArray[np.float64]:
    """(3, edge, edge, edge) displacements of the voxels [voxels]."""
    field = deformation.controls
    for axis in (2, 1, 0):  # the last one works on long rows
        spacing, phase = deformation.spacing[axis], deformation.phase[axis]
        weights = _weights(edge, spacing, phase, field.shape[1 + axis])
        field = weighted_rows(field, weights, 1 + axis)
    return field


def deform(grown: NDArray[Any], field: NDArray[np.float64], *, order: int = 1) -> NDArray[Any]:
    """The patch in the middle of a larger box, deformed.

    Parameters
    ----------
    grown
        The patch with an equal margin on all sides, at least the largest displacement of a control
        point (and one voxel more for a linear interpolation); else edges are repeated.
    field
        Place from which each voxel's value comes, relative to it: `displacements`.
    order
        1 interpolates grey values linearly, 0 takes the nearest voxel, for truths.
    """
    from scipy.ndimage import map_coordinates

    edge = field.shape[-1]
    margin = (grown.shape[0] - edge) // 2
    places = field + np.indices(field.shape[1:]) + margin
    return np.asarray(map_coordinates(grown, places, order=order, mode="nearest"))


def _weights(edge: int, spacing: float, phase: float, number: int) -> NDArray[np.float64]:
    """(edge, number) weights of a uniform cubic B-spline."""
    place = np.arange(edge) / spacing + phase
    first = place.astype(int)
    t = place - first
    four = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3])
    weights = np.zeros((edge, number))
    for which in range(4):
        np.add.at(weights, (np.arange(edge), first + which), four[which] / 6)
    return weights
