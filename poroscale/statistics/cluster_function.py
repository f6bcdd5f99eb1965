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
from numpy.typing import DTypeLike, NDArray

from poroscale.engine import (
    Halo,
    JobPlan,
    LabelPass,
    Pass,
    Reduction,
    Run,
    label_blocks,
    plan_job,
    reduce_pass,
)
from poroscale.engine.passes import named
from poroscale.identity import kernel
from poroscale.kernels.phases.cluster_pairs import equal_pairs
from poroscale.kernels.phases.codes import OUTSIDE
from poroscale.statistics.connectivity import (
    AXES,
    Connectivity,
    clusters_of,
    connectivity_of,
    inputs_of,
)
from poroscale.statistics.phases import PhaseMap
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
    clusters
        What `connectivity` says of the clusters.
    """

    together: NDArray[np.int64]
    inside: NDArray[np.int64]
    clusters: Connectivity

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
    volume, phases, value
        The volume, its phase values, and the value that is measured.
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
        labelled = label_blocks(clusters, inputs, Path(folder) / "clusters.zarr", run=run)
        known = connectivity_of(labelled.columns(), volume.shape, neighbours=connectivity)
        if inside is None and phases.outside is None:
            inputs = []  # Every voxel counts, and the number of pairs follows from the shape.
        found = [_along(axis, [labelled.volume, *inputs], phases, lags, run) for axis in range(3)]
    pairs = [each.get("inside", _all_pairs(volume.shape, k, lags)) for k, each in enumerate(found)]
    return ClusterFunction(np.stack([each["together"] for each in found]), np.stack(pairs), known)


def _all_pairs(shape: Shape, axis: int, lags: int) -> NDArray[np.int64]:
    """Pairs of voxels of a whole volume along an axis."""
    across = prod(shape) // shape[axis]
    return across * np.maximum(0, shape[axis] - np.arange(lags + 1, dtype=np.int64))


def plan_clusters(
    volume: Volume,
    *,
    lags: int | None = None,
    inside: Volume | None = None,
    run: Run | None = None,
) -> JobPlan:
    """The plan of `connectivity`, or of `cluster_function` where there are `lags`."""
    inputs = inputs_of(volume, inside)
    reads = tuple(each.dtype for each in inputs)
    clusters = clusters_of(PhaseMap((0,)), 0, 6)
    labelling = LabelPass.of(clusters, None if lags is None else np.uint32)
    passes: list[Pass] = [labelling.but(title="clusters", reads=reads)]
    if lags is not None:
        labels = (np.dtype(np.uint32), *reads)
        passes += [_pairs_pass(axis, volume.shape, lags, labels) for axis in range(3)]
    return plan_job(volume.spec, named(*passes), run or Run())


def _pairs_pass(axis: int, shape: Shape, lags: int, reads: Sequence[DTypeLike]) -> Pass:
    width = [0, 0, 0]
    width[axis] = min(lags, shape[axis] - 1)
    return Pass(
        f"pairs of clusters along {AXES[axis]}",
        reads=tuple(reads),
        halo=Halo.of((width[0], width[1], width[2])),
        temporary=6.0,
    )


def _along(
    axis: int, inputs: Sequence[Volume], phases: PhaseMap, lags: int, run: Run | None
) -> dict[str, NDArray[np.int64]]:
    shape = inputs[0].shape
    declared = _pairs_pass(axis, shape, lags, [each.dtype for each in inputs])
    declared = declared.but(
        kernel=Reduction(_count_pairs, summed, lambda total: total, located=True),
        parameters={
            "axis": axis,
            "lags": lags,
            "width": declared.halo.width[axis],
            "shape": shape,
            "values": phases.values,
            "outside": phases.outside,
        },
    )
    found: dict[str, NDArray[np.int64]] = reduce_pass(declared, inputs, run=run)
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
