"""Bright particles of a micrograph by a plain threshold: their number, size and share of the area.

The image is smoothed by a Gaussian of one pixel. A particle is a component of what exceeds the
background's median by several of its deviations, robustly estimated. It is a measure for comparing
images of one kind, and no segmentation: what is fainter is not seen on either side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SMOOTH = 1.0
"""Standard deviation of the Gaussian [pixels]."""
STANDS_OUT = 4.0
"""Deviations of the background by which a particle exceeds its median."""
SMALLEST = 6
"""Pixels of the smallest particle that is counted."""
DEVIATION = 1.4826
"""Standard deviation over the median of absolute deviations, of normal values."""
FAINTEST = 0.5
"""Deviation of the background that is taken at least [levels]."""
LARGE = 6.0
"""Radius of the disc that a large particle holds [pixels]. Its pixels would not tell it: small
particles that touch have as many."""


@dataclass(frozen=True)
class BrightParticles:
    """What was found in some images of one size.

    Attributes
    ----------
    counts
        int64 (n,) particles of each image; one at the frame counts by half.
    areas
        float64 (n,) share of each image that lies in particles.
    large
        float64 (n,) particles that hold a disc of the radius `LARGE`, as far as the image shows.
    sizes
        Pixels of every particle that touches no frame.
    pixels
        Pixels of an image.
    """

    counts: NDArray[np.float64]
    areas: NDArray[np.float64]
    large: NDArray[np.float64]
    sizes: NDArray[np.int64]
    pixels: int

    @property
    def mean_size(self) -> float:
        """Mean pixels of a particle; NaN of none."""
        return float(self.sizes.mean()) if len(self.sizes) else float("nan")


def bright_particles(images: NDArray[Any]) -> BrightParticles:
    """The bright particles of images (n, y, x)."""
    found = [_of_image(image) for image in images]
    counts, areas, large = np.array([each[:3] for each in found], np.float64).T
    sizes = np.concatenate([each[3] for each in found])
    return BrightParticles(counts, areas, large, sizes, int(images[0].size))


def _of_image(image: NDArray[Any]) -> tuple[float, float, float, NDArray[np.int64]]:
    from scipy.ndimage import distance_transform_edt, label

    bright = bright_pixels(image)
    labels, count = label(bright, np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    frame = np.zeros(count, bool)
    for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        frame[side[side > 0] - 1] = True
    kept = sizes >= SMALLEST
    weight = np.where(frame, 0.5, 1.0)
    number = float(weight[kept].sum())
    wide = np.zeros(count, bool)
    if kept.any():
        middles = labels[distance_transform_edt(bright) >= LARGE]
        wide[middles[middles > 0] - 1] = True
    large = float(weight[kept & wide].sum())
    return number, float(sizes[kept].sum() / image.size), large, sizes[kept & ~frame]


def bright_pixels(image: NDArray[Any]) -> NDArray[np.bool_]:
    """Pixels of particles; of a mask those of its higher level."""
    from scipy.ndimage import gaussian_filter

    low, high = image.min(), image.max()
    if ((image == low) | (image == high)).all():
        return np.asarray((image == high) & (high > low))
    smooth = gaussian_filter(image.astype(np.float32), SMOOTH, mode="reflect")
    level = np.median(smooth)
    spread = DEVIATION * np.median(np.abs(smooth - level))
    return np.asarray(smooth > level + STANDS_OUT * max(float(spread), FAINTEST))
