"""`poroscale pores` with the shares that the segmentation left."""

import numpy as np
import pandas as pd
import pytest

from poroscale.engine import Run, volume_from_array
from poroscale.volume import VolumeSpec

QUIET = Run(progress=False)


@pytest.fixture
def scene(tmp_path):
    """Paths of phases and shares of two pores, and of phases that record no point spread."""
    phases = np.ones((12, 14, 16), np.uint8)
    phases[3:6, 3:6, 3:6] = phases[8:10, 9:11, 10:12] = 2
    shares = np.where(phases == 2, 80, 0).astype(np.int8)
    record = {"segmentation": {"point_spread_voxels": 0.8}}
    attributes = {
        "phases": {"kind": "phases", **record},
        "shares": {"kind": "shares"},
        "other": {"kind": "phases"},
    }
    for name, about in attributes.items():
        array = shares if name == "shares" else phases
        spec = VolumeSpec(array.shape, array.dtype, (2.0, 2.0, 2.0), attributes=about)
        volume_from_array(array, tmp_path / f"{name}.zarr", spec=spec, run=QUIET)
    return tuple(tmp_path / f"{name}.zarr" for name in attributes)


def test_volumes_from_shares(poroscale, scene, tmp_path):
    phases, shares, other = scene
    code, shown, _ = poroscale("pores", phases, tmp_path / "out", "--shares", shares, "--dry-run")
    assert code == 0
    assert "volumes" in shown
    assert "volumes" not in poroscale("pores", phases, tmp_path / "out", "--dry-run")[1]
    code, shown, _ = poroscale("pores", phases, tmp_path / "out", "--shares", shares)
    assert code == 0
    assert "2 pores" in shown
    table = pd.read_parquet(tmp_path / "out" / "pores.parquet")
    np.testing.assert_allclose(table.volume_um3, 0.8 * table.counted_volume_um3)
    code, _, error = poroscale("pores", other, tmp_path / "no", "--shares", shares)
    assert code != 0
    assert "--shares must come with phases that record the point spread" in " ".join(error.split())
