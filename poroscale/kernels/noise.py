"""Noise that is a function of seed, stream and absolute position.

Space is cut into tiles of 32³ voxels that are fixed for ever. A tile is drawn whole by a Philox
generator keyed (seed, stream) whose counter starts at (0, tx | ty << 32, tz, 0), and cropped to
the box that was asked for. So a voxel's value does not depend on the box, on the chunks, on the
worker or on the order of the calls, and negative indices are as valid as any.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.grey.blur import blur, gaussian_weights

Index = tuple[int, int, int]
Shape = tuple[int, int, int]
Slices = tuple[slice, slice, slice]

TILE = 32
"""Edge of a tile in voxels. Part of the definition of the noise: another edge is another noise."""

_WORD = (1 << 64) - 1
_HALF = (1 << 32) - 1


def tile_generator(seed: int, stream: int, tile: Index = (0, 0, 0)) -> np.random.Generator:
    """Generator of one tile, the same on every machine.

    Parameters
    ----------
    seed, stream : int
        Key; taken modulo 2**64. Every use of randomness has a stream of its own.
    tile : tuple of int
        Tile index (tz, ty, tx); ty and tx within ±2**31.
    """
    key = np.array([seed & _WORD, stream & _WORD], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=_counter(tile)))


def tiles_covering(origin: Index, shape: Shape) -> Iterator[tuple[Index, Slices, Slices]]:
    """Tiles that meet a box: (tile index, slices of the box, slices of the tile)."""
    first = [o // TILE for o in origin]
    last = [-(-(o + n) // TILE) for o, n in zip(origin, shape, strict=True)]
    for tile in product(*(range(a, b) for a, b in zip(first, last, strict=True))):
        inside: list[slice] = []
        overlap: list[slice] = []
        for t, o, n in zip(tile, origin, shape, strict=True):
            start, stop = max(t * TILE, o), min((t + 1) * TILE, o + n)
            inside.append(slice(start - o, stop - o))
            overlap.append(slice(start - t * TILE, stop - t * TILE))
        yield (
            (tile[0], tile[1], tile[2]),
            (inside[0], inside[1], inside[2]),
            (overlap[0], overlap[1], overlap[2]),
        )


def white_noise(origin: Index, shape: Shape, *, seed: int, stream: int = 0) -> NDArray[np.float32]:
    """Standard normal noise on the box of `shape` voxels whose first voxel is `origin`.

    Parameters
    ----------
    origin, shape : tuple of int
        Absolute index of the first voxel and extent of the box, (z, y, x).
    seed, stream : int
        Key of the noise.

    Returns
    -------
    ndarray of float32, shape `shape`
        Overlapping boxes agree bit for bit.
    """
    box = np.empty(shape, np.float32)
    tile = np.empty((TILE, TILE, TILE), np.float32)
    generator = tile_generator(seed, stream)
    for index, inside, overlap in tiles_covering(origin, shape):
        _begin_tile(generator, index)
        generator.standard_normal(out=tile, dtype=np.float32)
        box[inside] = tile[overlap]
    return box


def _begin_tile(generator: np.random.Generator, tile: Index) -> None:
    """Put a generator of `tile_generator` where that of another tile begins: a new one is slow."""
    philox = generator.bit_generator
    state: dict[str, Any] = dict(philox.state)
    state["state"]["counter"] = _counter(tile)
    state |= {"buffer_pos": 4, "has_uint32": 0, "uinteger": 0}
    philox.state = state


def _counter(tile: Index) -> NDArray[np.uint64]:
    tz, ty, tx = tile
    return np.array([0, (tx & _HALF) | (ty & _HALF) << 32, tz & _WORD, 0], np.uint64)


def periodic_noise(
    origin: Index,
    shape: Shape,
    *,
    period: tuple[int | None, int | None, int | None],
    seed: int,
    stream: int = 0,
) -> NDArray[np.float32]:
    """Standard normal noise that repeats: `white_noise` at the position modulo the period.

    What is a function of the noise around a voxel repeats with it, so opposite faces of a volume
    as large as the period fit each other exactly.

    Parameters
    ----------
    origin, shape, seed, stream
        As in `white_noise`.
    period
        Voxels after which the noise repeats along (z, y, x); None along an axis where it does not.

    Raises
    ------
    ValueError
        If a period is not positive.
    """
    if any(p is not None and p < 1 for p in period):
        raise ValueError(f"period must be at least 1 voxel along each axis, got {period}")
    turns = [_turn(o, n, p) for o, n, p in zip(origin, shape, period, strict=True)]
    (z, dz, at_z), (y, dy, at_y), (x, dx, at_x) = turns
    drawn = white_noise((z, y, x), (dz, dy, dx), seed=seed, stream=stream)
    return np.ascontiguousarray(drawn[np.ix_(at_z, at_y, at_x)])


def _turn(origin: int, extent: int, period: int | None) -> tuple[int, int, NDArray[np.int64]]:
    """First voxel and extent that must be drawn along an axis, and where each voxel lies there."""
    if period is None:
        return origin, extent, np.arange(extent)
    places = np.arange(origin, origin + extent) % period
    if places[-1] - places[0] == extent - 1:
        return int(places[0]), extent, places - places[0]
    return 0, period, places


def uniform_bits(origin: Index, shape: Shape, *, seed: int, stream: int = 0) -> NDArray[np.uint32]:
    """Uniform 32-bit integers on a box; arguments as for `white_noise`.

    Integers are identical on every platform, so decisions should be taken with these.
    """
    box = np.empty(shape, np.uint32)
    for index, inside, overlap in tiles_covering(origin, shape):
        draw = tile_generator(seed, stream, index).integers(
            0, 1 << 32, size=(TILE, TILE, TILE), dtype=np.uint32
        )
        box[inside] = draw[overlap]
    return box


def correlated_noise(
    origin: Index, shape: Shape, *, seed: int, stream: int = 0, sigma: float = 0.0
) -> NDArray[np.float32]:
    """Normal noise of unit variance, smoothed by a Gaussian of `sigma` voxels.

    Reconstructed slices show such a noise, because the filter of the back-projection and the
    interpolation of the rays tie neighbouring voxels together. `sigma` 0 is white noise.
    """
    if sigma < 0:
        raise ValueError(f"sigma must be zero or positive, got {sigma}")
    if sigma == 0:
        return white_noise(origin, shape, seed=seed, stream=stream)
    weights = _unit_variance_weights(sigma)
    halo = len(weights) // 2
    start = (origin[0] - halo, origin[1] - halo, origin[2] - halo)
    extent = (shape[0] + 2 * halo, shape[1] + 2 * halo, shape[2] + 2 * halo)
    return blur(white_noise(start, extent, seed=seed, stream=stream), weights)


@lru_cache(maxsize=16)
def _unit_variance_weights(sigma: float) -> NDArray[np.float32]:
    weights = gaussian_weights(sigma).astype(np.float64)
    return (weights / np.sqrt(np.sum(weights**2))).astype(np.float32)
