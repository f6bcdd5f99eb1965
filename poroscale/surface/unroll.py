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

from poroscale.engine import Halo, Reduction, Run, reduce_blocks
from poroscale.engine.plan import Need
from poroscale.identity import kernel
from poroscale.kernels.maps.unrolling import HALO, Rays, crossings, keep_outermost
from poroscale.surface.config import SurfaceConfig
from poroscale.surface.flags import GAP, OPEN_PORE, OVERHANG, fill_flagged, flag_cells
from poroscale.surface.frame import Frame
from poroscale.volume import Index, Volume, VolumeSpec

LEAST_LENGTH = 30.0
"""Voxels that the surroundings of an open pore measure at least: in a coarse scan a pore would
otherwise be its own surroundings."""
RAY_BYTES = 2.0
"""Beside a voxel: the padded copy of its block, and the crossings, far fewer than voxels."""


def need(spec: VolumeSpec) -> Need:
    """What unrolling phases of `spec` takes, and the passes before it do not exceed."""
    return Need(spec.dtype.itemsize, halo=(HALO, HALO, HALO), temporary=max(RAY_BYTES, 4.0))


def unroll(
    phases: Volume, frame: Frame, config: SurfaceConfig, *, run: Run
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Distance [voxel] and flags of every ray, each (faces, rows, columns)."""
    maps, flags = [], []
    closed = frame.part == "cylinder"
    length = max(config.notch_um / phases.voxel_size[0], LEAST_LENGTH)
    notch = (length, config.notch_depth)
    for rays in frame.sheets():
        distance, marks = surface_along(phases, rays, run=run)
        marks |= flag_cells(distance, marks, notch, periodic=closed)
        maps.append(fill_flagged(distance, marks, periodic=closed))
        flags.append(marks)
    return np.stack(maps), np.stack(flags)


def surface_along(
    phases: Volume, rays: Rays, *, run: Run
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Outermost crossing [voxel] of each ray and its flags, both (rows, columns); NaN in gaps."""
    shape = (rays.rows, len(rays.along))
    reduction = Reduction(
        _cross, partial(_collect, size=shape[0] * shape[1]), lambda found: found, located=True
    )
    found = reduce_blocks(
        reduction,
        phases,
        halo=Halo.of(HALO, pad="edge"),
        parameters={"rays": rays},
        bytes_per_voxel=RAY_BYTES,
        run=run,
    )
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


def _collect(so_far: Any, gift: Any, *, size: int) -> Any:
    """What is known of every ray, with one more block; six bytes a ray, however many blocks."""
    if so_far is None or isinstance(so_far, Mapping):
        first = so_far
        so_far = (np.full(size, np.nan, np.float32), np.zeros(size, "u1"), np.zeros(size, "u1"))
        if first is not None:
            so_far = _collect(so_far, first, size=size)
    keep_outermost(so_far, gift["number"], gift["distance"], gift["pore"])
    return so_far
