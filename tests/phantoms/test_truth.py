from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy import ndimage

from poroscale.phantoms.config import PhantomConfig
from poroscale.phantoms.part import PartPhases, PoreIds
from poroscale.phantoms.truth import truth_table, write_truth

CONFIG = PhantomConfig(
    shape=(70, 80, 90), voxel_size=4.0, porosity=0.03, open_fraction=0.15, seed=6
)


@pytest.fixture(scope="module")
def table():
    return truth_table(CONFIG)


def test_labels_are_those_of_a_labelling_in_scan_order(table):
    phases = PartPhases(CONFIG)((0, 0, 0), CONFIG.shape)
    labels, count = ndimage.label(phases == 2)
    ids = PoreIds(CONFIG)((0, 0, 0), CONFIG.shape)
    assert table["pieces"].sum() == count
    assert table["label"].is_monotonic_increasing
    for row in table.itertuples():
        where = labels == row.label
        assert set(np.unique(ids[where])) == {row.id}
        if row.pieces == 1:
            assert where.sum() == row.voxel_count
            centroid = (np.argwhere(where).mean(axis=0) + 0.5) * 4.0
            np.testing.assert_allclose(
                centroid, (row.centroid_z_um, row.centroid_y_um, row.centroid_x_um)
            )


def test_every_pore_voxel_is_in_the_table(table):
    ids = PoreIds(CONFIG)((0, 0, 0), CONFIG.shape)
    assert sorted(table["id"]) == np.unique(ids[ids > 0]).tolist()
    assert table["voxel_count"].sum() == (ids > 0).sum()


def test_closed_pores_have_their_analytic_volume():
    table = truth_table(CONFIG.model_copy(update={"shape": (160, 160, 160)}))
    whole = table[~table["open"] & ~table["at_edge"] & (table["voxel_count"] > 150)]
    ratio = whole["volume_um3"] / whole["analytic_volume_um3"]
    assert len(whole) > 50
    assert ratio.mean() == pytest.approx(1, abs=0.02)
    assert ratio.between(0.85, 1.15).all()


def test_poles_stand_or_lie_as_the_class_says(table):
    angle = table["pole_angle_deg"]
    assert angle.between(0, 90).all()
    assert angle[table["class"] != "gas"].max() < 40
    assert angle[table["class"] == "gas"].mean() > 40
    assert table["pole_azimuth_deg"].between(0, 180).all()


def test_the_file_keeps_units_and_configuration(tmp_path, table):
    path = write_truth(tmp_path / "x.truth.parquet", CONFIG)
    schema = pq.read_schema(path)
    assert schema.field("volume_um3").metadata == {b"unit": b"um3"}
    assert PhantomConfig.model_validate(json.loads(schema.metadata[b"phantom"])) == CONFIG
    assert pq.read_table(path).num_rows == len(table)
    assert [p.name for p in tmp_path.iterdir()] == ["x.truth.parquet"]


def test_a_part_without_pores_has_an_empty_table_with_its_columns(table):
    empty = truth_table(CONFIG.model_copy(update={"porosity": 0.0}))
    assert len(empty) == 0
    assert list(empty.columns) == list(table.columns)
