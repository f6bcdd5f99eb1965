from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from poroscale.engine import volume_from_array
from poroscale.phantoms import PhantomConfig, phantom, score_pores

CONFIG = PhantomConfig(shape=(64, 72, 72), porosity=0.03, open_fraction=0.1, seed=2)


def measure(labels):
    numbers = np.unique(labels[labels > 0])
    centres = ndimage.center_of_mass(labels > 0, labels, numbers) if len(numbers) else []
    centres = (np.array(centres).reshape(-1, 3) + 0.5) * CONFIG.voxel_size
    return pd.DataFrame(
        {"label": numbers, "voxel_count": np.bincount(labels.ravel())[numbers]}
        | {f"centroid_{a}_um": centres[:, k] for k, a in enumerate("zyx")}
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    found = phantom(tmp_path_factory.mktemp("score") / "s.zarr", config=CONFIG)
    return found.truth, pd.read_parquet(found.table), ndimage.label(found.truth.read() == 2)[0]


def score(made, labels, tmp_path):
    truth, table, _ = made
    volume = volume_from_array(labels.astype(np.uint32), tmp_path / "labels.zarr")
    return score_pores(table, measure(labels), truth_volume=truth, labels=volume)


def test_the_truth_scores_full_marks(made, tmp_path):
    found = score(made, made[2], tmp_path)
    assert found["matched_by"] == "overlap"
    assert found["recall"] == found["precision"] == 1
    assert found["truth_count"] > 15
    assert found["merged"] == 0
    assert found["volume_error_mean_absolute"] == pytest.approx(0, abs=1e-12)
    by_centre = score_pores(made[1], measure(made[2]))
    assert by_centre["matched_by"] == "centroid"
    assert by_centre["recall"] > 0.95
    assert by_centre["centroid_error_um_median"] == pytest.approx(0, abs=1e-9)


def test_lost_and_invented_pores_are_counted(made, tmp_path):
    truth, table, labels = made
    large = table[(table["voxel_count"] > 150) & (table["pieces"] == 1)]
    lost = large["label"].to_numpy()[:4]
    changed = np.where(np.isin(labels, lost), 0, labels)
    solid = ndimage.binary_erosion(truth.read() == 1, iterations=4)
    z, y, x = np.argwhere(solid)[1000]
    changed[z - 3 : z + 4, y - 3 : y + 4, x - 3 : x + 4] = labels.max() + 1
    found = score(made, changed, tmp_path)
    assert found["recall"] == pytest.approx(1 - 4 / found["truth_count"])
    assert found["precision"] == pytest.approx(1 - 1 / found["measured_count"])
    assert found["measured_count"] == found["truth_count"] - 3


def test_a_merged_pair_is_found_but_told(made, tmp_path):
    _, table, labels = made
    large = table.sort_values("voxel_count")["label"].to_numpy()[-2:]
    found = score(made, np.where(labels == large[0], large[1], labels), tmp_path)
    assert found["recall"] == 1
    assert found["merged"] == 1


def test_growing_by_a_voxel_is_a_volume_error(made, tmp_path):
    labels = made[2]
    grown = np.where(
        labels > 0, labels, ndimage.grey_dilation(labels, footprint=np.ones((3, 3, 3)))
    )
    found = score(made, grown, tmp_path)
    assert found["recall"] == 1
    assert found["volume_error_median"] > 0.5
    assert found["volume_error_total"] > 0.4


def test_nothing_measured_is_no_error(made, tmp_path):
    found = score(made, np.zeros_like(made[2]), tmp_path)
    assert found["recall"] == 0
    assert found["precision"] is None
    assert found["volume_error_median"] is None
    assert score_pores(made[1], measure(np.zeros_like(made[2])))["recall"] == 0


def test_one_volume_alone_is_refused(made):
    with pytest.raises(ValueError, match="must be given together"):
        score_pores(made[1], made[1], truth_volume=made[0])
