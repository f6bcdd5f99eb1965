"""A Parquet file is complete or absent, and what was there before stays until then."""

from __future__ import annotations

import pyarrow as pa
import pytest

from poroscale.storage.parquet_files import parquet_writer, read_parquet, write_parquet

TABLE = pa.table({"label": [1, 2, 3]})


def test_a_table_is_read_as_it_was_written(tmp_path):
    path = write_parquet(TABLE, tmp_path / "new" / "t.parquet", row_group_size=2)
    assert read_parquet(path).equals(TABLE)
    again = write_parquet(TABLE, tmp_path / "again.parquet", row_group_size=2)
    assert again.read_bytes() == path.read_bytes()


def write_half(path):
    with parquet_writer(path, TABLE.schema) as writer:
        writer.write_table(TABLE.slice(0, 1))
        raise RuntimeError("half way")


def test_a_failure_leaves_the_file_that_was_there(tmp_path):
    path = write_parquet(TABLE, tmp_path / "t.parquet")
    with pytest.raises(RuntimeError, match="half way"):
        write_half(path)
    assert read_parquet(path).equals(TABLE)
    assert [each.name for each in tmp_path.iterdir()] == ["t.parquet"]


def test_what_a_killed_run_left_is_removed(tmp_path):
    (tmp_path / ".t.parquet.1.partial").write_bytes(b"PAR1")
    write_parquet(TABLE, tmp_path / "t.parquet")
    assert [each.name for each in tmp_path.iterdir()] == ["t.parquet"]
