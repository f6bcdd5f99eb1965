"""Precipitates of a phantom micrograph, decided for any box without the rest of the image.

The plane is cut into cells. What is offered a place in a cell is drawn by a generator of its own,
so that it follows from seed, image and cell. A precipitate is left out where it would touch a
larger one that is offered (hard-core thinning of Matérn, second kind): this looks no further than
twice the largest radius.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import ceil, pi

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.noise import tile_generator
from poroscale.phantoms.micrographs.law import Population

CELL = 64
"""Edge of a cell [pixels]. Part of the definition of the images."""
OFFERED = 700
"""Stream of the precipitates."""
GAP = 1.5
"""Distance that two precipitates keep at least [pixels]."""
LONGEST_TAIL = 2.5
"""Standard deviations of the logarithm of the radius after which its tail is cut."""
SLENDER, LOBES = 0.35, 0.15
"""Largest flattening of an ellipse, and height of the three lobes of its rim, both as shares."""
Y, X, RADIUS, FLAT, TURN, LOBE, CONTRAST, LARGE = range(8)
"""Columns of a table of precipitates; places and radii in pixels, angles in radians."""
COLUMNS = 8
Precipitates = NDArray[np.float64]


def precipitate_reach(population: Population) -> float:
    """Distance from its centre that a precipitate may have at most [pixels]."""
    largest = population.radius * np.exp(LONGEST_TAIL * population.spread)
    if population.large:
        largest = max(largest, population.large_radius[1])
    return float(largest) * (1 + SLENDER) * (1 + LOBES)


def precipitates_near(
    origin: tuple[int, int],
    shape: tuple[int, int],
    *,
    population: Population,
    seed: int,
    image: int,
) -> Precipitates:
    """The precipitates that may meet a box, (n, 8), in an order that the box does not change.

    Parameters
    ----------
    origin, shape
        The box (y, x) [pixels]; its origin may be negative.
    population
        The law of the image.
    seed, image
        Key of the image.
    """
    reach = precipitate_reach(population)
    wide = ceil(3 * reach + GAP)
    offered = np.concatenate(
        [_cell(y, x, population, seed, image) for y, x in _cells(origin, shape, wide)]
    )
    near = _meeting(offered, origin, shape, reach)
    return near[_stays(near, offered)]


def _cells(
    origin: tuple[int, int], shape: tuple[int, int], margin: int
) -> Iterator[tuple[int, int]]:
    """Cells that a box with a margin around it meets."""
    rows, columns = (
        range((o - margin) // CELL, (o + n + margin) // CELL + 1)
        for o, n in zip(origin, shape, strict=True)
    )
    yield from product(rows, columns)


def _cell(y: int, x: int, population: Population, seed: int, image: int) -> Precipitates:
    """What is offered a place in a cell."""
    generator = tile_generator(seed, OFFERED, (image, y, x))
    expected = np.array([population.density, population.large]) * CELL**2 / 1e6
    common, large = (int(each) for each in generator.poisson(expected))
    count = common + large
    found = np.empty((count, COLUMNS))
    found[:, Y] = CELL * (y + generator.random(count))
    found[:, X] = CELL * (x + generator.random(count))
    tail = np.clip(generator.standard_normal(count), -LONGEST_TAIL, LONGEST_TAIL)
    low, high = population.large_radius
    found[:, RADIUS] = population.radius * np.exp(population.spread * tail)
    found[common:, RADIUS] = low + (high - low) * generator.random(large)
    found[:, FLAT] = 1 + SLENDER * generator.random(count)
    found[:, TURN] = pi * generator.random(count)
    found[:, LOBE] = 2 * pi * generator.random(count)
    found[:, CONTRAST] = population.contrast * (0.8 + 0.4 * generator.random(count))
    found[:, LARGE] = np.arange(count) >= common
    return found


def _meeting(
    found: Precipitates, origin: tuple[int, int], shape: tuple[int, int], reach: float
) -> Precipitates:
    inside = np.ones(len(found), bool)
    for column, o, n in zip((Y, X), origin, shape, strict=True):
        inside &= (found[:, column] > o - reach) & (found[:, column] < o + n + reach)
    return found[inside]


def _stays(near: Precipitates, offered: Precipitates) -> NDArray[np.bool_]:
    """Whether each keeps its place: no larger one that was offered touches it."""
    from scipy.spatial import cKDTree

    stays = np.ones(len(near), bool)
    if not len(near):
        return stays
    farthest = 2 * float(_outer(offered).max()) + GAP
    trees = (cKDTree(each[:, [Y, X]]) for each in (near, offered))
    pairs = next(trees).sparse_distance_matrix(next(trees), farthest, output_type="coo_matrix")
    one, other = near[pairs.row], offered[pairs.col]
    touch = np.hypot(one[:, Y] - other[:, Y], one[:, X] - other[:, X])
    touch -= _outer(one) + _outer(other) + GAP
    stays[pairs.row[(touch < 0) & (other[:, RADIUS] > one[:, RADIUS])]] = False
    return stays


def _outer(found: Precipitates) -> NDArray[np.float64]:
    """Distance from the centre within which each lies [pixels]."""
    return np.asarray(found[:, RADIUS] * np.sqrt(found[:, FLAT]) * (1 + LOBES))


def paint_precipitate(one: NDArray[np.float64]) -> tuple[tuple[int, int], NDArray[np.float32]]:
    """The share of each pixel that a precipitate covers: first pixel (y, x), and shares.

    The frame follows from the precipitate alone, so that no box changes a bit of it.
    """
    half = ceil(float(one[RADIUS]) * np.sqrt(one[FLAT]) * (1 + LOBES)) + 2
    first = int(np.floor(one[Y])) - half, int(np.floor(one[X])) - half
    along = np.arange(2 * half + 1) + 0.5
    dy, dx = (along + first[0] - one[Y])[:, None], (along + first[1] - one[X])[None, :]
    cos, sin = np.cos(one[TURN]), np.sin(one[TURN])
    u = (cos * dx + sin * dy) / np.sqrt(one[FLAT])
    v = (cos * dy - sin * dx) * np.sqrt(one[FLAT])
    rim = one[RADIUS] * (1 + LOBES * np.cos(3 * np.arctan2(v, u) + one[LOBE]))
    share = np.clip(0.5 + rim - np.hypot(u, v), 0, 1)
    return first, share.astype(np.float32)
