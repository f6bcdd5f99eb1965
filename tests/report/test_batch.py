import csv
import json
import re

import pytest
from pyarrow import parquet

from poroscale.report import write_batch, write_report
from tests.report.synthetic import columns, write_table


@pytest.fixture(scope="module")
def batch(volumes, tmp_path_factory):
    out = tmp_path_factory.mktemp("batch")
    for name, pores in (("coupon 1", 120), ("coupon 2", 0), ("coupon 3", 40)):
        table = write_table(out / name / "pores.parquet", columns(pores, seed=pores))
        write_report(out / name, scan=None, phases=volumes["phases"], table=table)
    write_batch(out, sorted(path for path in out.iterdir() if path.is_dir()))
    return out


def test_one_row_per_scan_in_both_files(batch):
    rows = parquet.read_table(batch / "batch.parquet").to_pylist()
    assert [row["scan"] for row in rows] == ["coupon 1", "coupon 2", "coupon 3"]
    assert [row["pore_count"] for row in rows] == [120, 0, 40]
    with (batch / "batch.csv").open(newline="") as file:
        text = list(csv.DictReader(file))
    assert [row["scan"] for row in text] == [row["scan"] for row in rows]
    for row, other in zip(text, rows, strict=True):
        assert float(row["porosity"]) == other["porosity"]
    facts = json.loads((batch / "coupon 3" / "report.json").read_text())
    assert rows[2]["max_sqrt_area_um"] == facts["numbers"]["max_sqrt_area_um"]
    assert rows[1]["median_diameter_um"] is None
    assert rows[0]["voxel_size_z_um"] == 10


def test_every_pore_with_its_scan(batch):
    pores = parquet.read_table(batch / "batch_pores.parquet")
    assert pores.column("scan").to_pylist() == ["coupon 1"] * 120 + ["coupon 3"] * 40
    assert pores.column("label").to_pylist() == [*range(1, 121), *range(1, 41)]


def test_the_page_links_each_report_and_nothing_elsewhere(batch):
    page = (batch / "index.html").read_text("utf-8")
    links = re.findall(r'(?:src|href)="([^"#][^"]*)"', page)
    assert "coupon%201/report.html" in links
    inside = ("data:", "coupon%20", "batch.")
    assert [link for link in links if not link.startswith(inside)] == []
    for name in ("porosity", "diameters", "roots", "densities"):
        assert f'id="figure-{name}"' in page


def test_the_same_reports_give_the_same_bytes(batch, tmp_path):
    folders = sorted(path for path in batch.iterdir() if path.is_dir())
    write_batch(tmp_path, folders)
    for name in ("batch.parquet", "batch.csv", "batch_pores.parquet"):
        assert (tmp_path / name).read_bytes() == (batch / name).read_bytes()


def test_a_folder_without_report_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing/report\.json does not exist"):
        write_batch(tmp_path, [tmp_path / "nothing"])
    with pytest.raises(ValueError, match="at least one report"):
        write_batch(tmp_path, [])


def test_what_is_no_report_is_named(tmp_path):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "report.json").write_text("[1, 2")
    with pytest.raises(ValueError, match=r"bad/report\.json must be a report"):
        write_batch(tmp_path, [tmp_path / "bad"])


def test_two_scans_of_one_name_are_refused(batch, tmp_path):
    with pytest.raises(ValueError, match="different names, got coupon 1 twice"):
        write_batch(tmp_path, [batch / "coupon 1", batch / "coupon 1"])
