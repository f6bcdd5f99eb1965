"""Whether images of one setting are alike: how much of what chips differ by lies between images.

Chips of one image may differ as much as those of the real ones, and yet all chips of an image have
more particles than all of the next. A large image then stands for itself, and not for its setting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.compare.micrographs.samples import Floats

SIDES, EVEN_MEASURES = ("real", "generated"), ("density", "area")


def variance_components(values: Floats, images: NDArray[np.int64]) -> tuple[float, float] | None:
    """Variance of chips between images and within them, by the mean squares of both.

    The first is unbiased, so that it may be negative (Searle et al. 1992, analysis of variance
    of unbalanced data).

    Parameters
    ----------
    values
        (n,) a measure of each chip.
    images
        int64 (n,) image of each chip.

    Returns
    -------
    tuple or None
        None where there are fewer than two images, or no image has two chips.
    """
    _, own, counts = np.unique(images, return_inverse=True, return_counts=True)
    own = own.reshape(-1)
    means = np.bincount(own, values) / counts
    groups, total = len(counts), len(values)
    if groups < 2 or total <= groups:
        return None
    between = (counts * (means - values.mean()) ** 2).sum() / (groups - 1)
    within = ((values - means[own]) ** 2).sum() / (total - groups)
    size = (total - (counts**2).sum() / total) / (groups - 1)
    return float((between - within) / size), float(within)


def shares_between_images(settings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of each measure the share of the variance that lies between images, over all settings.

    Intraclass correlations: components are summed over the settings, because that of a few images
    scatters. None where no setting tells, or where nothing varies; at least 0.
    """
    found: list[dict[str, Any]] = []
    for measure in EVEN_MEASURES:
        row: dict[str, Any] = {"measure": measure}
        for side in SIDES:
            pairs = [each["between_images"][side][measure] for each in settings]
            known = np.array([pair for pair in pairs if pair is not None]).reshape(-1, 2)
            between, within = known.sum(axis=0)
            total = max(between, 0.0) + within
            row[side] = float(max(between, 0.0) / total) if total > 0 else None
        found.append(row)
    return found
