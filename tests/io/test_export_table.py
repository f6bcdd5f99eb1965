import pandas as pd
import pytest

from poroscale.io.export import export


def test_the_csv_holds_the_table(tmp_path):
    table = pd.DataFrame({"label": [1, 2], "volume_um3": [12.5, None], "class": ["gas", "keyhole"]})
    table.to_parquet(tmp_path / "pores.parquet")
    path = export(tmp_path / "pores.parquet", tmp_path / "pores.csv")
    pd.testing.assert_frame_equal(pd.read_csv(path), table, check_dtype=False)


def test_parquet_keeps_units(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

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
    with pytest.raises(ValueError, match=r"pores\.parquet: not a Parquet file"):
        export(tmp_path / "pores.parquet", tmp_path / "pores.csv")
    assert not (tmp_path / "pores.csv").exists()
