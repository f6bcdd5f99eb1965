"""Labels of sparse pores by poroscale and its peers: the same components, whatever the time."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import label
from scipy.spatial import cKDTree

from poroscale.benchmarks.data import FRACTION, SparsePores
from poroscale.benchmarks.label import (
    cc3d_in_memory,
    dask_image_in_memory,
    ours,
    scipy_in_memory,
)
from poroscale.volume import Volume


def test_ours(benchmark, mask: str, tmp_path: Path, monkeypatch) -> None:
    # A benchmark has a process of its own; this one has the tests before it in its memory.
    monkeypatch.setattr(f"{ours.__module__}.BUDGET", "4GiB")
    timed = ours(tmp_path, mask=mask)

    def anew():
        shutil.rmtree(tmp_path / "labels.zarr", ignore_errors=True)
        return timed()

    result = benchmark(anew)
    voxels = Volume.open(mask).read()
    labels, count = label(voxels)
    assert result["components"] == count > 20
    assert result["voxels"] == voxels.sum()
    assert np.array_equal(Volume.open(tmp_path / "labels.zarr").read(), labels)
    centres = np.array([np.argwhere(labels == i + 1).mean(axis=0) for i in range(count)]) + 0.5
    nearest = cKDTree(5.0 * centres).query(5.0 * centres, k=2)[0][:, 1]
    assert result["neighbour"] == pytest.approx(nearest.mean())


@pytest.mark.parametrize("module", ["cc3d", "scipy", "dask_image"])
def test_peer_counts_as_scipy_does(benchmark, mask: str, tmp_path: Path, module: str) -> None:
    pytest.importorskip(module)
    peers = {
        "cc3d": cc3d_in_memory,
        "scipy": scipy_in_memory,
        "dask_image": dask_image_in_memory,
    }
    result = benchmark(peers[module](tmp_path, mask=mask))
    assert result["components"] == label(Volume.open(mask).read())[1]


def test_mask_is_sparse_and_the_same_from_any_box() -> None:
    sampler = SparsePores()
    assert sampler.tile.mean() == pytest.approx(FRACTION, rel=0.01)
    box = sampler((230, 0, 100), (20, 30, 40))
    assert np.array_equal(box[12:], sampler((2 + 240, 0, 100), (8, 30, 40)))
    assert np.array_equal(box[3:9, 5:, :7], sampler((233, 5, 100), (6, 25, 7)))
