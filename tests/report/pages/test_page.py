import json
import re

import numpy as np
import pytest

from poroscale.report import write_report
from tests.report.synthetic import ArrayVolume, columns, part, write_table

FIGURES = (
    "size-distribution",
    "size-by-class",
    "sphericity",
    "shape-zones",
    "build-angle",
    "azimuth",
    "positions",
    "sections",
    "surface-distance",
    "radial",
    "pairs",
    "grey-histogram",
    "sensitivity",
)


def page_of(folder):
    return (folder / "report.html").read_text("utf-8")


def facts_of(folder):
    return json.loads((folder / "report.json").read_text("utf-8"))


def test_every_figure_is_on_the_page(report):
    page = page_of(report)
    assert [name for name in FIGURES if f'id="figure-{name}"' not in page] == []
    assert page.count("data:image/png;base64,") >= 6 + 3  # slices, close-ups, and their masks


def test_nothing_is_fetched_from_elsewhere(report):
    page = page_of(report)
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert sources
    for source in sources:
        assert source.startswith(("#", "data:")) or source == "report.json"
    assert "@import" not in page
    assert re.findall(r"url\((?!#)", page) == []
    assert "<script" not in page


def test_ids_are_unique(report):
    ids = re.findall(r'\bid="([^"]*)"', page_of(report))
    assert len(ids) == len(set(ids))


def test_references_within_the_page_have_targets(report):
    page = page_of(report)
    ids = set(re.findall(r'\bid="([^"]*)"', page))
    used = re.findall(r'href="#([^"]+)"', page) + re.findall(r"url\(#([^)]+)\)", page)
    assert set(used) <= ids


@pytest.mark.usefixtures("printed_figures")
def test_same_inputs_give_the_same_bytes_in_any_folder(report, volumes, tmp_path):
    table = write_table(tmp_path / "deep" / "other.parquet", columns(300))
    again = tmp_path / "deep" / "other"
    write_report(again, scan=volumes["scan"], phases=volumes["phases"], table=table)
    for name in ("report.html", "report.json"):
        assert (again / name).read_bytes() == (report / name).read_bytes()


def test_no_path_and_no_year_of_making_enters_the_output(report, volumes):
    for name in ("report.html", "report.json"):
        text = (report / name).read_text("utf-8")
        assert str(report.parent) not in text
        assert str(volumes["scan"].path.parent) not in text
        assert "dc:date" not in text


def test_json_says_what_the_table_says(report, volumes):
    facts, table = facts_of(report), columns(300)
    numbers = facts["numbers"]
    voxels = volumes["phases"].read()
    part_volume = np.count_nonzero(voxels) * 1000.0
    assert numbers["pore_count"] == 300
    assert numbers["porosity"] == pytest.approx((voxels == 2).sum() / (voxels > 0).sum())
    assert numbers["part_volume_um3"] == part_volume
    assert numbers["number_density_per_mm3"] == pytest.approx(300 / part_volume * 1e9)
    assert numbers["median_diameter_um"] == pytest.approx(
        np.median(table["equivalent_diameter_um"])
    )
    assert numbers["max_sqrt_area_um"] == pytest.approx(table["sqrt_area_um"].max())
    assert sum(row["count"] for row in facts["classes"]) == 300
    assert sum(facts["size_histogram"]["count"]) == 300


def test_recipe_and_content_of_the_volumes_are_named(report, volumes):
    provenance = facts_of(report)["provenance"]
    assert provenance["scan"]["content"] == volumes["scan"].digest
    assert re.fullmatch("[0-9a-f]{64}", provenance["phases"]["recipe"])
    assert provenance["scan"]["recipe"] != provenance["phases"]["recipe"]
    assert provenance["phases"]["recipe"] in page_of(report)


def test_json_is_strict_where_numbers_are_unknown(tmp_path):
    table = columns(4)
    table["neighbour_distance_um"][:] = np.nan
    table["sphericity"][:] = np.nan
    path = write_table(tmp_path / "pores.parquet", table)
    write_report(tmp_path, scan=None, phases=None, table=path)
    text = (tmp_path / "report.json").read_text("utf-8")
    assert "NaN" not in text
    assert json.loads(text)["numbers"]["median_sphericity"] is None


def test_an_empty_table_makes_a_page_that_says_so(volumes, tmp_path):
    path = write_table(tmp_path / "pores.parquet", columns(0))
    write_report(tmp_path, scan=volumes["scan"], phases=volumes["phases"], table=path)
    page = page_of(tmp_path)
    assert "No pore was found." in page
    assert 'id="figure-grey-histogram"' in page
    assert 'id="figure-size-distribution"' not in page
    assert facts_of(tmp_path)["numbers"]["pore_count"] == 0
    assert re.search(r"\b(nan|None)\b", page) is None


@pytest.mark.usefixtures("printed_figures")
def test_one_pore_makes_a_page(volumes, tmp_path):
    path = write_table(tmp_path / "pores.parquet", columns(1))
    write_report(tmp_path, scan=volumes["scan"], phases=volumes["phases"], table=path)
    assert 'id="figure-size-distribution"' in page_of(tmp_path)


