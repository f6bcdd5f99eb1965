"""Ingest and threshold by poroscale and by zarr alone: the same voxels, whatever the time."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zarr

from poroscale.benchmarks.copying import (
    LEVEL,
    ingest_file,
    threshold_map,
    zarr_copy,
    zarr_threshold,
)
from poroscale.benchmarks.data import npy_file, tiff_stack
from poroscale.volume import Volume


def again(timed: Callable[[], int], out: Path) -> Callable[[], int]:
    def anew() -> int:
        shutil.rmtree(out, ignore_errors=True)
        return timed()

    return anew


@pytest.mark.parametrize("write", [npy_file, tiff_stack])
def test_ingest(benchmark, scan: Path, tmp_path: Path, write: Callable[[Path], Path]) -> None:
    timed = ingest_file(tmp_path, source=str(write(scan)))
    benchmark(again(timed, tmp_path / "scan.zarr"))
    assert np.array_equal(Volume.open(tmp_path / "scan.zarr").read(), Volume.open(scan).read())


def test_threshold(benchmark, scan: Path, tmp_path: Path) -> None:
    timed = threshold_map(tmp_path, scan=str(scan))
    total = benchmark(again(timed, tmp_path / "mask.zarr"))
    above = Volume.open(scan).read() > LEVEL
    assert 0 < above.mean() < 1
    assert np.array_equal(Volume.open(tmp_path / "mask.zarr").read(), above)
    assert total == above[len(above) // 2].sum()


def test_zarr_copy(benchmark, scan: Path, tmp_path: Path) -> None:
    benchmark(zarr_copy(tmp_path, scan=str(scan)))
    copied = zarr.open_array(tmp_path / "copy.zarr", mode="r")
    assert np.array_equal(copied[:], Volume.open(scan).read())


def test_zarr_alone_uses_our_codecs_and_chunks(scan: Path, tmp_path: Path) -> None:
    zarr_copy(tmp_path, scan=str(scan))
    theirs, ours = zarr.open_array(tmp_path / "copy.zarr", mode="r"), Volume.open(scan).array
    assert theirs.chunks == ours.chunks
    assert theirs.compressors == ours.compressors
    assert theirs.serializer == ours.serializer


def test_zarr_threshold(benchmark, scan: Path, tmp_path: Path) -> None:
    benchmark(zarr_threshold(tmp_path, scan=str(scan)))
    copied = zarr.open_array(tmp_path / "copy.zarr", mode="r")
    assert np.array_equal(copied[:], Volume.open(scan).read() > LEVEL)
