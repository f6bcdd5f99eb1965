"""Betti curves of the signed distance to the pores of a rock, and the same by gudhi."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.benchmarks.describing.counting import tiny_volume
from poroscale.benchmarks.describing.entries import THREADS, Timed

NUMBERS = ("betti_0", "betti_1", "betti_2")


def curves(scratch: Path, *, mask: str) -> Timed:
    """The curves, as `poroscale topology --phase 1` measures them."""
    from poroscale.engine import Run
    from poroscale.statistics.topology.betti import volume_topology
    from poroscale.statistics.topology.config import TopologyConfig, filtration_of
    from poroscale.volume import Volume

    config, run = TopologyConfig(phase=1), Run(workers=THREADS)
    tiny, volume = tiny_volume(scratch), Volume.open(mask)
    volume_topology(tiny, filtration_of(config, tiny), run=run)

    def timed() -> dict[str, Any]:
        found = volume_topology(volume, filtration_of(config, volume), run=run)
        return _told(found.levels, found.betti)

    return timed


def curves_by_gudhi(_scratch: Path, *, mask: str) -> Timed:
    """The same of an array in memory: distances, all pairs, and how many are alive."""
    from poroscale.kernels.topology.signed_distance import phase_distance
    from poroscale.statistics.topology.config import TopologyConfig, filtration_of
    from poroscale.statistics.topology.filtration import curve_levels
    from poroscale.statistics.topology.whole import persistence_diagram
    from poroscale.volume import Volume

    volume = Volume.open(mask)
    filtration = filtration_of(TopologyConfig(phase=1), volume)
    levels = curve_levels(filtration, volume, TopologyConfig().levels, None)
    phase, size = volume.read() == 1, volume.voxel_size

    def timed() -> dict[str, Any]:
        distance = phase_distance(phase, voxel_size=size, cap=filtration.cap)
        pairs = persistence_diagram(distance, library="gudhi")
        return _told(levels, np.stack([_alive(each, levels) for each in pairs]))

    phase_distance(phase[:8, :8, :8], voxel_size=size, cap=filtration.cap)
    return timed


def _alive(pairs: NDArray[np.float64], levels: NDArray[Any]) -> NDArray[np.int64]:
    """Pairs that are born at a level or below it, and have not died there."""
    births, deaths = np.sort(pairs, axis=0).T
    return np.asarray(
        np.searchsorted(births, levels, side="right")
        - np.searchsorted(deaths, levels, side="right")
    )


def _told(levels: NDArray[Any], betti: NDArray[np.int64]) -> dict[str, Any]:
    place = int(np.flatnonzero(levels == 0)[0])
    numbers = ", ".join(f"{count:,}" for count in betti[:, place].tolist())
    curves_by_name = dict(zip(NUMBERS, betti.tolist(), strict=True))
    return curves_by_name | {"says": f"Betti numbers of the pores {numbers}"}
