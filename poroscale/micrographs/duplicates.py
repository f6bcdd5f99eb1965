"""Images that show the same: equal pixel by pixel, or nearly so.

An image is reduced to a thumbnail of the means of its cells, freed of slow shading, of its
contrast, and of cells that stand far out. Thumbnails of different places are unlike each other,
because they show noise and chance; those of one place agree, however it was compressed, brightened
or rescaled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIDE = 32
"""Cells along an edge of a thumbnail."""
SHADING = 3.0
"""Standard deviation of the Gaussian whose smooth part is taken off [cells]."""
FARTHEST = 4.0
"""Robust deviations from the median up to which a cell counts: a legend that all images have would
be most of their contrast."""
DEVIATION = 1.4826
"""Standard deviation over the median of absolute deviations, of normal values."""
ALIKE = 0.9
"""Correlation of thumbnails from which on two images are taken for one."""
ROWS = 512
"""Thumbnails that are compared with all others at a time."""


@dataclass(frozen=True)
class DuplicatePair:
    """Two images that show the same.

    Attributes
    ----------
    first, second
        Numbers of the images, the first lower.
    exact
        Whether every pixel is equal.
    """

    first: int
    second: int
    exact: bool


def thumbnail_of(image: NDArray[np.generic]) -> NDArray[np.float32]:
    """float32 (1024,) of unit length, of an image (y, x); zeros of an image of one level."""
    from scipy.ndimage import gaussian_filter

    rows, columns = (_edges(n) for n in image.shape)
    sums = np.add.reduceat(image.astype(np.float64), rows[:-1], axis=0)
    sums = np.add.reduceat(sums, columns[:-1], axis=1)
    means = sums / np.outer(np.diff(rows), np.diff(columns))
    median = np.median(means)
    far = FARTHEST * DEVIATION * float(np.median(np.abs(means - median)))
    if far:  # else most cells are of one level, as of masks
        means = np.clip(means, median - far, median + far)
    means -= gaussian_filter(means, SHADING, mode="nearest")
    means -= means.mean()
    length = np.linalg.norm(means)
    scaled = means / length if length > 1e-6 else np.zeros_like(means)
    return np.resize(scaled, SIDE * SIDE).astype(np.float32)


def _edges(n: int) -> NDArray[np.int64]:
    return np.linspace(0, n, min(SIDE, n) + 1).astype(np.int64)


def duplicate_pairs(
    digests: Sequence[str], thumbnails: NDArray[np.float32]
) -> Iterator[DuplicatePair]:
    """Pairs of images that show the same, by rising numbers.

    Parameters
    ----------
    digests
        Digest of the pixels of each image.
    thumbnails
        (images, 1024) as `thumbnail_of` gives them.
    """
    content = np.unique(np.asarray(digests), return_inverse=True)[1]
    for start in range(0, len(thumbnails), ROWS):
        alike = thumbnails[start : start + ROWS] @ thumbnails.T > ALIKE
        equal = content[start : start + ROWS, None] == content[None, :]
        for row, second in zip(*np.nonzero(alike | equal), strict=True):
            if start + row < second:
                yield DuplicatePair(start + int(row), int(second), bool(equal[row, second]))


def joined_groups(groups: Sequence[str], pairs: Sequence[DuplicatePair]) -> NDArray[np.int64]:
    """Number of the group of each image: those of one name, or joined by duplicates, are one.

    Numbers rise with the first image of each group.
    """
    parent = list(range(len(groups)))

    def root(k: int) -> int:
        while parent[k] != k:
            k = parent[k]
        return k

    first: dict[str, int] = {}
    links = [(first.setdefault(name, k), k) for k, name in enumerate(groups)]
    for a, b in [*links, *((pair.first, pair.second) for pair in pairs)]:
        lower, upper = sorted((root(a), root(b)))
        parent[upper] = lower
    roots = [root(k) for k in range(len(groups))]
    return np.unique(roots, return_inverse=True)[1].astype(np.int64)
