"""The lazy view computes what the whole array would give."""

from __future__ import annotations

import numpy as np
import pytest

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
    lazy = as_volume(array).to_xarray()
    np.testing.assert_array_equal(lazy[index].compute(scheduler="sync"), array[index])


def test_lazy_view_is_labelled_by_voxel_centres(as_volume):
    array = np.arange(4 * 5 * 8, dtype=np.uint8).reshape(4, 5, 8)
    lazy = as_volume(array, voxel_size=(2.0, 1.0, 0.5)).to_xarray()
    assert lazy.dims == ("z", "y", "x")
    assert lazy.z.values.tolist() == [1.0, 3.0, 5.0, 7.0]
    assert lazy.x.attrs["units"] == "um"
    assert lazy.sel(z=4.9, y=2.5, x=0.25, method="nearest").compute().item() == array[2, 2, 0]
