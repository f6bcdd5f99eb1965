"""Persistence images of many small images, their average, and their principal components."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.topology.image_pairs import pairs_of_images
from poroscale.kernels.topology.merge_pairs import check_values, merge_pairs
from poroscale.kernels.topology.order_keys import order_keys, values_of_keys
from poroscale.kernels.topology.persistence_images import (
    ImageGrid,
    images_of_pairs,
    persistence_image,
)

Floats = NDArray[np.float64]

AT_ONCE, PIXELS_AT_ONCE = 64, 1 << 20
"""Chips that a thread takes at a time, and pixels of them where they are more than one."""


def chips_at_once(pixels: int) -> int:
    """Number of chips of so many pixels that are taken at a time."""
    return max(1, min(AT_ONCE, PIXELS_AT_ONCE // max(1, pixels)))


def persistence_images(
    chips: NDArray[Any] | Sequence[NDArray[Any]], grid: ImageGrid, *, threads: int = 2
) -> Floats:
    """Persistence images of many arrays in memory.

    Parameters
    ----------
    chips
        Images (ny, nx), or volumes (nz, ny, nx), as `merge_pairs` takes them.
    grid
        Pixels and width of the Gaussian, one for all.
    threads
        Threads that work at the same time; changes no number.

    Returns
    -------
    ndarray
        float64 (n, 2, rows, columns): of components (H0) and of holes or cavities (H1 of an image,
        H2 of a volume). `.mean(axis=0)` is the average of the set.

    Raises
    ------
    ValueError
        If there is no chip, or one is not as `merge_pairs` wants it.
    """
    if not len(chips):
        raise ValueError("there must be at least one chip, got none")
    images = np.empty((len(chips), 2, *grid.shape))
    step = chips_at_once(np.size(chips[0]))

    def fill(first: int) -> None:
        some = chips[first : first + step]
        images[first : first + len(some)] = _images_of_some(
            [np.asarray(chip) for chip in some], grid
        )

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, range(0, len(chips), step)))
    return images


def _images_of_some(chips: list[NDArray[Any]], grid: ImageGrid) -> Floats:
    """(n, 2, rows, columns); images of one shape and type are swept in one call."""
    alike = {(chip.shape, chip.dtype) for chip in chips}
    if len(alike) > 1 or chips[0].ndim != 2:
        return np.concatenate([_images_of_one(chip, grid) for chip in chips])
    stack = np.stack(chips)
    check_values(stack)
    components, many, holes, of_holes = pairs_of_images(order_keys(stack), wide=True)
    both = ((components, many), (holes, of_holes))
    return np.stack(
        [images_of_pairs(values_of_keys(k, stack.dtype).T, n, grid) for k, n in both], axis=1
    )


def _images_of_one(chip: NDArray[Any], grid: ImageGrid) -> Floats:
    found = merge_pairs(chip)
    pairs = (found.components, found.cavities)
    return np.stack([persistence_image(each, grid) for each in pairs])[None]


@dataclass(frozen=True)
class PrincipalComponents:
    """The directions in which a set of images differs most.

    Attributes
    ----------
    mean
        The average image.
    directions
        (k, ...) orthonormal, by falling variance; the largest entry of each is positive.
    variances
        (k,) variance of the set along each.
    share
        (k,) of the whole variance.
    """

    mean: Floats
    directions: Floats
    variances: Floats
    share: Floats

    @classmethod
    def of(cls, images: Floats, most: int = 10) -> PrincipalComponents:
        """The first `most` principal components of images (n, ...), n at least 2.

        Raises
        ------
        ValueError
            If there are fewer than two images.
        """
        if len(images) < 2:
            raise ValueError(f"there must be at least two images, got {len(images)}")
        flat = images.reshape(len(images), -1)
        mean = flat.mean(axis=0)
        _, stretch, directions = np.linalg.svd(flat - mean, full_matrices=False)
        largest = np.abs(directions).argmax(axis=1)
        signs = np.where(directions[np.arange(len(directions)), largest] < 0, -1.0, 1.0)
        variances = stretch**2 / (len(images) - 1)
        shape, k = images.shape[1:], min(most, len(variances))
        share = variances / max(float(variances.sum()), np.finfo(float).tiny)
        return cls(
            mean.reshape(shape),
            (directions * signs[:, None])[:k].reshape(k, *shape),
            variances[:k],
            share[:k],
        )

    def project(self, images: Floats) -> Floats:
        """(n, k) coordinates of images, of this set or of another with the same grid.

        Raises
        ------
        ValueError
            If the images have another shape.
        """
        if images.shape[1:] != self.mean.shape:
            raise ValueError(
                f"images must have the shape {self.mean.shape} of the set, got {images.shape[1:]}"
            )
        apart = (images - self.mean).reshape(len(images), -1)
        return np.asarray(apart @ self.directions.reshape(len(self.directions), -1).T)
