"""Grey values of images as levels 0 to 255, and the curve from scores of a generator to levels.

As published the grey value of a voxel is tanh of its score. Here the scores of a reference sample,
which belongs to the model, are set beside the histogram of the images: a voxel gets the level that
has the same rank. So the histogram is that of the images, and the volume that is made is never
looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Reduction, Run, reduce_blocks
from poroscale.identity import kernel
from poroscale.volume import Volume

LEVELS = 256
COUNTING = 18.0
"""Bytes of a voxel that counting the levels of a block takes."""
FAR = 1e30
"""A threshold that every score exceeds, with a minus, or none."""
Codes = NDArray[np.uint8]
Counts = dict[str, NDArray[Any]]


class Coding(Protocol):
    """From values of an image to the codes that crops hold."""

    @property
    def count(self) -> int:
        """Channels of a crop."""
        ...

    @property
    def values(self) -> tuple[float, ...]:
        """What tells two codings apart."""
        ...

    def codes(self, block: NDArray[Any], /) -> Codes:
        """uint8 codes of a block."""
        ...


@dataclass(frozen=True)
class GreyScale:
    """Levels 0 to 255 for the values from `low` to `high`; values beyond are those at the ends.

    Attributes
    ----------
    low, high
        Values of the levels 0 and 255.
    counts
        Voxels of each level in the images.
    """

    low: float
    high: float
    counts: tuple[int, ...] = ()

    @property
    def count(self) -> int:
        """One channel."""
        return 1

    @property
    def values(self) -> tuple[float, ...]:
        """The values of the levels 0 and 255."""
        return self.low, self.high

    def codes(self, block: NDArray[Any], /) -> Codes:
        """uint8 levels of a block."""
        if block.dtype == np.uint8 and (self.low, self.high) == (0, LEVELS - 1):
            return np.asarray(block, np.uint8)
        share = (block.astype(np.float64) - self.low) / (self.high - self.low)
        return np.rint(np.clip(share, 0, 1) * (LEVELS - 1)).astype(np.uint8)


def grey_scale(images: Sequence[Volume], *, run: Run | None = None) -> GreyScale:
    """The scale of images: 0 to 255 of bytes, else from the least to the largest value.

    Parameters
    ----------
    images
        Images of one medium.
    run
        Memory, workers and cluster.

    Raises
    ------
    ValueError
        If an image holds one value alone, or values that are not finite.
    """
    reduction = Reduction(_ends, _further, lambda found: found)
    ends = [reduce_blocks(reduction, image, bytes_per_voxel=9.0, run=run) for image in images]
    for image, each in zip(images, ends, strict=True):
        low, high = float(each["low"]), float(each["high"])
        if not np.isfinite(high - low):
            raise ValueError(f"{image.path} must hold finite grey values, got {low} to {high}")
        if low == high:
            raise ValueError(f"{image.path} must show grey values, got the value {low:g} alone")
    low, high = 0.0, LEVELS - 1.0
    if any(image.dtype != np.uint8 for image in images):
        low = min(float(each["low"]) for each in ends)
        high = max(float(each["high"]) for each in ends)
    given = {"low": low, "high": high}
    reduction = Reduction(_count, _sum, lambda found: found["counts"])
    counts = [
        reduce_blocks(reduction, image, parameters=given, bytes_per_voxel=COUNTING, run=run)
        for image in images
    ]
    return GreyScale(low, high, tuple(int(each) for each in np.sum(counts, axis=0)))


def fitted_levels(sample: NDArray[np.float32], counts: Sequence[int]) -> NDArray[np.float32]:
    """float32 (255,) scores from which on a voxel has the levels 1 to 255.

    Parameters
    ----------
    sample
        Scores of a reference sample.
    counts
        (256,) voxels of each level in the images.
    """
    below = np.cumsum(counts)[:-1] / np.sum(counts)
    found = np.quantile(np.asarray(sample, np.float64).ravel(), below)
    found[below <= 0], found[below >= 1] = -FAR, FAR
    return found.astype(np.float32)


@kernel("microstructure.grey.ends")
def _ends(values: NDArray[Any]) -> Counts:
    return {"low": np.array(values.min(), np.float64), "high": np.array(values.max(), np.float64)}


def _further(a: Counts, b: Counts) -> Counts:
    return {"low": np.minimum(a["low"], b["low"]), "high": np.maximum(a["high"], b["high"])}


@kernel("microstructure.grey.count")
def _count(values: NDArray[Any], *, low: float, high: float) -> Counts:
    levels = GreyScale(low, high).codes(values)
    return {"counts": np.bincount(levels.ravel(), minlength=LEVELS)}


def _sum(a: Counts, b: Counts) -> Counts:
    return {"counts": a["counts"] + b["counts"]}
