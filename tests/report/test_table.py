import numpy as np
import pytest

from poroscale.report.table import REQUIRED, PoreTable
from tests.report.synthetic import columns, write_table


def test_columns_come_as_they_were_written(tmp_path):
    written = columns(50)
    table = PoreTable.open(write_table(tmp_path / "t.parquet", written, connectivity=18))
    assert table.rows == 50
    assert table.metadata == {"connectivity": 18}
    np.testing.assert_array_equal(table.column("volume_um3"), written["volume_um3"])
    np.testing.assert_array_equal(table.flags("open"), written["open"])
    classes = table.classes()
    assert list(classes) == sorted(set(written["class"]))
    for name, at in classes.items():
        np.testing.assert_array_equal(at, written["class"] == name)
    assert table.record(7)["label"] == 8


def test_unknown_columns_are_not_known(tmp_path):
    only = {name: values for name, values in columns(3).items() if name in REQUIRED}
    table = PoreTable.open(write_table(tmp_path / "t.parquet", only))
    assert np.isnan(table.column("sphericity")).all()
    assert not table.flags("open").any()
    assert {name: at.all() for name, at in table.classes().items()} == {"unclassified": True}
    assert table.metadata == {}


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_required_column_is_named(tmp_path, name):
    table = columns(3)
    del table[name]
    path = write_table(tmp_path / "t.parquet", table)
    with pytest.raises(ValueError, match=f"must have column '{name}'"):
        PoreTable.open(path)


def test_what_is_no_table_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.parquet"):
        PoreTable.open(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("not a table")
    with pytest.raises(ValueError, match=r"text\.parquet is no Parquet table"):
        PoreTable.open(tmp_path / "text.parquet")


def test_other_classes_follow_the_usual_ones(tmp_path):
    table = columns(4)
    table["class"] = np.array(["slag", "gas", None, "crack"], object)
    classes = PoreTable.open(write_table(tmp_path / "t.parquet", table)).classes()
    assert {name: np.flatnonzero(at).tolist() for name, at in classes.items()} == {
        "gas": [1],
        "unclassified": [2],
        "crack": [3],
        "slag": [0],
    }
    assert list(classes) == ["gas", "unclassified", "crack", "slag"]
