"""True if uniform places of a scan hold other materials than air and one solid."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.grey.survey import Cubes
from poroscale.segmentation.local.shares import Model

QUIET = 3.0
"""Variance of a cube, in variances of the noise, up to which it holds one material."""
APART, DIMMER, FAR_BELOW = 0.25, 0.12, -0.3
"""Of the contrast of a void: how far above it, and below the solid, a material of its own lies; and
the normalised grey value below which a place is no air."""


class Materials(NamedTuple):
    """Other materials, as uniform places of the scan show them.

    Attributes
    ----------
    between
        Share of all places in the part that are uniform, and lie between a void and the solid.
    level
        Their normalised grey value, in the median.
    darker
        Share of all inside the part that are far darker than air.
    """

    between: float
    level: float
    darker: float


def other_materials(cubes: Cubes, model: Model, noise: float) -> Materials:
    """Other materials by cubes of grey values over the local level of the solid.

    Parameters
    ----------
    cubes
        Of normalised grey values over the local level, inside the part.
    model
        Levels.
    noise
        Standard deviation of a voxel.
    """
    if noise > LOUDEST or model.sigma > WIDEST:
        return Materials(0.0, 0.0, 0.0)
    quiet = cubes.variance <= QUIET * max(noise, LEAST_NOISE) ** 2
    mean: NDArray[Any] = cubes.mean[quiet]
    if not mean.size:
        return Materials(0.0, 0.0, 0.0)
    void = model.void.at(1.0)
    bright = mean > void + APART * (1 - void)
    between = mean[bright & (mean < 1 - max(DIMMER, 2 * noise))]
    share = between.size / cubes.mean.size  # finely structured media have few uniform places
    level = float(np.median(between)) if between.size else 0.0
    return Materials(share, level, float((mean < FAR_BELOW).mean()))


LEAST_NOISE, LOUDEST, WIDEST = 0.01, 0.15, 2.0
"""Least noise that is reckoned with; noise, and point spread, beyond which a blurred surface may
pass for a uniform place."""
