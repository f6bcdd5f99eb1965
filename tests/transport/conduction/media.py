"""Media that the tests of transport share."""

import numpy as np
from scipy import ndimage


def spheres(edge, fraction):
    """A simple-cubic cell: a sphere of 1 in the middle of 0."""
    radius = (3 * fraction / 4 / np.pi) ** (1 / 3) * edge
    away = np.arange(edge) + 0.5 - edge / 2
    squares = away[:, None, None] ** 2 + away[:, None] ** 2 + away**2
    return (squares <= radius**2).astype(np.uint8)


def blobs(edge, *, seed, share=0.5):
    """Phase 1 of a periodic Gaussian field in phase 0."""
    noise = np.random.default_rng(seed).standard_normal((edge,) * 3)
    smooth = ndimage.gaussian_filter(noise, 2, mode="wrap")
    return (smooth > np.quantile(smooth, 1 - share)).astype(np.uint8)
