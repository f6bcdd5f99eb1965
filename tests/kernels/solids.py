"""Solids whose measures are known, sampled at voxel centres."""

import numpy as np
from scipy.spatial.transform import Rotation


def ellipsoid(half_axes, *, rotation=None, voxel_size=(1.0, 1.0, 1.0), offset=(0, 0, 0)):
    """Mask of an ellipsoid; column k of the rotation matrix is the direction of axis k."""
    matrix = np.eye(3) if rotation is None else rotation
    shape = [int(2 * max(half_axes) / edge) + 5 for edge in voxel_size]
    axes = [
        (np.arange(n) - (n - 1) / 2) * edge - o
        for n, edge, o in zip(shape, voxel_size, offset, strict=True)
    ]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1) @ matrix
    return ((points / np.array(half_axes)) ** 2).sum(axis=-1) <= 1


def random_rotation(seed):
    return Rotation.random(random_state=seed).as_matrix()


def ellipsoid_area(half_axes, steps=400):
    """Area of an ellipsoid by the midpoint rule over its parametrisation."""
    a, b, c = half_axes
    theta = (np.arange(steps) + 0.5)[:, None] * np.pi / steps
    phi = np.arange(2 * steps) * np.pi / steps
    x = b * c * np.sin(theta) * np.cos(phi)
    y = a * c * np.sin(theta) * np.sin(phi)
    z = a * b * np.cos(theta)
    return (np.sqrt(x * x + y * y + z * z) * np.sin(theta)).sum() * (np.pi / steps) ** 2


def moments(mask):
    """Count, sums and second moments of a mask, as the pore table has them."""
    index = np.argwhere(mask).astype(np.int64)
    pairs = ((0, 0), (1, 1), (2, 2), (1, 0), (2, 0), (2, 1))
    seconds = [(index[:, i] * index[:, j]).sum() for i, j in pairs]
    return np.array([len(index)]), index.sum(axis=0)[None], np.array([seconds])
