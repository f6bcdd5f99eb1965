import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from poroscale.pore_analysis import PoresConfig, measure_pores
from poroscale.volume import Volume
from tests.pore_analysis.conftest import QUIET
from tests.pore_analysis.scenes import part_with_pores

BANK = PoresConfig(bank=True)


def test_every_pore_is_in_its_box(make_volume, tmp_path, monkeypatch):
    monkeypatch.setattr("poroscale.pore_analysis.bank.PORES_PER_CHUNK", 3)
    monkeypatch.setattr("poroscale.pore_analysis.bank.PORES_PER_BLOCK", 6)
    phases = part_with_pores(1)
    phases[2:-2, 15, 14] = 2
    measure_pores(make_volume(phases, origin=(5, 6, 7)), tmp_path / "out", config=BANK, run=QUIET)
    labels, number = ndimage.label(phases == 2)
    index = pd.read_parquet(tmp_path / "out" / "bank.parquet")
    boxes = Volume.open(tmp_path / "out" / "bank.zarr").read().reshape(-1, 64, 64, 64)
    assert len(index) == len(boxes) == number > 6
    for row in index.itertuples():
        box = boxes[row.bank_row]
        image = ndimage.find_objects(labels)[row.label - 1]
        expected = labels[image] == row.label
        assert expected.shape == (row.extent_z, row.extent_y, row.extent_x)
        low = np.argwhere(box).min(axis=0)
        np.testing.assert_array_equal(low, [(64 - n) // 2 for n in expected.shape])
        assert box.sum() == expected.sum()
        np.testing.assert_array_equal(
            box[tuple(slice(a, a + n) for a, n in zip(low, expected.shape, strict=True))], expected
        )
        corner = np.array([row.box_z0, row.box_y0, row.box_x0]) + low - (5, 6, 7)
        np.testing.assert_array_equal(corner, [s.start for s in image])


def test_too_large_pores_are_listed(make_volume, tmp_path):
    mask = np.zeros((4, 6, 80), np.uint8)
    mask[0, 0, 3:68] = 1  # 65 voxels
    mask[2, 2, 3:67] = 1  # 64 voxels
    measure_pores(make_volume(mask), tmp_path / "out", config=BANK, run=QUIET)
    index = pd.read_parquet(tmp_path / "out" / "bank.parquet")
    assert index.bank_row.tolist() == [-1, 0]
    assert Volume.open(tmp_path / "out" / "bank.zarr").read().sum() == 64


@pytest.mark.parametrize("length", [0, 70])
def test_nothing_fits(make_volume, tmp_path, length):
    mask = np.zeros((4, 4, 80), np.uint8)
    mask[1, 1, :length] = 1
    measure_pores(make_volume(mask), tmp_path / "out", config=BANK, run=QUIET)
    assert len(pd.read_parquet(tmp_path / "out" / "bank.parquet")) == (length > 0)
    assert not (tmp_path / "out" / "bank.zarr").exists()
