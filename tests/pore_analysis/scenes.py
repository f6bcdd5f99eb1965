"""Parts with pores, small enough to measure by looking at every voxel."""

import numpy as np
from scipy.ndimage import gaussian_filter


def part_with_pores(seed, shape=(24, 30, 28), *, fill=0.08, smooth=0.8, free=True):
    """Phases 0 outside, 1 solid, 2 pore of a round part in air; all part without `free`."""
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.normal(size=shape), smooth)
    phases = np.ones(shape, np.uint8)
    phases[field > np.quantile(field, 1 - fill)] = 2
    if free:
        y, x = np.ogrid[: shape[1], : shape[2]]
        away = (y - shape[1] / 2) ** 2 + (x - shape[2] / 2) ** 2 > (0.42 * min(shape[1:])) ** 2
        phases[:, away] = 0
    return phases


def box_distance(a, b, voxel_size):
    """Smallest distance between closed voxel boxes with low corners a (m, 3) and b (k, 3)."""
    gap = np.maximum(np.abs(a[:, None] - b[None]) - 1, 0) * np.array(voxel_size)
    return np.sqrt((gap**2).sum(axis=-1).min())


def point_distance(point, voxels, voxel_size):
    """Distance from a point [voxels] to the nearest of the boxes with low corners (k, 3)."""
    gap = np.maximum(np.maximum(voxels - point, point - voxels - 1), 0) * np.array(voxel_size)
    return np.sqrt((gap**2).sum(axis=-1).min())
