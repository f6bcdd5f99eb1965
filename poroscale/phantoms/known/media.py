"""Porous media of exactly the porosity asked for: foams, random fields, packed grains, plugs.

Each is a function of the point, levelled where it gives the porosity, on a grid of two sub-voxels
along each edge of a voxel. What is filled of each voxel is the share of its eight sub-voxels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.parts.nearest_ball import nearest_ball
from poroscale.phantoms.known.bodies import Body, Shape, depths, everywhere
from poroscale.phantoms.known.parts import sphere, through_cylinder, upright_box

FloatArray = NDArray[np.float32]
SPLIT = 2
FOAM = (0.15, 0.75)
FIELD = (0.05, 0.85)
GRAINS = (0.2, 0.5)
PLUG = (0.08, 0.35)
"""Porosities that are drawn."""
HARD_CORE = 1.7
"""Distance that the centres of two grains keep, in mean radii."""
PATIENCE = 400
"""Draws in a row that place no grain before the packing is dense."""


class Medium(NamedTuple):
    """A porous medium: the share of each voxel that is part, and solid; the porosity asked for."""

    part: FloatArray
    solid: FloatArray
    asked: float


Draw = Callable[[Shape, np.random.Generator], Medium]


def foam(shape: Shape, rng: np.random.Generator) -> Medium:
    """Overlapping balls inside a skin of 3 to 6 voxels."""
    body = (through_cylinder, upright_box, sphere)[rng.integers(3)](shape, rng)
    asked, skin, radius = rng.uniform(*FOAM), rng.uniform(3, 6), rng.uniform(4, 12)
    count = int(2 * np.prod(shape) / (4 / 3 * np.pi * radius**3)) + 1
    centres = rng.uniform(0, 1, (count, 3)) * shape
    height = _balls(centres, radius * rng.uniform(0.6, 1.4, count), shape, reach=1.4)
    return _levelled(body, height, asked=asked, skin=skin)


def random_field(shape: Shape, rng: np.random.Generator) -> Medium:
    """A levelled Gaussian field that fills the frame."""
    return _levelled(everywhere(), _field(shape, rng), asked=rng.uniform(*FIELD))


def grains(shape: Shape, rng: np.random.Generator) -> Medium:
    """Packed and grown together balls that fill the frame."""
    return _levelled(everywhere(), _grains(shape, rng), asked=rng.uniform(*GRAINS))


def plug(shape: Shape, rng: np.random.Generator) -> Medium:
    """A cylinder of sandstone in air, whose pores open to the air; its envelope is the part."""
    body = through_cylinder(shape, rng)
    height = _grains(shape, rng) if rng.random() < 0.5 else _field(shape, rng)
    return _levelled(body, height, asked=rng.uniform(*PLUG))


def _levelled(body: Body, height: FloatArray, *, asked: float, skin: float = -1.0) -> Medium:
    """Pores where `height` is least, deeper than `skin`, as many as make up the porosity."""
    z, y, x = (n // SPLIT for n in height.shape)
    depth = depths(body, (z, y, x), SPLIT)
    part, inside = depth > 0, depth > max(skin, 0)
    heights = height[inside]
    rank = round(asked * np.count_nonzero(part))
    if rank > 0.92 * len(heights):
        rank = int(0.92 * len(heights))
    level = np.partition(heights, rank)[rank]
    solid = part & ~(inside & (height < level))
    return Medium(_shares(part), _shares(solid), rank / np.count_nonzero(part))


def _shares(fine: NDArray[np.bool_]) -> FloatArray:
    z, y, x = (n // SPLIT for n in fine.shape)
    parts = fine.reshape(z, SPLIT, y, SPLIT, x, SPLIT)
    return parts.mean(axis=(1, 3, 5), dtype=np.float32)


def _balls(
    centres: NDArray[np.float64], radii: NDArray[np.float64], shape: Shape, *, reach: float
) -> FloatArray:
    fine = tuple(n * SPLIT for n in shape)
    return np.asarray(nearest_ball(centres * SPLIT, radii * SPLIT, fine, reach))


def _field(shape: Shape, rng: np.random.Generator) -> FloatArray:
    """A Gaussian field whose Gaussian of smoothing has 1.5 to 5 voxels, between the voxels too."""
    from scipy.ndimage import gaussian_filter

    noise = rng.standard_normal(shape, np.float32)
    field = gaussian_filter(noise, rng.uniform(1.5, 5), mode="wrap")
    for axis in range(3):
        field = _between(field, axis)
    return field


def _between(field: FloatArray, axis: int) -> FloatArray:
    """Linear interpolation at a quarter of a voxel to both sides along an axis; periodic."""
    own = np.float32(0.75) * field
    pair = [own + np.float32(0.25) * np.roll(field, shift, axis) for shift in (1, -1)]
    shape = list(field.shape)
    shape[axis] *= 2
    return np.stack(pair, axis=axis + 1).reshape(shape)


def _grains(shape: Shape, rng: np.random.Generator) -> FloatArray:
    """Least, so first a pore, where the distance to the nearest grain is greatest."""
    radius = rng.uniform(5, 11)
    low, high = np.full(3, -radius), np.array(shape) + radius
    centres = np.empty((0, 3))
    idle = 0
    while idle < PATIENCE:
        place = rng.uniform(low, high)
        close = ((centres - place) ** 2).sum(axis=1) < (HARD_CORE * radius) ** 2
        idle = idle + 1 if close.any() else 0
        if not close.any():
            centres = np.vstack([centres, place])
    return -_balls(centres, radius * rng.uniform(0.85, 1.15, len(centres)), shape, reach=2.0)


MEDIA: dict[str, Draw] = {
    "foam": foam,
    "field": random_field,
    "grains": grains,
    "plug": plug,
}
"""Name of a kind -> what draws its medium."""
