"""Separate pores in a part: how large, of what form, how deep, and where."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.parts.analytic_shapes import (
    AXES,
    CENTRE,
    COLUMNS,
    FRAME,
    enclosing_axes,
    shape_volumes,
    with_extents,
)
from poroscale.phantoms.candidates import KEYHOLE, LACK_OF_FUSION, draw_shapes, frames

Array = NDArray[np.float64]

FORMS = ("balls", "ellipsoids", "flat", "keyhole", "mixed")
SIZES = ("lognormal", "uniform")
SMALLEST, LARGEST = 1.5, 12.0
"""Radii of the balls of equal volume, in voxels."""
SHALLOWEST = 4.0
FEWEST, MOST = 3, 400
"""Pores of a scan, as far as they find a place."""
TRIES = 60
"""Places that are tried for a pore before it is left out."""
GAP = 3.0
"""Voxels between two pores."""


class PoreLaw(NamedTuple):
    """Settings for drawing the pores of a scan.

    Attributes
    ----------
    form, sizes
        One of `FORMS`, and of `SIZES`.
    radius, spread
        Median and deviation of the logarithm, or smallest radius and range [voxels].
    asked
        Porosity at which no further pore is drawn.
    margin
        Least distance of a pore to the surface [voxels]; less in a thin part, but 4 at least.
    """

    form: str
    sizes: str
    radius: float
    spread: float
    asked: float
    margin: float


def draw_law(rng: np.random.Generator) -> PoreLaw:
    """A random law."""
    form, sizes = FORMS[rng.integers(len(FORMS))], SIZES[rng.integers(len(SIZES))]
    if sizes == "lognormal":
        radius, spread = rng.uniform(1.8, 4.5), rng.uniform(0.2, 0.5)
    else:
        radius, spread = rng.uniform(1.5, 3), rng.uniform(1, 9)
    asked = float(np.exp(rng.uniform(np.log(0.001), np.log(0.03))))
    return PoreLaw(form, sizes, radius, spread, asked, rng.uniform(4, 10))


def pores_in(
    law: PoreLaw, volume: float, depth: NDArray[np.float32], rng: np.random.Generator
) -> Array:
    """Pores of a part, by a law.

    Parameters
    ----------
    law
        Settings for drawing them.
    volume
        Volume of the part [voxels].
    depth
        Depth of the voxels below the surface [voxels]; a lower bound only keeps pores deeper.
    rng
        Draws sizes, shapes and places.

    Returns
    -------
    ndarray of float64, shape (n, COLUMNS)
        Rows of `pore_shapes`, largest first.
    """
    deepest = float(depth.max())
    margin = min(law.margin, max(SHALLOWEST, 0.45 * deepest))
    pores = _fitting(_drawn(law, rng), deepest - margin - 0.5)
    before = np.cumsum(shape_volumes(pores)) - shape_volumes(pores)
    pores = pores[: max(FEWEST, int(np.searchsorted(before, law.asked * volume)))]
    return _placed(pores, depth, margin, rng)


def _drawn(law: PoreLaw, rng: np.random.Generator) -> Array:
    """More pores than are needed, at the origin."""
    if law.sizes == "lognormal":
        radii = law.radius * np.exp(law.spread * rng.standard_normal(MOST))
    else:
        radii = law.radius + law.spread * rng.random(MOST)
    return _shaped(2 * np.clip(radii, SMALLEST, LARGEST), law.form, rng)


def _shaped(diameters: Array, form: str, rng: np.random.Generator) -> Array:
    if form == "mixed":
        each = [_shaped(diameters, name, rng) for name in FORMS[:-1]]
        return np.asarray(np.array(each)[rng.integers(len(each), size=MOST), np.arange(MOST)])
    if form in ("flat", "keyhole"):
        kind = LACK_OF_FUSION if form == "flat" else KEYHOLE
        return draw_shapes(np.full(len(diameters), kind), diameters, rng)
    pores = np.zeros((len(diameters), COLUMNS))
    ratios = np.ones((len(diameters), 3))
    if form == "ellipsoids":
        ratios = rng.uniform(0.5, 1.0, ratios.shape)
    scale = 0.5 * diameters / np.cbrt(ratios.prod(axis=1))
    pores[:, AXES] = ratios * scale[:, None]
    tilt = np.arccos(rng.uniform(-1, 1, len(pores)))
    pores[:, FRAME] = frames(tilt, *rng.uniform(0, 2 * np.pi, (2, len(pores))))
    return pores


def _fitting(pores: Array, room: float) -> Array:
    """The pores, of which those that reach further than `room` shrink."""
    reach = enclosing_axes(pores).max(axis=1)
    pores[:, AXES] *= np.minimum(1, max(room, 1.0) / reach)[:, None]
    return pores


def _placed(
    pores: Array, depth: NDArray[np.float32], margin: float, rng: np.random.Generator
) -> Array:
    """The pores that find a place, largest first."""
    reach = enclosing_axes(pores).max(axis=1)
    inside = np.flatnonzero(depth > margin + reach.min())
    taken: list[int] = []
    for i in np.argsort(-reach, kind="stable"):
        others = np.array(taken, np.int64)
        for _ in range(TRIES if len(inside) else 0):
            voxel = np.unravel_index(inside[rng.integers(len(inside))], depth.shape)
            if depth[voxel] <= margin + reach[i]:
                continue
            place = np.array(voxel) + rng.random(3)
            away = np.linalg.norm(pores[others][:, CENTRE] - place, axis=1)
            if (away > reach[i] + reach[others] + GAP).all():
                pores[i, CENTRE] = place
                taken.append(int(i))
                break
    return with_extents(pores[taken])
