"""The plan of a part: its outline and the list of its pores, drawn before any voxel is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.noise import tile_generator
from poroscale.kernels.parts.analytic_shapes import (
    CENTRE,
    EXTENT,
    FRAME,
    enclosing_axes,
    shape_volumes,
)
from poroscale.kernels.parts.phantom_outline import CYLINDER, Outline
from poroscale.kernels.parts.sequential_placement import cells_of, place_in_order
from poroscale.phantoms.candidates import PoreCandidates, draw_candidates
from poroscale.phantoms.config import PhantomConfig
from poroscale.phantoms.streams import PORES
from poroscale.phantoms.surface import draw_outline

FloatArray = NDArray[np.float64]
Index = tuple[int, int, int]
Shape = tuple[int, int, int]

GAP = 4.0
"""Voxels between two pores, so that a blurred scan still shows two."""
PATIENCE = 12
"""Draws in a row that place nothing before the part is full."""
LARGEST_DRAW = 150_000
"""PoreCandidates at a time: 35 MB of parameters, whatever the size of the part."""


@dataclass(frozen=True, eq=False)
class PhantomPlan:
    """A part to be rendered.

    Attributes
    ----------
    outline : Outline
    pores : ndarray of float64, shape (n, COLUMNS)
        Sorted by the z of their centre; pore i has id i + 1.
    kinds : ndarray of int64, shape (n,)
        Index into `candidates.CLASSES`.
    tallest : float
        Largest half extent along z, in voxels.
    """

    outline: Outline
    pores: FloatArray
    kinds: NDArray[np.int64]
    tallest: float

    def near(self, origin: Index, shape: Shape) -> NDArray[np.int64]:
        """Indices of the pores whose bounding box, with two voxels more, meets a box."""
        reach = self.tallest + 2
        heights = self.pores[:, 0]
        first = int(np.searchsorted(heights, origin[0] - reach, side="left"))
        last = int(np.searchsorted(heights, origin[0] + shape[0] + reach, side="right"))
        slab = self.pores[first:last]
        low, high = np.array(origin) - 2, np.array(origin) + np.array(shape) + 2
        meets = np.all(
            (slab[:, CENTRE] + slab[:, EXTENT] > low) & (slab[:, CENTRE] - slab[:, EXTENT] < high),
            axis=1,
        )
        return np.flatnonzero(meets) + first


_LOCK = Lock()


def phantom_plan(config: PhantomConfig) -> PhantomPlan:
    """The plan of a configuration: drawn once in each process, then remembered.

    Raises
    ------
    ValueError
        Where so many pores do not fit.
    """
    with _LOCK:
        return _draw_plan(config)


@lru_cache(maxsize=2)
def _draw_plan(config: PhantomConfig) -> PhantomPlan:
    outline = draw_outline(config)
    chosen = _place(config, outline)
    order = np.lexsort((chosen.pores[:, 2], chosen.pores[:, 1], chosen.pores[:, 0]))
    chosen = chosen.select(order)
    pores = np.ascontiguousarray(chosen.pores)
    tallest = float(pores[:, 24].max()) if len(pores) else 0.0
    return PhantomPlan(outline, pores, chosen.kinds, tallest)


def _place(config: PhantomConfig, outline: Outline) -> PoreCandidates:
    target = config.porosity * part_volume(config, outline)
    kept = draw_candidates(0, tile_generator(config.seed, PORES), config=config, outline=outline)
    typical = _typical_volume(config, outline)
    placed, idle, draw = 0.0, 0, 0
    while placed < 0.99 * target and idle < PATIENCE:
        draw += 1
        generator = tile_generator(config.seed, PORES, (draw, 0, 0))
        # About one draw in five survives the intensity and the surface.
        count = min(int(5 * (target - placed) / typical) + 200, LARGEST_DRAW)
        both = kept.join(draw_candidates(count, generator, config=config, outline=outline))
        before = len(kept.kinds)
        kept = both.select(_fitting(both, config, fixed=before, target=target))
        placed = float(_volumes_inside(kept.pores, config.shape).sum())
        idle = idle + 1 if len(kept.kinds) == before else 0
    # In a part that holds a handful of pores their number decides, and no part is refused.
    if target - placed > max(0.1 * target, 3 * typical):
        reached = config.porosity * placed / target
        raise ValueError(
            f"porosity must be one that the part can hold without pores touching, got "
            f"{config.porosity} where {reached:.4f} was reached: lower it or pore_diameter"
        )
    return kept


def _typical_volume(config: PhantomConfig, outline: Outline) -> float:
    sample = draw_candidates(
        4000, tile_generator(config.seed, PORES), config=config, outline=outline
    )
    volumes = shape_volumes(sample.pores)
    return float(volumes.mean()) if len(volumes) else 30.0


def _fitting(
    both: PoreCandidates, config: PhantomConfig, *, fixed: int, target: float
) -> NDArray[np.bool_]:
    spans = enclosing_axes(both.pores)[:, :, None] * both.pores[:, FRAME].reshape(-1, 3, 3)
    reach = float(np.sqrt((spans**2).sum(axis=2)).max()) if len(spans) else 1.0
    centres = np.ascontiguousarray(both.pores[:, CENTRE])
    volumes = _volumes_inside(both.pores, config.shape)
    if not len(centres):
        return np.zeros(0, np.bool_)
    cells = cells_of(centres, 2 * reach + GAP)
    return np.asarray(place_in_order(centres, spans, cells, volumes, fixed, target, GAP))


def _volumes_inside(pores: FloatArray, shape: Shape) -> FloatArray:
    """Volumes in voxels, less what the end faces of the volume cut off (exact for ellipsoids)."""

    def share_below(height: float) -> FloatArray:
        t = np.clip((height - pores[:, 0]) / np.maximum(pores[:, 24], 1e-9), -1, 1)
        return np.asarray((2 + 3 * t - t**3) / 4)

    return shape_volumes(pores) * (share_below(shape[0]) - share_below(0.0))


def part_volume(config: PhantomConfig, outline: Outline) -> float:
    """Volume of the nominal part inside the volume, in voxels."""
    section = math.pi * outline.radius**2 if outline.kind == CYLINDER else 4 * outline.radius**2
    height = min(outline.top, config.shape[0]) - max(outline.bottom, 0.0)
    return section * height
