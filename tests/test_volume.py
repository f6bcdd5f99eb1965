"""A volume as an array: lazy views, indexing, numpy, levels."""

from __future__ import annotations

import dask
import numpy as np
import pytest

from poroscale.engine import volume_from_array
from poroscale.volume import Volume, VolumeSpec

INDICES = {
    "a slice of each axis": np.s_[1:7, 2:9, 3:17],
    "a plane": np.s_[5],
    "a line": np.s_[3, :, 11],
    "a voxel": np.s_[8, 9, 19],
    "the last voxel": np.s_[-1, -1, -1],
    "every other voxel": np.s_[::2, 1::3, ::2],
    "backwards": np.s_[::-1, ::-2],
    "some planes": np.s_[[0, 4, 7]],
    "nothing": np.s_[4:4],
}


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_lazy_view_indexes_like_an_array(index, as_volume):
    array = np.arange(9 * 10 * 20, dtype=np.uint16).reshape(9, 10, 20)
    volume = as_volume(array)
    for lazy in (volume.to_xarray(), volume.to_dask()):
        np.testing.assert_array_equal(lazy[index].compute(scheduler="sync"), array[index])


def test_lazy_view_is_labelled_by_voxel_centres(as_volume):
    array = np.arange(4 * 5 * 8, dtype=np.uint8).reshape(4, 5, 8)
    lazy = as_volume(array, voxel_size=(2.0, 1.0, 0.5)).to_xarray()
    assert lazy.dims == ("z", "y", "x")
    assert lazy.z.values.tolist() == [1.0, 3.0, 5.0, 7.0]
    assert lazy.x.attrs["units"] == "um"
    assert lazy.sel(z=4.9, y=2.5, x=0.25, method="nearest").compute().item() == array[2, 2, 0]


@pytest.mark.parametrize(
    "index",
    [
        *(each for name, each in INDICES.items() if name != "some planes"),
        np.s_[...],
        np.s_[..., 3],
        np.s_[2, ..., ::-3],
        np.s_[np.int64(2), -4:, 5:2:-1],
        np.s_[:, 9:100],
    ],
    ids=str,
)
def test_a_volume_is_indexed_like_an_array(index, as_volume):
    array = np.arange(9 * 10 * 20, dtype=np.uint16).reshape(9, 10, 20)
    found = as_volume(array)[index]
    np.testing.assert_array_equal(found, array[index])
    assert found.dtype == array.dtype


@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        (9, IndexError, "index 9 must be within the 9 voxels"),
        (np.s_[0, 0, 0, 0], IndexError, "three entries at most, got 4"),
        (np.s_[..., ...], IndexError, "one '...' at most"),
        ([1, 2], TypeError, "got list; to_dask"),
        (np.s_[:, True], TypeError, "got bool"),
    ],
)
def test_an_index_that_means_nothing_is_refused(index, error, message, as_volume):
    with pytest.raises(error, match=message):
        as_volume(np.zeros((9, 10, 20), np.uint8))[index]


def test_an_index_reads_only_the_box_around_it(as_volume, monkeypatch):
    volume, asked = as_volume(np.zeros((9, 10, 20), np.uint8)), []
    whole = Volume.read
    monkeypatch.setattr(Volume, "read", lambda self, *box: asked.append(box) or whole(self, *box))
    assert volume[-1, 2:9:3, ::-5].shape == (3, 4)
    assert asked == [((8, 2, 4), (1, 7, 16))]


def test_numpy_reads_a_volume(as_volume):
    array = np.arange(4 * 5 * 8, dtype=np.uint8).reshape(4, 5, 8)
    volume = as_volume(array)
    np.testing.assert_array_equal(np.asarray(volume), array)
    assert np.asarray(volume, dtype=np.float32).dtype == np.float32
    assert np.mean(volume) == array.mean()
    known = (volume.ndim, volume.size, volume.nbytes, len(volume))
    assert known == (3, 160, 160, 4)
    assert [plane.sum() for plane in volume] == [plane.sum() for plane in array]
    with pytest.raises(ValueError, match="copy cannot be False"):
        np.asarray(volume, copy=False)


def test_levels_of_the_pyramid(new_path):
    array = np.random.default_rng(0).integers(0, 255, (40, 50, 600), np.uint8)
    spec = VolumeSpec(array.shape, array.dtype, (2.0, 2.0, 2.0), pyramid="mean")
    volume = volume_from_array(array, new_path(), spec=spec)
    assert volume.levels == 3
    coarse = volume.at_level(2)
    assert (coarse.shape, coarse.voxel_size, coarse.levels) == ((10, 13, 150), (8.0,) * 3, 3)
    assert coarse.at_level(0) == volume
    view = volume.to_xarray(level=2)
    np.testing.assert_array_equal(view, coarse.read())
    assert view.x.values[:2].tolist() == [4.0, 12.0]
    with pytest.raises(ValueError, match="has 3 levels, counted from 0, got level 3"):
        volume.to_dask(level=3)


def test_levels_do_not_mix_in_one_computation(new_path):
    """Dask takes arrays of one name for the same."""
    array = np.ones((8, 8, 400), np.uint8)
    spec = VolumeSpec(array.shape, array.dtype, (1.0, 1.0, 1.0), pyramid="mean")
    volume = volume_from_array(array, new_path(), spec=spec)
    fine, coarse = volume.to_dask(), volume.to_dask(level=1)
    assert dask.compute(fine.sum(), coarse.sum(), scheduler="sync") == (array.size, array.size / 8)
