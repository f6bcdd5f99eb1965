"""Clusters and C2 of a rock, and the same of a whole array by cc3d and numpy."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.benchmarks.describing.counting import statistics_of_mask
from poroscale.benchmarks.describing.entries import LAGS, Timed

NEIGHBOURS = 6


def connecting(scratch: Path, *, mask: str) -> Timed:
    """Clusters of the pores, as `poroscale stats --which connectivity` measures them."""
    timed = statistics_of_mask(scratch, mask, which=("connectivity",), phase=1)

    def told() -> dict[str, Any]:
        numbers = timed().phase(1)
        names = ("clusters", "connected_fraction", *(f"percolating_fraction_{a}" for a in "zyx"))
        return {name: numbers[name] for name in names}

    return told


def connecting_by_cc3d(_scratch: Path, *, mask: str) -> Timed:
    """The same of an array in memory by cc3d."""
    import cc3d

    phase = _phase(mask)

    def timed() -> dict[str, Any]:
        labels = cc3d.connected_components(phase, connectivity=NEIGHBOURS)
        found = cc3d.statistics(labels, no_slice_conversion=True)
        sizes = found["voxel_counts"][1:].astype(np.int64)
        boxes = found["bounding_boxes"][1:]
        result = {"clusters": len(sizes), "connected_fraction": sizes.max() / sizes.sum()}
        for axis, name in enumerate("zyx"):
            low, high = boxes[:, 2 * axis], boxes[:, 2 * axis + 1]
            through = (low == 0) & (high == phase.shape[axis] - 1)
            result[f"percolating_fraction_{name}"] = sizes[through].sum() / sizes.sum()
        return result

    cc3d.statistics(cc3d.connected_components(phase[:16, :16, :16], connectivity=NEIGHBOURS))
    return timed


def pairing(scratch: Path, *, mask: str) -> Timed:
    """C2 of the pores, as `poroscale stats --which c2` measures it."""
    timed = statistics_of_mask(scratch, mask, which=("c2",), phase=1, lags=LAGS)

    def told() -> dict[str, Any]:
        found = timed()
        curves = {curve.axis: curve.value.tolist() for curve in found.curves.of("c2")}
        return {f"c2_{axis}": values for axis, values in curves.items()}

    return told


def pairing_by_numpy(_scratch: Path, *, mask: str) -> Timed:
    """The same of an array in memory: labels by cc3d, pairs by numpy."""
    import cc3d

    phase = _phase(mask)

    def timed() -> dict[str, Any]:
        labels = cc3d.connected_components(phase, connectivity=NEIGHBOURS)
        shares: dict[str, list[float]] = {f"c2_{name}": [] for name in "zyx"}
        for (axis, name), lag in product(enumerate("zyx"), range(LAGS + 1)):
            shares[f"c2_{name}"].append(_share_together(np.moveaxis(labels, axis, 0), lag))
        return shares

    cc3d.connected_components(phase[:16, :16, :16], connectivity=NEIGHBOURS)
    return timed


def _share_together(labels: NDArray[Any], lag: int) -> float:
    """Share of the pairs along the first axis that lie in one cluster."""
    first, second = labels[: len(labels) - lag], labels[lag:]
    return np.count_nonzero((first == second) & (first != 0)) / first.size


def _phase(mask: str) -> NDArray[np.bool_]:
    from poroscale.volume import Volume

    return np.asarray(Volume.open(mask).read() == 1)
