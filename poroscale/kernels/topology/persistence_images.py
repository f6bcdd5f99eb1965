"""Persistence images: diagrams as small pictures of one size, which can be averaged and compared.

Adams et al., Persistence images: a stable vector representation of persistent homology, Journal of
Machine Learning Research 18 (2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SIDE = 10
"""Pixels along each side of the published images."""


@dataclass(frozen=True)
class ImageGrid:
    """The pixels of persistence images, in the plane of birth and persistence (death - birth).

    Attributes
    ----------
    births, persistences
        Lower and upper end of the pixels along either axis, in the unit of the values.
    sigma
        Standard deviation of the Gaussian that stands for a pair, in the same unit.
    shape
        Pixels along persistence and along birth.
    """

    births: tuple[float, float]
    persistences: tuple[float, float]
    sigma: float
    shape: tuple[int, int] = (SIDE, SIDE)

    def __post_init__(self) -> None:
        for name in ("births", "persistences"):
            low, high = getattr(self, name)
            if not (np.isfinite([low, high]).all() and low < high):
                raise ValueError(f"`{name}` must be a rising pair of numbers, got {(low, high)}")
        if not 0 < self.sigma < np.inf:
            raise ValueError(f"`sigma` must be positive, got {self.sigma}")
        if min(self.shape) < 1:
            raise ValueError(f"`shape` must be positive, got {self.shape}")

    @classmethod
    def of_values(cls, low: float, high: float, *, side: int = SIDE) -> ImageGrid:
        """The grid for values from `low` to `high`: square, sigma one pixel."""
        return cls((low, high), (0.0, high - low), (high - low) / side, (side, side))


def persistence_image(pairs: NDArray[Any], grid: ImageGrid) -> Floats:
    """The persistence image of a diagram.

    Each pair is a Gaussian at (birth, persistence), weighted by its persistence. A pixel holds the
    integral of their sum over its area.

    Parameters
    ----------
    pairs
        (n, 2) births and deaths, finite.
    grid
        Pixels and width of the Gaussian.

    Returns
    -------
    ndarray
        float64 of `grid.shape`; row 0 holds the lowest persistence, column 0 the lowest birth.
    """
    pairs = np.asarray(pairs).reshape(-1, 2)
    return images_of_pairs(pairs, np.array([len(pairs)]), grid)[0]


def images_of_pairs(pairs: NDArray[Any], counts: NDArray[np.int64], grid: ImageGrid) -> Floats:
    """The persistence images (n, rows, columns) of n diagrams.

    Parameters
    ----------
    pairs
        (p, 2) births and deaths of all diagrams, one diagram after the other.
    counts
        (n,) pairs of each; their sum is p.
    grid
        As of `persistence_image`.
    """
    births, deaths = pairs.T
    images = np.zeros((len(counts), *grid.shape))
    if births.dtype.kind in "bui" and births.itemsize <= 2:  # few values: one row of a table each
        births, deaths = births.astype(np.int64), deaths.astype(np.int64)
        spans, low = deaths - births, births.min(initial=0)
        at_birth, at_span = births - low, spans
        births = low + np.arange(at_birth.max(initial=-1) + 1)
        table = np.arange(spans.max(initial=-1) + 1)
    else:
        births = births.astype(np.float64)
        spans = table = deaths.astype(np.float64) - births
        at_birth = at_span = np.arange(len(births))
    columns = _shares(births, grid.births, grid.shape[1], grid.sigma)
    rows = _shares(table, grid.persistences, grid.shape[0], grid.sigma)
    _add(rows, columns, at_span, at_birth, spans.astype(np.float64), counts, images)
    return images


def _shares(at: NDArray[Any], ends: tuple[float, float], pixels: int, sigma: float) -> Floats:
    """(n, pixels) share of a Gaussian at each place that falls to each pixel."""
    from scipy.special import ndtr

    edges = np.linspace(*ends, pixels + 1)
    shares: Floats = np.diff(ndtr((edges - at[:, None]) / sigma), axis=1)
    return shares


@njit(nogil=True, cache=True)
def _add(rows, columns, row, column, weights, counts, images):  # type: ignore[no-untyped-def]
    k = 0
    for image in range(counts.size):
        for _ in range(counts[image]):
            for i in range(images.shape[1]):
                share = weights[k] * rows[row[k], i]
                for j in range(images.shape[2]):
                    images[image, i, j] += share * columns[column[k], j]
            k += 1
