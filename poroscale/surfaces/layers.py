"""Position of a part from sums over its layers: the first guess from which rays start."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Pass, Reduction, Run, reduce_pass
from poroscale.identity import kernel
from poroscale.surfaces.frame import Frame
from poroscale.surfaces.no_surface import NoSurfaceError
from poroscale.volume import PHASES, Index, Volume

Floats = NDArray[np.float64]
Partial = Mapping[str, NDArray[Any]]
FEW = 8
"""Layers below which an axis cannot be told from upright."""


def first_frame(phases: Volume, *, run: Run) -> Frame:
    """A cylinder of the part's size around the line through the centroids of its layers.

    Raises
    ------
    ValueError
        If the values are no phases, there is no part, or it touches a side of the volume.
    """
    sums = reduce_pass(LAYERS, phases, run=run)
    if sums["highest"] > max(PHASES.values()):
        raise ValueError(
            f"{phases.path} must hold phases (0 outside, 1 solid, 2 pore), "
            f"got a value of {sums['highest']}"
        )
    table = np.zeros((phases.shape[0], 3))
    np.add.at(table, sums["z"], sums["sums"])
    area = table[:, 0]
    if not area.any():
        raise ValueError(f"{phases.path} holds no part: all of it is outside")
    _check_sides(phases, sums["box"])
    full = area > 0.5 * np.median(area[area > 0])
    z = np.flatnonzero(full).astype(np.float64) + 0.5
    centre = np.asarray(table[full, 1:] / area[full, None] + 0.5, np.float64)
    point, axis = _line(z, centre)
    radius = math.sqrt(float(np.median(area[full])) * axis[0] / math.pi)
    return Frame("cylinder", point, axis, (radius, radius), phases.shape[0])


def _line(z: Floats, centre: Floats) -> tuple[Floats, Floats]:
    """Point at z = 0 and direction of the line through centres (n, 2) at heights (n,)."""
    if len(z) < FEW:
        return np.array([0.0, *centre.mean(axis=0)]), np.array([1.0, 0.0, 0.0])
    slope, offset = np.polyfit(z, centre, 1)
    keep = np.abs(centre - slope * z[:, None] - offset).max(axis=1)
    keep = keep <= 3 * np.median(keep) + 0.1  # layers with a notch lie off the line
    slope, offset = np.polyfit(z[keep], centre[keep], 1)
    axis = np.array([1.0, *slope])
    return np.array([0.0, *offset]), axis / np.linalg.norm(axis)


@kernel("surface.sum_layers")
def _sum_layers(block: NDArray[np.uint8], *, origin: Index) -> dict[str, NDArray[Any]]:
    part = block != 0
    rows, columns = part.sum(axis=2), part.sum(axis=1)
    y = origin[1] + np.arange(block.shape[1])
    x = origin[2] + np.arange(block.shape[2])
    sums = np.stack([rows.sum(axis=1), rows @ y, columns @ x], axis=1).astype(np.float64)
    seen_y, seen_x = y[rows.any(axis=0)], x[columns.any(axis=0)]
    far = 1 << 40
    box = [
        seen_y.min(initial=far),
        seen_x.min(initial=far),
        seen_y.max(initial=-1) + 1,
        seen_x.max(initial=-1) + 1,
    ]
    return {
        "z": origin[0] + np.arange(block.shape[0]),
        "sums": sums,
        "box": np.array(box, np.int64),
        "highest": np.asarray(block.max()),
    }


def _join_layers(a: Partial, b: Partial) -> Partial:
    low, high = np.minimum(a["box"], b["box"])[:2], np.maximum(a["box"], b["box"])[2:]
    joined = {name: np.concatenate([a[name], b[name]]) for name in ("z", "sums")}
    highest = np.maximum(a["highest"], b["highest"])
    return {**joined, "box": np.concatenate([low, high]), "highest": highest}


LAYERS = Pass(
    "layers",
    Reduction(_sum_layers, _join_layers, dict, located=True),
    reads=(np.uint8,),
    temporary=3.0,
)
"""The pass of the sums."""


def _check_sides(phases: Volume, box: NDArray[np.int64]) -> None:
    _, ny, nx = phases.shape
    sides = {"y = 0": box[0] == 0, f"y = {ny}": box[2] == ny}
    sides |= {"x = 0": box[1] == 0, f"x = {nx}": box[3] == nx}
    touched = [side for side, touches in sides.items() if touches]
    if touched:
        raise NoSurfaceError(
            f"the surface must lie inside the volume, got a part in {phases.path} that reaches "
            f"{' and '.join(touched)}: there is no outside around it"
        )
