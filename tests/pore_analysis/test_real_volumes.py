"""Tables of real volumes against scikit-image on the whole array."""

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from poroscale.engine import Run
from poroscale.pore_analysis import PoresConfig, measure_pores
from poroscale.volume import Volume
from tests.pore_analysis.conftest import QUIET

MASKS = [
    ("nmc_128.tif", 1),
    ("three_phase_100.tif", 127),
    ("separator_156x75x75.tif", None),
    ("separator_rods_32x300x300.tif", None),
]


@pytest.mark.parametrize(("name", "pore"), MASKS)
def test_real_volume(real_volume, make_volume, tmp_path, name, pore):
    array = real_volume(name)
    pore = int(array.min()) if pore is None else pore
    volume = make_volume(array, chunk=64)
    path = measure_pores(volume, tmp_path / "out", config=PoresConfig(pore=pore), run=QUIET)
    labels, number = ndimage.label(array == pore)
    np.testing.assert_array_equal(Volume.open(tmp_path / "out" / "labels.zarr").read(), labels)
    table = pd.read_parquet(path)
    count = np.bincount(labels.ravel())[1:]
    np.testing.assert_array_equal(table.voxel_count, count)
    centres = ndimage.center_of_mass(labels > 0, labels, np.arange(1, number + 1))
    axes = [f"centroid_{axis}_um" for axis in "zyx"]
    np.testing.assert_allclose(table[axes], np.array(centres) + 0.5, rtol=1e-9)
    shadows = [
        (labels[box] == i + 1).any(axis=0).sum()
        for i, box in enumerate(ndimage.find_objects(labels))
    ]
    np.testing.assert_array_equal(table.projected_area_um2, shadows)
    other = measure_pores(
        volume,
        tmp_path / "blocks",
        config=PoresConfig(pore=pore),
        run=Run(block=(64, 128, 64), workers=1, progress=False),
    )
    assert other.read_bytes() == path.read_bytes()
