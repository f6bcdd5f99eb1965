"""Statistics of a rock, against one reading of it and against a Fourier transform in memory."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from poroscale.benchmarks.data import rock
from poroscale.benchmarks.measure import Contender, Measured, Report, compare
from poroscale.benchmarks.table import MIB, Part, Row, at_most

HERE = "poroscale.benchmarks.describing"
Timed = Callable[[], Any]
READ, COUNTS, TRANSFORM, CORRELATION = "zarr, one reading", "counts", "scipy.fft", "S2"
LAGS = 32
THREADS = 2
COUNTING = ("surface", "minkowski", "triple_line", "chords", "lineal_path")
PEAK = 2048 * MIB
NOTE = (
    "The volume has 25 % of connected pores. `counts` is one pass for fractions, faces, Crofton's "
    "surface, Minkowski functionals, Euler numbers, triple lines, chords and lineal path along "
    "three axes, of both phases; the peer is zarr alone, which reads the same array chunk by chunk "
    f"with two threads and throws it away. `S2` has lags up to {LAGS} voxels in all directions, "
    "from Zarr to curves; the peer is scipy.fft, forth and back in float32 with two workers, of an "
    "array that is in memory."
)


def describing_part(edge: int, *, repeats: int, data: Path, report: Report) -> Part:
    """The part of the benchmark for one size; the transform in memory up to 512³."""
    mask = {"mask": str(rock(data, edge))}
    contenders = [
        Contender(READ, f"{HERE}:reading", mask),
        Contender(COUNTS, f"{HERE}:counting", mask),
        Contender(CORRELATION, f"{HERE}:correlating", mask),
    ]
    if edge <= 512:
        contenders.append(Contender(TRANSFORM, f"{HERE}:transforming", mask))
    measured = compare(contenders, repeats=repeats, scratch=data, report=report)
    return Part(f"Statistics, {edge}³", describing_rows(measured), list(measured.items()), NOTE)


def describing_rows(measured: dict[str, Measured]) -> list[Row]:
    """The promised ratios beside the measured ones.

    Raises
    ------
    RuntimeError
        If the fractions differ: then no time means anything.
    """
    shares = {name: round(runs.result["fraction"], 6) for name, runs in measured.items()}
    if len(set(shares.values())) > 1:
        raise RuntimeError(f"fractions must be the same for all, got {shares}")
    rows = [_ratio(COUNTS, READ, measured, limit=2.0)]
    if TRANSFORM in measured:
        rows.append(_ratio(CORRELATION, TRANSFORM, measured, limit=1.3))
    return rows + [
        at_most(f"peak memory of {name}", measured[name].peak / MIB, limit=PEAK / MIB, unit="MiB")
        for name in (COUNTS, CORRELATION)
    ]


def _ratio(name: str, peer: str, measured: dict[str, Measured], *, limit: float) -> Row:
    ours, theirs = measured[name].wall, measured[peer].wall
    return Row(
        name,
        f"{ours:.2f} s",
        f"{peer} {theirs:.2f} s",
        f"{ours / theirs:.2f} times",
        f"<= {limit:g} times",
        ours <= limit * theirs,
    )


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
    return _statistics(scratch, mask, which=COUNTING)


def correlating(scratch: Path, *, mask: str) -> Timed:
    """S2 of the pores."""
    return _statistics(scratch, mask, which=("s2",), phase=1, lags=LAGS)


def _statistics(scratch: Path, mask: str, **settings: Any) -> Timed:
    from poroscale.engine import Run, volume_from_array
    from poroscale.statistics.summary import StatisticsConfig, volume_statistics
    from poroscale.volume import Volume

    tiny = np.random.default_rng(0).integers(0, 2, (40, 40, 40)).astype(np.uint8)
    config = StatisticsConfig(**settings)
    run = Run(workers=THREADS)
    small = volume_from_array(tiny, scratch / "tiny.zarr")
    volume_statistics(small, config=StatisticsConfig(which=settings["which"]), run=run)
    volume = Volume.open(mask)
    return lambda: {
        "fraction": volume_statistics(volume, config=config, run=run).phase(1)["fraction"]
    }


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
