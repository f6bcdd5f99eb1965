"""Pore spaces whose permeability is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DUCT = 0.0351442537
"""Permeability of a square duct over the square of its width."""
SPHERES = {0.027: 0.1420, 0.064: 0.07608, 0.125: 0.03985, 0.216: 0.01915, 0.343: 0.007933}
"""Permeability over the square of the period, by the concentration of spheres on a simple cubic
lattice (Zick and Homsy 1982)."""


def duct(width: int, length: int = 2) -> NDArray[np.bool_]:
    """Pores of a box that its side walls make a duct along z."""
    return np.ones((length, width, width), bool)


def around_sphere(size: int, concentration: float) -> NDArray[np.bool_]:
    """Pores around a sphere in the middle of a box."""
    radius = (3 * concentration / (4 * np.pi)) ** (1 / 3) * size
    steps = (np.arange(size) + 0.5 - size / 2) ** 2
    return steps[:, None, None] + steps[:, None] + steps > radius**2


def blobs(shape: tuple[int, int, int], seed: int, share: float = 0.5) -> NDArray[np.bool_]:
    """Pores of a smooth random field, of the given share."""
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(seed).standard_normal(shape)
    field = gaussian_filter(noise, 1.6, mode="wrap")
    return field < np.quantile(field, share)
