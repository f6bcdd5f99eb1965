"""Counting statistics and S2 of a rock, one reading of it, and a Fourier transform in memory."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from poroscale.benchmarks.describing.entries import LAGS, THREADS, Timed

if TYPE_CHECKING:
    from poroscale.statistics.summary import VolumeStatistics
    from poroscale.volume import Volume

COUNTING = ("surface", "minkowski", "triple_line", "chords", "lineal_path")


def reading(_scratch: Path, *, mask: str) -> Timed:
    """Read every chunk once with zarr alone."""
    import zarr

    from poroscale.volume import Volume

    volume = Volume.open(mask)
    array = zarr.open_array(volume.path / "0", mode="r")
    corners = product(*(range(0, n, c) for n, c in zip(array.shape, array.chunks, strict=True)))
    boxes = [
        tuple(slice(a, a + c) for a, c in zip(at, array.chunks, strict=True)) for at in corners
    ]

    def read(box: tuple[slice, ...]) -> int:
        return int(np.count_nonzero(np.asarray(array[box])))

    def timed() -> dict[str, Any]:
        with ThreadPoolExecutor(THREADS) as pool:
            return {"fraction": sum(pool.map(read, boxes)) / array.size}

    read(boxes[0])
    return timed


def counting(scratch: Path, *, mask: str) -> Timed:
    """All counting statistics in one pass."""
    timed = statistics_of_mask(scratch, mask, which=COUNTING)
    return lambda: {"fraction": timed().phase(1)["fraction"]}


def correlating(scratch: Path, *, mask: str) -> Timed:
    """S2 of the pores."""
    timed = statistics_of_mask(scratch, mask, which=("s2",), phase=1, lags=LAGS)
    return lambda: {"fraction": timed().phase(1)["fraction"]}


def statistics_of_mask(scratch: Path, mask: str, **settings: Any) -> Callable[[], VolumeStatistics]:
    """`volume_statistics` of a mask, after a warm-up; keywords are those of its configuration."""
    from poroscale.engine import Run
    from poroscale.statistics.summary import StatisticsConfig, volume_statistics
    from poroscale.volume import Volume

    config, run = StatisticsConfig(**settings), Run(workers=THREADS)
    tiny = StatisticsConfig(which=settings["which"])
    volume_statistics(tiny_volume(scratch), config=tiny, run=run)
    volume = Volume.open(mask)
    return lambda: volume_statistics(volume, config=config, run=run)


def tiny_volume(scratch: Path) -> Volume:
    """Noise of two phases for a warm-up."""
    from poroscale.engine import volume_from_array

    noise = np.random.default_rng(0).integers(0, 2, (40, 40, 40)).astype(np.uint8)
    return volume_from_array(noise, scratch / "tiny.zarr")


def transforming(_scratch: Path, *, mask: str) -> Timed:
    """One transform forth and back of an array in memory: the correlation without its lags."""
    from scipy import fft

    from poroscale.volume import Volume

    field = Volume.open(mask).read().astype(np.float32)

    def timed() -> dict[str, Any]:
        spectrum = fft.rfftn(field, workers=THREADS)
        power = np.abs(spectrum)
        pairs = fft.irfftn(power * power, field.shape, workers=THREADS)
        return {"fraction": float(pairs[0, 0, 0]) / field.size}

    fft.irfftn(fft.rfftn(field[:8, :8, :8]))
    return timed
