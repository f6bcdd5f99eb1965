"""The plan of a part: all its pores with their places, decided before a voxel is painted.

The process has no ends along z. A window of slabs is decided by drawing slabs beyond it until none
of its candidates is left open, so that the plan is the same for any windows and any order, and the
plan of a longer part begins with that of a shorter one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from poroscale.engine.workers.progress import progress
from poroscale.identity import kernel
from poroscale.kernels.bodies.moments import axis_angles, centroid, principal_axes
from poroscale.kernels.parts.packing import (
    ACCEPTED,
    SLAB,
    TOUCHING,
    UNDECIDED,
    Candidates,
    Spacing,
    decide,
    join_candidates,
)
from poroscale.kernels.parts.voxel_shapes import Shapes, moments
from poroscale.volume import VoxelSize

WINDOW = 4
"""Slabs that are decided at a time."""
KEPT = 64
"""Slabs that are remembered, so that neighbouring windows do not draw them again."""
FARTHEST = 64
"""Slabs beyond a window before the density is called too high to be decided."""


@kernel("parts.Sampler")
class Sampler(Protocol):
    """Candidates slab by slab; `reach` is how far one can stand out of its slab [voxel]."""

    @property
    def reach(self) -> int: ...  # noqa: D102

    def __call__(self, slab: int) -> Candidates: ...  # noqa: D102


@dataclass
class Planner:
    """Decides windows of slabs.

    Attributes
    ----------
    sampler
        Gives the candidates of a slab.
    shapes
        The bank.
    spacing
        Smallest distances of two pores.
    """

    sampler: Sampler
    shapes: Shapes
    spacing: Spacing = TOUCHING
    _drawn: OrderedDict[int, Candidates] = field(default_factory=OrderedDict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def slab(self, number: int) -> Candidates:
        """The candidates of a slab."""
        with self._lock:
            if number in self._drawn:
                return self._drawn[number]
        drawn = self.sampler(number)
        with self._lock:
            self._drawn[number] = drawn
            while len(self._drawn) > KEPT:
                self._drawn.popitem(last=False)
        return drawn

    def window(self, first: int, last: int) -> Candidates:
        """The accepted pores of the slabs from `first` up to, not including, `last`.

        Raises
        ------
        ValueError
            If the candidates stand so close that no finite window decides them.
        """
        halo = 1
        while halo <= FARTHEST:
            low, high = first - halo, last + halo
            parts = [self.slab(number) for number in range(low, high)]
            whole = join_candidates(parts)
            reach = self.sampler.reach
            state = decide(
                whole,
                self.shapes.extents,
                self.shapes.start,
                self.shapes.voxels,
                seen=(low * SLAB + reach, high * SLAB - reach),
                spacing=self.spacing,
            )
            sizes = [part.size for part in parts]
            own = slice(sum(sizes[:halo]), sum(sizes[:halo]) + sum(sizes[halo : len(sizes) - halo]))
            if not (state[own] == UNDECIDED).any():
                chosen = np.flatnonzero(state[own] == ACCEPTED) + own.start
                return whole.select(chosen)
            halo *= 2
        raise ValueError(
            f"density must be one that can be placed: {len(state)} candidates in "
            f"{high - low} slabs depend on each other; lower it"
        )


def place_pores(
    planner: Planner, length: int, *, workers: int = 1, show: bool | None = False
) -> Candidates:
    """Place the pores of a part of `length` voxel layers.

    Parameters
    ----------
    planner
        Candidates and bank.
    length
        Voxel layers; the part is z in [0, length).
    workers
        Threads.
    show
        Draw a progress bar; None draws it on a terminal.

    Returns
    -------
    Candidates
        The accepted ones with a voxel in the part, sorted by (z, y, x) of their corner.
    """
    margin = -(-planner.sampler.reach // SLAB)
    first, last = -margin, -(-length // SLAB) + margin
    starts = range(first, last, WINDOW)

    def decided(start: int) -> Candidates:
        accepted = planner.window(start, min(start + WINDOW, last))
        advance()
        bottom = accepted.corner[:, 0]
        top = bottom + planner.shapes.extents[accepted.shape, 0]
        return accepted.select((top > 0) & (bottom < length))

    with (
        progress("plan of the pores", total=len(starts), done=0, show=show) as advance,
        ThreadPoolExecutor(workers) as pool,
    ):
        pores = join_candidates(list(pool.map(decided, starts)))
    return pores.select(np.lexsort(pores.corner.T[::-1]))


def cut_by_ends(pores: Candidates, shapes: Shapes, length: int) -> NDArray[np.bool_]:
    """(n,) whether a pore goes on beyond the part's first or last layer, or reaches it."""
    bottom = pores.corner[:, 0]
    top = bottom + shapes.extents[pores.shape, 0]
    return np.asarray((bottom < 0) | (top > length))


def plan_table(
    pores: Candidates, shapes: Shapes, columns: Mapping[str, NDArray[Any]], *, length: int
) -> dict[str, NDArray[Any]]:
    """One row per placed pore.

    Parameters
    ----------
    pores, shapes
        The plan and the bank.
    columns
        Measures of the bank, by row.
    length
        Voxel layers of the part.

    Returns
    -------
    dict
        `z0`, `y0`, `x0` (first voxel of the box), `bank_row`, `source`, `opened`, `cut` (goes on
        beyond an end of the part) and the measures of the shape, each (n,).
    """
    where = {f"{axis}0": pores.corner[:, i].astype(np.int64) for i, axis in enumerate("zyx")}
    return {
        **where,
        "bank_row": pores.shape.astype(np.int64),
        "source": pores.source.astype(np.int64),
        "opened": pores.opened,
        "cut": cut_by_ends(pores, shapes, length),
        **{name: values[pores.shape] for name, values in columns.items()},
    }


def placed_ellipsoids(
    pores: Candidates, shapes: Shapes, voxel_size: VoxelSize
) -> dict[str, NDArray[np.float64]]:
    """Centroids, equivalent diameters and ellipsoids of placed pores, named as in the pore table.

    Parameters
    ----------
    pores, shapes
        The plan and the bank.
    voxel_size
        Edges of a voxel (z, y, x) [um].

    Returns
    -------
    dict
        `centroid_z_um`, `centroid_y_um`, `centroid_x_um` from the corner of the part's volume, the
        whole pore's even where an end cuts it; `equivalent_diameter_um`; full axes `axis_long_um`,
        `axis_medium_um`, `axis_short_um` of the ellipsoid of the same moments; angle to z and
        azimuth of the short axis [deg], as the shape's own columns have those of the long one.
    """
    count, sums, seconds = moments(shapes)
    axes = principal_axes(count, sums, seconds=seconds, voxel_size=voxel_size)
    angle, azimuth = axis_angles(axes.direction[:, 2])
    middle = centroid(count, sums) + 0.5
    found = {
        "equivalent_diameter_um": np.cbrt(6 / np.pi * count * np.prod(voxel_size)),
        **{f"axis_{k}_um": axes.length[:, i] for i, k in enumerate(("long", "medium", "short"))},
        "short_axis_angle_deg": angle,
        "short_axis_azimuth_deg": azimuth,
    }
    places = (pores.corner + middle[pores.shape]) * np.array(voxel_size)
    return {
        **{f"centroid_{axis}_um": places[:, i] for i, axis in enumerate("zyx")},
        **{name: np.asarray(values[pores.shape]) for name, values in found.items()},
    }
