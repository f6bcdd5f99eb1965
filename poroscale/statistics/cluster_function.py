"""C2, the probability that two points a distance apart lie in one cluster of a phase.

It tells apart what S2 cannot: whether the two points are connected (Torquato, Beasley and Chiew
1988). Clusters are those of the whole volume, whatever way connects them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Halo, Reduction, Run, label_blocks, reduce_blocks
from poroscale.identity import kernel
from poroscale.kernels.phases.cluster_pairs import equal_pairs
from poroscale.statistics.connectivity import clusters_of, inputs_of
from poroscale.statistics.phases import OUTSIDE, PhaseMap
from poroscale.statistics.sums import summed
from poroscale.volume import Index, Shape, Volume


@dataclass(frozen=True)
class ClusterFunction:
    """Pairs of voxels along z, y, x at lags 0, 1, 2 ... voxels.

    Attributes
    ----------
    together
        int64 (3, lags + 1) pairs that lie in one cluster of the phase.
    inside
        int64 (3, lags + 1) pairs of which both voxels count.
    """

    together: NDArray[np.int64]
    inside: NDArray[np.int64]

    @property
    def values(self) -> NDArray[np.float64]:
        """C2, float64 (3, lags + 1): at lag 0 the fraction of the phase; NaN without a pair."""
        empty = np.full(self.inside.shape, np.nan)
        return np.divide(self.together, self.inside, out=empty, where=self.inside > 0)


def cluster_function(
    volume: Volume,
    phases: PhaseMap,
    value: int,
    *,
    lags: int,
    connectivity: int = 6,
    inside: Volume | None = None,
    run: Run | None = None,
) -> ClusterFunction:
    """C2 along the axes z, y, x.

    Equal to counting the pairs of the whole array, for every grid. Labels lie in a temporary
    folder meanwhile.

    Parameters
    ----------
    volume
        The phases.
    phases
        Its phase values.
    value
        The phase value.
    lags
        Largest lag [voxels]. An axis that is shorter has no pair at the lags beyond.
    connectivity
        Neighbours of a voxel, 6, 18 or 26.
    inside
        Mask of the same shape; voxels where it is zero do not count.
    run
        Memory, workers and cluster; changes no number.

    Raises
    ------
    ValueError
        If the volume does not hold the value, no axis is longer than `lags`, or the mask has
        another shape.
    """
    if not 0 <= lags < max(volume.shape):
        raise ValueError(
            f"`lags` must be from 0 to {max(volume.shape) - 1}, one voxel less than the longest "
            f"edge of {volume.path}, got {lags}"
        )
    clusters, inputs = clusters_of(phases, value, connectivity), inputs_of(volume, inside)
    with tempfile.TemporaryDirectory(prefix="poroscale-") as folder:
        labels = label_blocks(clusters, inputs, Path(folder) / "clusters.zarr", run=run).volume
        if inside is None and phases.outside is None:
            inputs = []  # Every voxel counts, and the number of pairs follows from the shape.
        found = [_along(axis, [labels, *inputs], phases, lags, run) for axis in range(3)]
    pairs = [each.get("inside", _all_pairs(volume.shape, k, lags)) for k, each in enumerate(found)]
    return ClusterFunction(np.stack([each["together"] for each in found]), np.stack(pairs))


def _all_pairs(shape: Shape, axis: int, lags: int) -> NDArray[np.int64]:
    """Pairs of voxels of a whole volume along an axis."""
    across = prod(shape) // shape[axis]
    return across * np.maximum(0, shape[axis] - np.arange(lags + 1, dtype=np.int64))


def _along(
    axis: int, inputs: Sequence[Volume], phases: PhaseMap, lags: int, run: Run | None
) -> dict[str, NDArray[np.int64]]:
    shape, width = inputs[0].shape, [0, 0, 0]
    width[axis] = min(lags, shape[axis] - 1)
    found: dict[str, NDArray[np.int64]] = reduce_blocks(
        Reduction(_count_pairs, summed, lambda total: total, located=True),
        inputs,
        halo=Halo.of((width[0], width[1], width[2])),
        parameters={
            "axis": axis,
            "lags": lags,
            "width": width[axis],
            "shape": shape,
            "values": phases.values,
            "outside": phases.outside,
        },
        bytes_per_voxel=6.0,
        run=run,
    )
    return found


@kernel("statistics.count_cluster_pairs")
def _count_pairs(
    labels: NDArray[np.uint32],
    block: NDArray[Any] | None = None,
    inside: NDArray[Any] | None = None,
    *,
    origin: Index,
    axis: int,
    lags: int,
    width: int,
    shape: Shape,
    values: tuple[int, ...],
    outside: int | None,
) -> dict[str, NDArray[np.int64]]:
    """Pairs that begin in the block; the halo before it is not looked at."""
    count = labels.shape[axis] - 2 * width
    there = [slice(None)] * 3
    there[axis] = slice(width, width + min(count + width, shape[axis] - origin[axis]))
    place = tuple(there)
    found = {"together": equal_pairs(labels[place], axis, lags, count)}
    if block is None:
        return found
    codes = PhaseMap(tuple(values), outside).codes(
        block[place], None if inside is None else inside[place]
    )
    counted = (codes != OUTSIDE).view(np.uint8)
    return found | {"inside": equal_pairs(counted, axis, lags, count)}
