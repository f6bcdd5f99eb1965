"""The surface of a part along the rays of its frame, block by block.

Of several crossings along a ray the outermost is the surface: what a gauge or a light would touch.
Such a cell is an overhang, and a smooth average stands in its place in the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Halo, Pass, Reduction, Run, reduce_pass
from poroscale.identity import kernel
from poroscale.kernels.maps.unrolling import HALO, Rays, crossings, keep_outermost
from poroscale.surfaces.config import SurfaceConfig
from poroscale.surfaces.flags import GAP, OPEN_PORE, OVERHANG, fill_flagged, flag_cells
from poroscale.surfaces.frame import Frame
from poroscale.volume import Index, Volume

MAP_BYTES = 120.0
"""Bytes of the driving process per ray: the maps, and what fills, filters and measures them."""
LEAST_LENGTH = 30.0
"""Voxels that the surroundings of an open pore measure at least: in a coarse scan a pore would
otherwise be its own surroundings."""
RAY_BYTES = 2.0
"""Beside a voxel: the padded copy of its block, and the crossings, far fewer than voxels."""


OUTLINE = Pass(
    "outline",
    reads=(np.uint8,),
    halo=Halo.of(HALO, pad="edge"),
    temporary=RAY_BYTES,
)
"""The pass in which few rays meet the surface."""


def surface_pass(cells: int) -> Pass:
    """The pass in which `cells` rays meet the surface, and all maps of the part at once."""
    return OUTLINE.but(title="surface", driver=int(MAP_BYTES * cells))


def unroll(
    phases: Volume, frame: Frame, config: SurfaceConfig, *, run: Run
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Distance [voxel] and flags of every ray, each (faces, rows, columns)."""
    maps, flags = [], []
    closed = frame.part == "cylinder"
    length = max(config.notch_um / phases.voxel_size[0], LEAST_LENGTH)
    notch = (length, config.notch_depth)
    sheets = frame.sheets()
    declared = surface_pass(sum(rays.rows * len(rays.along) for rays in sheets))
    for rays in sheets:
        distance, marks = surface_along(phases, rays, declared=declared, run=run)
        marks |= flag_cells(distance, marks, notch, periodic=closed)
        maps.append(fill_flagged(distance, marks, periodic=closed))
        flags.append(marks)
    return np.stack(maps), np.stack(flags)


def surface_along(
    phases: Volume, rays: Rays, *, declared: Pass = OUTLINE, run: Run
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Outermost crossing [voxel] of each ray and its flags, both (rows, columns); NaN in gaps."""
    shape = (rays.rows, len(rays.along))
    collect = partial(_collect, size=shape[0] * shape[1])
    reduction = Reduction(_cross, collect, lambda found: found, located=True)
    found = reduce_pass(declared.but(kernel=reduction, parameters={"rays": rays}), phases, run=run)
    if isinstance(found, Mapping):  # one block: nothing was combined
        found = _collect(None, found, size=shape[0] * shape[1])
    distance, count, pore = found
    flags = np.zeros(len(count), np.uint8)
    flags[count > 1] |= OVERHANG
    flags[pore > 0] |= OPEN_PORE
    flags[count == 0] = GAP
    return distance.reshape(shape), flags.reshape(shape)


@kernel("surface.cross")
def _cross(block: NDArray[np.uint8], *, origin: Index, rays: Rays) -> dict[str, NDArray[Any]]:
    if block.all() or not block.any():
        empty = np.zeros(0, np.int64)
        return {"number": empty, "distance": empty.astype(np.float32), "pore": empty.astype("u1")}
    z, y, x = (n - 2 * HALO for n in block.shape)
    number, distance, pore = crossings(block, origin, (z, y, x), rays)
    return {"number": number, "distance": distance, "pore": pore}


def _collect(so_far: Any, found: Any, *, size: int) -> Any:
    """State of every ray after one more block; six bytes a ray, however many blocks."""
    if so_far is None or isinstance(so_far, Mapping):
        first = so_far
        so_far = (np.full(size, np.nan, np.float32), np.zeros(size, "u1"), np.zeros(size, "u1"))
        if first is not None:
            so_far = _collect(so_far, first, size=size)
    keep_outermost(so_far, found["number"], found["distance"], found["pore"])
    return so_far