def test_a_mask_without_a_scan_shows_its_phases(store, tmp_path):
    mask = (part() == 2).astype(np.uint8)
    path = write_table(tmp_path / "pores.parquet", columns(30))
    write_report(tmp_path, scan=None, phases=store(mask), table=path)
    facts, page = facts_of(tmp_path), page_of(tmp_path)
    assert facts["numbers"]["porosity"] == pytest.approx(mask.mean())
    assert facts["numbers"]["open_count"] is None  # open to what?
    assert "Open to the surface" not in page
    assert "there is no grey-value scan" in page
    assert "their segmentation is not part of this analysis" in page
    assert 'id="figure-grey-histogram"' not in page


def test_a_table_alone_makes_a_page(tmp_path):
    path = write_table(tmp_path / "pores.parquet", columns(30))
    write_report(tmp_path, scan=None, phases=None, table=path)
    page = page_of(tmp_path)
    assert 'id="slices"' not in page
    assert 'id="figure-sections"' in page
    assert facts_of(tmp_path)["numbers"]["porosity"] is None


def test_a_title_is_text_not_markup(tmp_path):
    path = write_table(tmp_path / "pores.parquet", columns(3))
    write_report(tmp_path, scan=None, phases=None, table=path, title="<script>x</script> & co")
    assert "<script" not in page_of(tmp_path)
    assert "&lt;script&gt;" in page_of(tmp_path)


@pytest.mark.usefixtures("printed_figures")
def test_large_tables_stay_small_pages(volumes, tmp_path):
    path = write_table(tmp_path / "pores.parquet", columns(150_000, size=(4e4, 4e4, 4e4)))
    noise = np.random.default_rng(0).integers(0, 65535, (1, 1500, 1500), np.uint16)
    scan = ArrayVolume(np.broadcast_to(noise, (1500, 1500, 1500)))
    write_report(tmp_path, scan=scan, phases=None, table=path)
    assert (tmp_path / "report.html").stat().st_size < 5_000_000
    assert max(np.prod(shape) for shape in scan.reads) <= 1500 * 1500  # slices, not the volume


def test_values_that_nothing_tells_are_asked_for(store, tmp_path):
    path = write_table(tmp_path / "pores.parquet", columns(5))
    grey = store(np.arange(60, dtype=np.uint8).reshape(3, 4, 5))
    with pytest.raises(ValueError, match="must name the value of the pores"):
        write_report(tmp_path, scan=None, phases=grey, table=path)


def test_a_finished_page_is_replaced_whole(report, volumes, tmp_path):
    path = write_table(tmp_path / "pores.parquet", columns(5))
    (tmp_path / "report.html").write_text("old")
    write_report(tmp_path, scan=None, phases=None, table=path)
    assert page_of(tmp_path).startswith("<!DOCTYPE html>")
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "pores.parquet",
        "report.html",
        "report.json",
    ]


def test_shapes_that_differ_are_refused(volumes, store, tmp_path):
    path = write_table(tmp_path / "pores.parquet", columns(5))
    other = store(np.zeros((3, 4, 5), np.uint8))
    with pytest.raises(ValueError, match="must have the shape of the scan"):
        write_report(tmp_path, scan=volumes["scan"], phases=other, table=path)
    assert not (tmp_path / "report.html").exists()


def test_a_table_of_another_volume_is_refused(volumes, tmp_path):
    path = write_table(tmp_path / "pores.parquet", columns(5), shape=[1, 2, 3])
    with pytest.raises(
        ValueError, match=r"pore table must be of the phases of shape \(60, 80, 90\)"
    ):
        write_report(tmp_path, scan=None, phases=volumes["phases"], table=path)


def test_values_are_those_that_the_table_was_measured_with(store, tmp_path):
    mask = np.full((6, 7, 8), 85, np.uint8)
    mask[2, 3, 4], mask[0] = 0, 170
    settings = {"pore": 0, "outside": 170, "connectivity": 26}
    path = write_table(tmp_path / "pores.parquet", columns(5), recipe={"settings": settings})
    write_report(tmp_path, scan=None, phases=store(mask), table=path)
    assert facts_of(tmp_path)["numbers"]["porosity"] == pytest.approx(1 / (5 * 7 * 8))
    assert "26-connected" in page_of(tmp_path)


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ({"file": "coupon_7.tif"}, "coupon_7"),
        ({"file": "a.tif", "first": "a.tif", "last": "a.tif", "files": 1}, "a"),
        ({"first": "s_0001.tif", "last": "s_0600.tif", "files": 600}, "s_0001 to s_0600"),
        ({"phantom": {"seed": 3}}, "Phantom"),
        ({}, "Pore report"),
    ],
)
def test_the_title_is_what_was_scanned(tmp_path, source, title):
    path = write_table(tmp_path / "pores.parquet", columns(0))
    scan = ArrayVolume(np.zeros((3, 4, 5), np.uint8), attributes={"source": source})
    write_report(tmp_path, scan=scan, phases=None, table=path)
    assert facts_of(tmp_path)["title"] == title
    assert f"<h1>{title}</h1>" in page_of(tmp_path)
