"""Noise of planes: a function of seed, stream, layer and absolute position in the plane.

`noise.py` cuts space into cubes, of which a single plane would use one part in 32. Here a tile is
square and holds all channels of its places. A tile is drawn whole and cropped, so that a value does
not depend on the box that asks for it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.noise import tile_generator

PLANE_TILE = 64
"""Edge of a tile of noise without channels [pixels]. Part of the definition of the noise."""


def plane_noise(
    origin: tuple[int, int],
    shape: tuple[int, int],
    *,
    layer: int,
    seed: int,
    stream: int,
    channels: int = 1,
    edge: int = PLANE_TILE,
) -> NDArray[np.float32]:
    """Standard normal noise on a box of a plane.

    Parameters
    ----------
    origin, shape : tuple of int
        First place and extent of the box (y, x); the origin may be negative.
    layer
        Number of the plane.
    seed, stream
        Key of the noise.
    channels
        Values at each place; another number is another noise.
    edge
        Edge of a tile; another one is another noise.

    Returns
    -------
    ndarray of float32, shape (channels, *shape)
        Overlapping boxes agree bit for bit.
    """
    box = np.empty((channels, *shape), np.float32)
    (y, x), (height, width) = origin, shape
    for ty in range(y // edge, -(-(y + height) // edge)):
        for tx in range(x // edge, -(-(x + width) // edge)):
            generator = tile_generator(seed, stream, (layer, ty, tx))
            tile = generator.standard_normal((channels, edge, edge), np.float32)
            rows, inside_rows = _overlap(y, height, ty * edge, edge)
            columns, inside_columns = _overlap(x, width, tx * edge, edge)
            box[:, inside_rows, inside_columns] = tile[:, rows, columns]
    return box


def _overlap(origin: int, extent: int, start: int, edge: int) -> tuple[slice, slice]:
    """The part of a tile that lies in the box, as slices of the tile and of the box."""
    first, last = max(origin, start), min(origin + extent, start + edge)
    return slice(first - start, last - start), slice(first - origin, last - origin)


def smooth_plane_noise(
    origin: tuple[int, int],
    shape: tuple[int, int],
    *,
    layer: int,
    seed: int,
    stream: int,
    sigma: float,
) -> NDArray[np.float32]:
    """Normal noise (height, width) of unit variance, smoothed by a Gaussian of `sigma` pixels.

    Other arguments as of `plane_noise`; overlapping boxes agree bit for bit.

    Raises
    ------
    ValueError
        If `sigma` is not positive.
    """
    if not sigma > 0:
        raise ValueError(f"sigma must be positive, got {sigma}")
    halo = int(np.ceil(3 * sigma))
    weights = np.exp(-0.5 * (np.arange(-halo, halo + 1) / sigma) ** 2)
    weights = (weights / np.sqrt(np.sum(weights**2))).astype(np.float32)
    start = (origin[0] - halo, origin[1] - halo)
    extent = (shape[0] + 2 * halo, shape[1] + 2 * halo)
    noise = plane_noise(start, extent, layer=layer, seed=seed, stream=stream)[0]
    # One product and one sum at a time: their bits do not depend on the box.
    rows = np.zeros((shape[0], extent[1]), np.float32)
    for tap, weight in enumerate(weights):
        rows += weight * noise[tap : tap + shape[0]]
    found = np.zeros(shape, np.float32)
    for tap, weight in enumerate(weights):
        found += weight * rows[:, tap : tap + shape[1]]
    return found
