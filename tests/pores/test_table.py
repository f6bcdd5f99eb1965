"""The table on disk is what was written, or `verify` says so."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq

from poroscale.pipelines.checks import verify
from poroscale.pores import measure_pores


def test_a_flipped_bit_in_any_column_is_found(make_volume, tmp_path):
    phases = np.ones((6, 7, 8), np.uint8)
    phases[2:4, 2:4, 2:5] = 2
    path = measure_pores(make_volume(phases), tmp_path / "out")
    whole = path.read_bytes()
    assert verify(path) == []
    columns = pq.read_metadata(path).row_group(0)
    for i in range(columns.num_columns):
        column = columns.column(i)
        start = column.dictionary_page_offset or column.data_page_offset
        damaged = bytearray(whole)
        damaged[start + column.total_compressed_size - 1] ^= 1
        path.write_bytes(damaged)
        (problem,) = verify(path)
        assert str(path) in problem, column.path_in_schema
