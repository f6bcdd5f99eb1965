import numpy as np
import pytest

from poroscale.report.cautions import cautions
from poroscale.report.numbers import class_rows, key_numbers, largest_pores, porosity_range
from poroscale.report.table import PoreTable
from tests.report.synthetic import columns, segmentation, write_table


@pytest.fixture
def table(tmp_path):
    return PoreTable.open(write_table(tmp_path / "t.parquet", columns(200)))


def test_the_uncertainty_is_the_threshold_tables_change_about_the_porosity():
    found = porosity_range(0.02, segmentation()["sensitivity"])
    assert found["porosity"] == 0.02
    assert found["porosity_low"] == pytest.approx(0.02 - 0.001)
    assert found["porosity_high"] == pytest.approx(0.02 + 0.001)
    assert found["threshold_shift"] == 0.05


def test_without_a_threshold_table_no_uncertainty_is_claimed():
    assert porosity_range(0.02, []) == {"porosity": 0.02}
    assert porosity_range(None, []) == {"porosity": None}
    assert porosity_range(float("nan"), segmentation()["sensitivity"]) == {"porosity": None}


def test_porosity_never_falls_below_zero():
    assert porosity_range(0.0001, segmentation()["sensitivity"])["porosity_low"] == 0


def test_porosity_comes_from_the_segmentation_where_nothing_was_counted(table):
    found = key_numbers(table, segmentation=segmentation(), extent=None, voxel_size=(10.0,) * 3)
    assert found["porosity"] == 0.01
    assert found["part_volume_um3"] is None
    assert found["median_diameter_voxels"] == pytest.approx(found["median_diameter_um"] / 10)


def test_classes_share_out_number_and_volume(table):
    rows = class_rows(table)
    assert [row["class"] for row in rows] == ["gas", "keyhole", "lack_of_fusion", "unclassified"]
    assert sum(row["count_share"] for row in rows) == pytest.approx(1)
    assert sum(row["volume_share"] for row in rows) == pytest.approx(1)
    words = columns(200)["class"]
    assert [row["count"] for row in rows] == [(words == row["class"]).sum() for row in rows]


def test_the_largest_pores_come_first_and_whole(table):
    rows = largest_pores(table)
    written = columns(200)
    order = np.argsort(-written["volume_um3"])[:10]
    assert [row["label"] for row in rows] == (order + 1).tolist()
    for row, at in zip(rows, order, strict=True):
        assert row["sqrt_area_um"] == written["sqrt_area_um"][at]
        assert row["open"] == written["open"][at]
        assert row["class"] == written["class"][at]


def test_readers_are_warned_of_what_the_numbers_cannot_carry(table):
    numbers = key_numbers(
        table, segmentation=segmentation(), extent=None, voxel_size=(10.0, 10.0, 10.0)
    )
    text = " ".join(cautions(numbers, segmentation(warnings=["the histogram has one peak"])))
    assert text.startswith("the histogram has one peak")
    assert "median equivalent diameter is" in text
    assert "too small for their shape" in text
    assert "touch the edge" in text


def test_a_fine_scan_is_not_warned_about():
    numbers = {"median_diameter_voxels": 20.0, "unresolved_share": 0.0, "pore_count": 9}
    assert cautions(numbers, {}) == []


def test_a_porosity_that_hangs_on_the_threshold_is_said():
    numbers = {
        "pore_count": 9,
        "porosity": 0.01,
        "porosity_low": 0.005,
        "porosity_high": 0.02,
        "threshold_shift": 0.05,
    }
    assert cautions(numbers, {}) == [
        "Porosity depends strongly on the threshold: a shift of ±5 % of the contrast "
        "gives 0.5 to 2 %."
    ]


def test_many_open_pores_are_explained():
    numbers = {"pore_count": 10, "open_count": 6}
    (text,) = cautions(numbers, {"close_um": 30.0})
    assert text.startswith("6 of 10 pores are open")
    assert cautions(numbers, {"close_um": 0.0}) == []
    assert cautions({"pore_count": 10, "open_count": 1}, {"close_um": 30.0}) == []


def test_a_connected_pore_space_is_said_to_be_one():
    (text,) = cautions({"pore_count": 9, "largest_volume_share": 0.99}, {})
    assert text.startswith("One pore holds 99 % of the pore volume")
    assert cautions({"pore_count": 1, "largest_volume_share": 1.0}, {}) == []
