"""The table on disk is what was written, or `verify` says so."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

from poroscale.pipelines.checks import verify
from poroscale.pore_analysis import measure_pores
from poroscale.pore_analysis.table import pore_units, read_pores, scan_pores


@pytest.fixture
def measured(make_volume, tmp_path):
    """Results of a part with three pores."""
    phases = np.ones((12, 14, 16), np.uint8)
    for z in (2, 6, 9):
        phases[z, 2 : 2 + z, 2:5] = 2
    measure_pores(make_volume(phases), tmp_path / "out")
    return tmp_path / "out"


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


def test_the_table_comes_as_pandas_with_its_units(measured):
    found = read_pores(measured)
    assert found["voxel_count"].tolist() == [6, 18, 27]
    assert found["class"].tolist() == ["unclassified"] * 3
    assert found.attrs["units"]["surface_area_um2"] == "um2"
    assert found.attrs["units"] == pore_units(measured / "pores.parquet")
    assert "open" not in found.attrs["units"]
    part = read_pores(measured / "pores.parquet", columns=["label", "volume_um3"])
    assert list(part.columns) == ["label", "volume_um3"]
    assert part.attrs["units"]["volume_um3"] == "um3"


# Dask calls pandas in a way that pandas 3.1 deprecates.
@pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame.reset_index")
def test_the_table_comes_as_a_lazy_frame(measured):
    lazy = scan_pores(measured, columns=["voxel_count", "open"])
    assert list(lazy.columns) == ["voxel_count", "open"]
    assert lazy["voxel_count"].sum().compute(scheduler="sync") == 51
    whole = scan_pores(measured).compute(scheduler="sync")
    assert whole["equivalent_diameter_um"].equals(read_pores(measured)["equivalent_diameter_um"])


@pytest.mark.parametrize("reader", [read_pores, scan_pores, pore_units])
def test_what_is_no_table_costs_one_sentence(reader, measured, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none/pores.parquet does not exist|none does not"):
        reader(tmp_path / "none")
    (tmp_path / "table.parquet").write_bytes(b"no table")
    with pytest.raises(ValueError, match=r"table.parquet is no Parquet table"):
        reader(tmp_path / "table.parquet")
    damaged = bytearray((measured / "pores.parquet").read_bytes())
    damaged[200] ^= 1
    (measured / "pores.parquet").write_bytes(damaged)
    with pytest.raises((OSError, ValueError), match=r"pores.parquet"):
        reader(measured)


@pytest.mark.parametrize("reader", [read_pores, scan_pores])
def test_a_column_that_is_not_there_is_named(reader, measured):
    with pytest.raises(ValueError, match=r"pores.parquet must have a column 'hue', it has none"):
        reader(measured, columns=["label", "hue"])
