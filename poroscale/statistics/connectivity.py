"""Clusters of a phase: how much of it is connected, and whether it reaches through the volume.

The box around a cluster says whether it touches both faces of the volume along an axis, so that
clusters are counted but never painted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Components, Run, count_components
from poroscale.identity import kernel
from poroscale.statistics.phases import PhaseMap
from poroscale.volume import Shape, Volume

AXES = ("z", "y", "x")


@dataclass(frozen=True)
class Connectivity:
    """Clusters of a phase.

    Attributes
    ----------
    neighbours
        Voxels that count as touching: 6 share a face, 26 a corner.
    clusters
        Number of clusters.
    voxels
        Voxels of the phase.
    connected_fraction
        Share of them in the largest cluster; NaN without a voxel.
    percolates
        For z, y, x: whether a cluster touches both faces of the volume. None along an axis of one
        voxel, as z of an image: there is no way to go.
    percolating_fraction
        For z, y, x: share of the voxels in clusters that do; NaN without a voxel, None as above.
    """

    neighbours: int
    clusters: int
    voxels: int
    connected_fraction: float
    percolates: tuple[bool | None, bool | None, bool | None]
    percolating_fraction: tuple[float | None, float | None, float | None]


def connectivity(
    volume: Volume,
    phases: PhaseMap,
    value: int,
    *,
    connectivity: int = 6,
    inside: Volume | None = None,
    run: Run | None = None,
) -> Connectivity:
    """The clusters of a phase.

    Equal to labelling the whole array, for every grid.

    Parameters
    ----------
    volume, phases, value
        The volume, its phase values, and the value that is measured.
    connectivity
        Neighbours of a voxel, 6 or 26 (or 18).
    inside
        Mask of the same shape; voxels where it is zero do not count, and connect nothing.
    run
        Memory, workers and cluster; changes no number.

    Raises
    ------
    ValueError
        If the volume does not hold the value, the mask has another shape, or the neighbours are
        none of those.
    """
    table = count_components(
        clusters_of(phases, value, connectivity), inputs_of(volume, inside), run=run
    )
    columns = {str(name): column.to_numpy() for name, column in table.items()}
    return connectivity_of(columns, volume.shape, neighbours=connectivity)


def connectivity_of(
    columns: Mapping[str, NDArray[np.int64]], shape: Shape, *, neighbours: int
) -> Connectivity:
    """What the table of all clusters of a volume of a shape says, by its columns."""
    sizes = columns["voxel_count"]
    total = int(sizes.sum())
    ways = [_through(columns, axis, shape) for axis in range(3)]
    z, y, x = ((None if way is None else bool(way > 0)) for way in ways)
    shares = [None if way is None else way / total if total else float("nan") for way in ways]
    return Connectivity(
        neighbours,
        len(sizes),
        total,
        int(sizes.max()) / total if total else float("nan"),
        (z, y, x),
        (shares[0], shares[1], shares[2]),
    )


def _through(columns: Mapping[str, NDArray[np.int64]], axis: int, shape: Shape) -> int | None:
    """Voxels in clusters that touch both faces along an axis."""
    if shape[axis] == 1:
        return None
    name = AXES[axis]
    spans = (columns[f"{name}0"] == 0) & (columns[f"{name}1"] == shape[axis])
    return int(columns["voxel_count"][spans].sum())


def clusters_of(phases: PhaseMap, value: int, neighbours: int) -> Components:
    """The clusters of a phase as components; their inputs are `inputs_of`.

    Raises
    ------
    ValueError
        If the volume does not hold the value.
    """
    phases.code(value)
    if neighbours not in (6, 18, 26):
        raise ValueError(f"`connectivity` must be 6, 18 or 26, got {neighbours}")
    return Components(_foreground, neighbours, {"value": value})


def inputs_of(volume: Volume, inside: Volume | None) -> Sequence[Volume]:
    """The volume, and the mask if there is one.

    Raises
    ------
    ValueError
        If the mask has another shape.
    """
    if inside is None:
        return [volume]
    if inside.shape != volume.shape:
        raise ValueError(
            f"the mask {inside.path} must have the shape {volume.shape} of {volume.path}, "
            f"got {inside.shape}"
        )
    return [volume, inside]


@kernel("statistics.clusters")
def _foreground(
    block: NDArray[Any], inside: NDArray[Any] | None = None, *, value: int
) -> NDArray[np.uint8]:
    found = block == value
    if inside is not None:
        found &= inside != 0
    return found.view(np.uint8)
