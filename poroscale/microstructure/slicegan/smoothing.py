"""Surfaces as smooth as those of the images: shares of phases are averaged around each voxel.

A transposed convolution leaves a pattern of single voxels on the surfaces, which a critic that sees
slices forgives. The softmax of the scores gives the share of each phase in a voxel. Averaged with
the weights of a Gaussian, these shares decide for the phase in place of the scores. The width of
the Gaussian is fitted on the reference sample of the model: with it, neighbours belong to unlike
phases as often as in the images. Where they do so less often anyway, nothing is averaged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from poroscale.kernels.phases.log_shares import fill_logarithms, fill_shares
from poroscale.microstructure.slicegan.biases import fitted_biases

Floats = NDArray[np.float32]
WIDTHS = (0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3)
"""Standard deviations of the Gaussian among which the fit chooses [voxels]."""
REACH = 3.0
"""Distance at which its weights end, in standard deviations."""


def radius_of(width: float) -> int:
    """Voxels beyond its faces from which a smoothed box follows."""
    return ceil(REACH * width)


def smoothed_scores(scores: Floats, width: float) -> Floats:
    """Logarithms of the averaged shares of phases.

    Parameters
    ----------
    scores
        float32 (z, y, x, n) scores, with `radius_of(width)` voxels more at each face.
    width
        Standard deviation of the Gaussian [voxels]; 0 leaves the scores as they are.

    Returns
    -------
    float32 (z, y, x, n): without these voxels. They are scores, too: of a softmax that gives the
    averaged shares.
    """
    if width == 0:
        return scores
    radius = radius_of(width)
    places = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (places / width) ** 2)
    shares = np.empty((scores.shape[3], *scores.shape[:3]), np.float32)
    fill_shares(scores, shares)
    for axis in (1, 2, 3):
        shares = correlate1d(shares, weights / weights.sum(), axis=axis, mode="constant")
        kept = [slice(None)] * 4
        kept[axis] = slice(radius, shares.shape[axis] - radius)
        shares = shares[tuple(kept)]
    out = np.empty((*shares.shape[1:], len(shares)), np.float32)
    fill_logarithms(np.ascontiguousarray(shares), out)
    return out


def fitted_width(blocks: Iterable[Floats], fractions: Sequence[float], unlike: float) -> float:
    """The width with which neighbours belong to unlike phases as often as wanted.

    Parameters
    ----------
    blocks
        float32 (z, y, x, n) scores of separate blocks.
    fractions
        Of the phases; positive.
    unlike
        Share of neighbours along the axes that belong to two phases.
    """
    held, best, least = list(blocks), 0.0, np.inf
    for width in WIDTHS:
        found = _unlike([smoothed_scores(each, width) for each in held], fractions)
        if abs(found - unlike) >= least:
            break
        best, least = width, abs(found - unlike)
        if found <= unlike:
            break
    return best


def _unlike(blocks: Sequence[Floats], fractions: Sequence[float]) -> float:
    sample = np.concatenate([each.reshape(-1, each.shape[3])[::7] for each in blocks])
    biases = np.array(fitted_biases(sample, fractions), np.float32)
    phases = [(each + biases).argmax(axis=3) for each in blocks]
    shares = [np.mean(np.diff(each, axis=axis) != 0) for each in phases for axis in range(3)]
    return float(np.mean(shares))
