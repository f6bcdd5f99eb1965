"""Ingest and a threshold map, against zarr alone that copies the same array."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.benchmarks.data import VOXEL_UM, coupon, npy_file, tiff_stack
from poroscale.benchmarks.measure import Contender, Measured, Report, compare
from poroscale.benchmarks.table import Part, Row
from poroscale.identity import kernel

HERE = "poroscale.benchmarks.copying"
Timed = Callable[[], Any]
COPY, MAP = "zarr, copy", "zarr, threshold"
TIFF, NPY, THRESHOLD = "ingest of TIFF slices", "ingest of .npy", "threshold map"
LEVEL = 23500
"""Grey value halfway between air and solid of the generated scan."""
SPEED = 0.7
NOTE = (
    "The input is a 16-bit scan of a generated coupon. The peer is zarr alone: it reads the "
    "same array block by block and writes it with the same codecs (zstd level 1 with its "
    "checksum), the same chunks and as many threads. It neither verifies what it reads, nor "
    "hashes, flushes or journals what it writes."
)


def copying_part(edge: int, *, repeats: int, data: Path, report: Report) -> Part:
    """The part of the benchmark for one size."""
    scan = coupon(data, edge)
    contenders = [
        Contender(COPY, f"{HERE}:zarr_copy", {"scan": str(scan)}),
        Contender(TIFF, f"{HERE}:ingest_file", {"source": str(tiff_stack(scan))}),
        Contender(NPY, f"{HERE}:ingest_file", {"source": str(npy_file(scan))}),
        Contender(THRESHOLD, f"{HERE}:threshold_map", {"scan": str(scan)}),
        Contender(MAP, f"{HERE}:zarr_threshold", {"scan": str(scan)}),
    ]
    measured = compare(contenders, repeats=repeats, scratch=data, report=report)
    runs = list(measured.items())
    return Part(f"Ingest and threshold, {edge}³", copying_rows(edge, measured), runs, NOTE)


def copying_rows(edge: int, measured: dict[str, Measured]) -> list[Row]:
    """Our speeds as a share of zarr's.

    Raises
    ------
    RuntimeError
        If two contenders did not write the same voxels.
    """
    sums = {name: runs.result for name, runs in measured.items()}
    for names in ((COPY, TIFF, NPY), (THRESHOLD, MAP)):
        if len({sums[name] for name in names}) > 1:
            raise RuntimeError(f"voxels must be the same for all, got the sums {sums}")
    rows = [_row(edge, name, COPY, measured) for name in (TIFF, NPY, THRESHOLD)]
    strict = _row(edge, THRESHOLD, MAP, measured)
    return [*rows, Row(strict.what, strict.value, strict.peer, strict.ratio)]


def _row(edge: int, name: str, peer: str, measured: dict[str, Measured]) -> Row:
    ours, theirs = measured[name], measured[peer]
    share, speed = theirs.wall / ours.wall, 2 * edge**3 / 1e6
    return Row(
        name,
        f"{speed / ours.wall:.0f} MB/s",
        f"{peer} {speed / theirs.wall:.0f} MB/s",
        f"{100 * share:.0f} %",
        f">= {100 * SPEED:.0f} %",
        share >= SPEED,
    )


def ingest_file(scratch: Path, *, source: str) -> Timed:
    """The verb `ingest`."""
    from poroscale.io.ingest import ingest
    from poroscale.io.ingest_config import IngestConfig

    config = IngestConfig(voxel_size=VOXEL_UM)
    np.save(scratch / "tiny.npy", np.ones((8, 8, 8), np.uint16))
    ingest(scratch / "tiny.npy", scratch / "warm-up.zarr", config=config)
    return lambda: sample_sum(ingest(source, scratch / "scan.zarr", config=config).array)


def threshold_map(scratch: Path, *, scan: str) -> Timed:
    """The verb `map_blocks` with one comparison."""
    from poroscale.engine import map_blocks, volume_from_array
    from poroscale.volume import Volume

    volume, given = Volume.open(scan), {"level": LEVEL}
    tiny = volume_from_array(np.ones((8, 8, 8), np.uint16), scratch / "tiny.zarr")
    map_blocks(above, tiny, scratch / "warm-up.zarr", dtype=np.uint8, parameters=given)

    def timed() -> int:
        out = map_blocks(
            above,
            volume,
            scratch / "mask.zarr",
            dtype=np.uint8,
            parameters=given,
            bytes_per_voxel=1,
        )
        return sample_sum(out.array)

    return timed


@kernel("bench.above")
def above(block: NDArray[Any], *, level: float) -> NDArray[np.uint8]:
    """1 where the grey value exceeds `level`."""
    return (block > level).view(np.uint8)


def unchanged(block: NDArray[Any]) -> NDArray[Any]:
    """The block itself."""
    return block


def zarr_copy(scratch: Path, *, scan: str) -> Timed:
    """Read every block with zarr, write it with zarr."""
    return _zarr_map(scratch, scan=scan, dtype="uint16", kernel=unchanged)


def zarr_threshold(scratch: Path, *, scan: str) -> Timed:
    """Read every block with zarr, compare it, write it with zarr."""
    return _zarr_map(
        scratch, scan=scan, dtype="uint8", kernel=lambda block: above(block, level=LEVEL)
    )


def _zarr_map(
    scratch: Path, *, scan: str, dtype: str, kernel: Callable[[NDArray[Any]], NDArray[Any]]
) -> Timed:
    import os
    from concurrent.futures import ThreadPoolExecutor

    import zarr
    from zarr.codecs import BytesCodec, ZstdCodec

    from poroscale.engine import BlockGrid
    from poroscale.engine.plan import CHUNKS_IN_FLIGHT
    from poroscale.kernels.chunks import ZSTD_LEVEL

    zarr.config.set({"async.concurrency": CHUNKS_IN_FLIGHT})
    source: Any = zarr.open_array(f"{scan}/0", mode="r")
    target: Any = zarr.create_array(
        f"{scratch}/copy.zarr",
        shape=source.shape,
        dtype=dtype,
        chunks=source.chunks,
        fill_value=0,
        serializer=BytesCodec(),
        compressors=[ZstdCodec(level=ZSTD_LEVEL, checksum=True)],
    )
    target[:8, :8, :8] = kernel(source[:8, :8, :8])
    z, y, x = (min(n, 2 * c) for n, c in zip(source.shape, source.chunks, strict=True))
    grid = BlockGrid(source.shape, (z, y, x))

    def copy(number: int) -> None:
        target[grid[number].slices] = kernel(source[grid[number].slices])

    def timed() -> int:
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            list(pool.map(copy, range(len(grid))))
        return sample_sum(target)

    return timed


def sample_sum(array: Any) -> int:
    """Sum of the voxels of the middle slice: a proof that they were written."""
    return int(array[array.shape[0] // 2].sum(dtype=np.int64))
