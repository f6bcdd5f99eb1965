"""Small scans of parts whose porosity is that of the shares by which their voxels are filled."""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter

from poroscale.phantoms.known.bodies import Body, ball, common, cylinder, depths, filled, layer

SHAPE = (64, 72, 72)
MIDDLE = (32.2, 36.1, 35.8)
AIR, SOLID = 8000.0, 38000.0
BLUR, NOISE = 0.8, 0.04


class Made(NamedTuple):
    """Shares of the voxels that are part, and solid."""

    part: np.ndarray
    solid: np.ndarray

    @property
    def part_volume(self):
        return float(self.part.sum(dtype=float))

    @property
    def porosity(self):
        return 1 - float(self.solid.sum(dtype=float)) / self.part_volume


def bar() -> Body:
    """A cylinder that runs through the frame."""
    return cylinder(MIDDLE, 29.3)


def drum() -> Body:
    """A cylinder with ends inside the frame."""
    return common(bar(), layer(MIDDLE, 25.4))


def with_pores(body=None, *, pores=30, radii=(2.0, 4.5), depth=5, shape=SHAPE, seed=0):
    """A part with separate round pores, `depth` voxels below its surface and more."""
    body = body or bar()
    part, at = filled(body, shape), depths(body, shape)
    rng, solid, taken = np.random.default_rng(seed), part.copy(), []
    places = np.argwhere(at > depth + radii[0])
    places = places[(places > 4).all(axis=1) & (places < np.array(shape) - 5).all(axis=1)]
    for place in rng.permutation(places):
        if len(taken) == pores:
            break
        radius = min(rng.uniform(*radii), float(at[tuple(place)]) - depth)
        centre = place + rng.random(3)
        if radius > radii[0] and all(np.linalg.norm(centre - c) > radius + r + 3 for c, r in taken):
            taken.append((centre, radius))
    for centre, radius in taken:
        solid = np.minimum(solid, 1 - filled(ball(tuple(centre), radius), shape))
    return Made(part, solid)


def grey_of(made, *, blur=BLUR, noise=NOISE, brightness=1.0, added=0.0, seed=1):
    """A scan with air at 0 and solid at 1."""
    grey = gaussian_filter((made.solid * brightness).astype(float), blur, mode="nearest") + added
    return grey + noise * np.random.default_rng(seed).standard_normal(grey.shape)


def stored(grey, dtype=np.uint16, *, air=AIR, solid=SOLID):
    """Grey values of a type."""
    values = air + (solid - air) * grey
    if np.dtype(dtype).kind == "f":
        return values.astype(dtype)
    info = np.iinfo(dtype)
    return np.clip(np.rint(values), info.min, info.max).astype(dtype)
