"""Pores above a size, the part without its skin, and sections as numbers."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from poroscale.engine import Run, volume_from_array
from poroscale.pore_analysis.phases import Chosen
from poroscale.report import ReportConfig, write_report
from poroscale.report.chosen import above_size, section_rows, without_skin
from poroscale.report.sections.extent import measure_extent
from poroscale.report.table import PoreTable
from poroscale.volume import VolumeSpec
from tests.report.synthetic import columns, part, write_table

QUIET = Run(progress=False)
VALUES = Chosen(2, 0)


def stored(folder, array, *, size=(10.0,) * 3, chunk=16):
    spec = VolumeSpec(array.shape, array.dtype, size, chunks=(chunk,) * 3)
    return volume_from_array(array, folder / "v.zarr", spec=spec, run=QUIET.but(overwrite=True))


@pytest.fixture
def table(tmp_path):
    return PoreTable.open(write_table(tmp_path / "t.parquet", columns(200)))


def test_pores_above_a_size_have_their_own_porosity(table):
    written = columns(200)
    least = float(np.median(written["equivalent_diameter_um"]))
    large = written["equivalent_diameter_um"] >= least
    found = above_size(table, least, 1e9)
    assert found["pore_count"] == large.sum() == 100
    assert found["porosity"] == pytest.approx(written["volume_um3"][large].sum() / 1e9)
    assert found["number_density_per_mm3"] == 100
    assert found["share_of_pore_volume"] > 0.5
    assert above_size(table, 1e6, None)["porosity"] is None


@given(
    st.integers(0, 2**31),
    st.sampled_from([(10.0, 10.0, 10.0), (20.0, 7.0, 10.0)]),
    st.sampled_from([8.0, 25.0, 41.0]),
)
@settings(max_examples=5, deadline=None)
def test_the_core_is_what_lies_deeper_than_the_skin(tmp_path_factory, seed, size, skin):
    phases = part((24, 30, 34), pores=12, seed=seed)
    volume = stored(tmp_path_factory.getbasetemp() / "core", phases, size=size, chunk=8)
    folder = tmp_path_factory.getbasetemp() / "core"
    pores = PoreTable.open(write_table(folder / "t.parquet", columns(5)))
    extent = measure_extent(volume, pore=2, outside=0, run=QUIET)
    found = without_skin(
        pores, volume, values=VALUES, skin_um=skin, extent=extent, run=QUIET.but(block=(8, 8, 8))
    )
    depth = distance_transform_edt(phases != 0, sampling=size) - 0.5 * min(size)
    deep = depth > skin * (1 + 1e-6)
    expected = (deep & (phases == 2)).sum() / deep.sum() if deep.any() else None
    assert found["porosity"] == pytest.approx(expected)
    assert found["part_volume_um3"] == pytest.approx(deep.sum() * np.prod(size))


def test_a_skin_needs_an_outside(table, tmp_path):
    volume = stored(tmp_path, np.ones((8, 8, 8), np.uint8))
    extent = measure_extent(volume, pore=2, outside=None, run=QUIET)
    with pytest.raises(ValueError, match="`skin_um` must come with a volume that has an outside"):
        without_skin(table, volume, values=Chosen(2, None), skin_um=5.0, extent=extent)


def test_sections_are_numbers_of_the_report(table, tmp_path):
    phases = part()
    volume = stored(tmp_path, phases)
    out = tmp_path / "out"
    asked = ReportConfig(min_um=20.0, skin_um=30.0)
    write_report(out, scan=None, phases=volume, table=table.path, config=asked, run=QUIET)
    facts = json.loads((out / "report.json").read_text())
    rows = facts["sections"]
    assert len(rows) == 60
    assert rows[0]["from_um"] == 0
    assert rows[-1]["to_um"] == 600
    k = 20
    low, high = (round(rows[k][name] / 10) for name in ("from_um", "to_um"))
    section = phases[low:high]
    assert rows[k]["porosity"] == pytest.approx((section == 2).sum() / (section > 0).sum())
    extent = measure_extent(volume, pore=2, outside=0, run=QUIET)
    assert sum(row["pore_count"] for row in section_rows(extent, table)) <= table.rows
    assert facts["above"]["min_um"] == 20
    assert facts["core"]["skin_um"] == 30
    assert facts["numbers"]["outside_share"] == pytest.approx((phases == 0).mean())
    page = (out / "report.html").read_text()
    assert "Pores from 20 µm" in page
    assert "Without a skin of 30 µm" in page
    assert "Porosity by section" in page
