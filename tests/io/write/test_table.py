import math
import sys

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from poroscale.io.write.export import ExportConfig, export


def test_the_csv_holds_the_table(tmp_path):
    table = pd.DataFrame({"label": [1, 2], "volume_um3": [12.5, None], "class": ["gas", "keyhole"]})
    table.to_parquet(tmp_path / "pores.parquet")
    path = export(tmp_path / "pores.parquet", tmp_path / "pores.csv")
    pd.testing.assert_frame_equal(pd.read_csv(path), table, check_dtype=False)


def test_parquet_keeps_units(tmp_path):

    field = pa.field("volume_um3", pa.float64(), metadata={"unit": "um3"})
    pq.write_table(pa.table([[1.0, 2.0]], pa.schema([field])), tmp_path / "pores.parquet")
    again = pq.read_table(export(tmp_path / "pores.parquet", tmp_path / "copy.parquet"))
    assert again.schema.field("volume_um3").metadata[b"unit"] == b"um3"
    assert again["volume_um3"].to_pylist() == [1.0, 2.0]


def test_an_empty_table_keeps_its_columns(tmp_path):
    table = pd.DataFrame(
        {"label": pd.Series([], dtype="int64"), "volume_um3": pd.Series([], dtype="float64")}
    )
    table.to_parquet(tmp_path / "pores.parquet")
    path = export(tmp_path / "pores.parquet", tmp_path / "pores.csv")
    assert list(pd.read_csv(path).columns) == ["label", "volume_um3"]


def test_what_is_no_table(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        export(tmp_path / "pores.parquet", tmp_path / "pores.csv")
    (tmp_path / "pores.parquet").write_bytes(b"nonsense")
    with pytest.raises(ValueError, match=r"pores\.parquet is no Parquet table"):
        export(tmp_path / "pores.parquet", tmp_path / "pores.csv")
    assert not (tmp_path / "pores.csv").exists()


def test_the_format_rules_what_is_written_not_the_suffix(tmp_path):
    table = pd.DataFrame({"label": [1, 2]})
    table.to_parquet(tmp_path / "pores.parquet")
    path = export(
        tmp_path / "pores.parquet", tmp_path / "copy", config=ExportConfig(format="parquet")
    )
    assert len(pd.read_parquet(path)) == 2


@pytest.fixture
def with_nan(tmp_path):
    field = pa.field("gap_um", pa.float64(), metadata={"unit": "um", "description": "A gap."})
    table = pa.table([[1, 2], [0.5, math.nan]], pa.schema([pa.field("label", pa.int64()), field]))
    pq.write_table(table, tmp_path / "pores.parquet")
    return tmp_path / "pores.parquet"


def test_excel_holds_the_rows_and_the_meaning_of_the_columns(with_nan, tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    path = export(with_nan, tmp_path / "pores.xlsx")
    book = openpyxl.load_workbook(path)
    assert list(book["rows"].values) == [("label", "gap_um"), (1, 0.5), (2, None)]
    assert ("gap_um", "um", "A gap.") in list(book["columns"].values)


def test_excel_says_what_it_needs(with_nan, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ValueError, match=r"need openpyxl: pip install 'poroscale\[excel\]'"):
        export(with_nan, tmp_path / "pores.xlsx")
    assert not (tmp_path / "pores.xlsx").exists()
