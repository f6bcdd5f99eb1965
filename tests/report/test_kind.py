"""What a page shows depends on what it is about."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from poroscale.engine import Run
from poroscale.pore_analysis import PoresConfig, measure_pores
from poroscale.report import write_report
from poroscale.report.kind import SubjectKind
from tests.report.synthetic import part, segmentation

QUIET = Run(progress=False)


def written(folder, phases, **config):
    """Facts and page of a measured volume of phases."""
    table = measure_pores(phases, folder, config=PoresConfig(**config), run=QUIET)
    write_report(folder, scan=None, phases=phases, table=table, run=QUIET)
    page = (folder / "report.html").read_text("utf-8")
    assert re.search(r"\b(nan|None)\b", page) is None
    return json.loads((folder / "report.json").read_text("utf-8")), page


def foam(shape=(40, 44, 48), seed=2):
    """Phases 1 and 2 of a pore space in which most pores are one."""
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(np.random.default_rng(seed).normal(size=shape), 3, mode="wrap")
    return 1 + (field > np.quantile(field, 0.55)).astype(np.uint8)


@pytest.mark.parametrize(
    ("shape", "numbers", "labels", "text"),
    [
        ((9, 9, 9), {"porosity": 0.01, "largest_volume_share": 0.9}, False, "sparse pores in a"),
        ((9, 9, 9), {"porosity": 0.3, "largest_volume_share": 0.1}, False, "separate pores in a"),
        ((9, 9, 9), {"porosity": 0.3, "largest_volume_share": 0.9}, False, "connected pore space"),
        ((1, 9, 9), {"porosity": None}, True, "sparse pores in a part, label image, 2D"),
    ],
)
def test_kinds(shape, numbers, labels, text):
    assert SubjectKind.of(shape, numbers, labels=labels).text.startswith(text)


@pytest.mark.usefixtures("printed_figures")
def test_a_connected_pore_space_is_described_as_a_whole(store, tmp_path):
    phases = foam()
    facts, page = written(tmp_path / "out", store(phases))
    assert facts["kind"]["connected"]
    assert facts["kind"]["text"] == "connected pore space, label image"
    assert [row["axis"] for row in facts["pore_space"]["axes"]] == list("zyx")
    for row, axis in zip(facts["pore_space"]["axes"], range(3), strict=True):
        ends = (np.diff((phases == 2).astype(int), axis=axis) != 0).sum()
        n = phases.shape[axis]
        assert row["mean_chord_um"] == pytest.approx(
            20 * (phases == 2).sum() * (n - 1) / (ends * n)
        )
        assert row["spans"] is True
    mean = np.mean([row["mean_chord_um"] for row in facts["pore_space"]["axes"]])
    surface = facts["pore_space"]["specific_surface_per_mm"]
    assert surface == pytest.approx(4e3 * facts["numbers"]["porosity"] / mean, rel=0.1)
    assert 'id="pore-space"' in page
    assert "specific surface" in facts["methods"]["paragraph"]
    for absent in ("size-distribution", "sphericity", "azimuth", "pairs", "positions"):
        assert f'id="figure-{absent}"' not in page
    assert 'id="largest"' not in page
    assert "Median equivalent diameter" not in page
    assert not any("too small for their shape" in warning for warning in facts["warnings"])


def test_what_does_not_span_says_no(store, tmp_path):
    phases = foam()
    phases[20] = 1
    facts, _ = written(tmp_path / "out", store(phases))
    if facts["kind"]["connected"]:
        assert facts["pore_space"]["axes"][0]["spans"] is False


@pytest.mark.usefixtures("printed_figures")
def test_an_image_has_areas(store, tmp_path):
    y, x = np.indices((80, 100))
    phases = np.ones((1, 80, 100), np.uint8)
    for k, (row, column) in enumerate([(20, 20), (20, 70), (50, 30), (60, 80), (40, 55)]):
        phases[0, np.hypot((y - row) / (1 + 0.2 * k), x - column) <= 4.3] = 2
    phases[0, :, :3] = 0
    facts, page = written(tmp_path / "out", store(phases))
    numbers = facts["numbers"]
    assert facts["kind"]["flat"] == 0
    area = (phases > 0).sum() * 100.0
    assert numbers["part_area_um2"] == pytest.approx(area)
    assert numbers["number_density_per_mm2"] == pytest.approx(5 / area * 1e6)
    assert numbers["part_volume_um3"] is None
    assert numbers["number_density_per_mm3"] is None
    assert numbers["unresolved_count"] == 0
    assert numbers["touches_edge_count"] == 0
    assert numbers["max_diameter_um"] == pytest.approx(
        2 * np.sqrt((phases == 2).sum() * 100 / np.pi / 5), rel=0.3
    )
    assert "Area of the part" in page
    assert "per mm²" in page
    assert "mm³" not in page
    for absent in ("sections", "radial", "build-angle", "sphericity", "shape-zones"):
        assert f'id="figure-{absent}"' not in page
    assert "build direction" not in page
    assert "circle of equal area" in facts["methods"]["paragraph"]


@pytest.mark.parametrize("axis", [1, 2])
def test_an_image_across_the_build_direction(store, tmp_path, axis):
    phases = np.expand_dims(part(pores=15)[:, 40], axis)
    facts, page = written(tmp_path / "out", store(phases))
    assert facts["kind"]["flat"] == axis
    assert "Area of the part" in page


def test_classes_stand_where_they_were_asked_for(store, tmp_path):
    phases = store(part())
    plain, page = written(tmp_path / "plain", phases)
    classed, classed_page = written(tmp_path / "classed", phases, classes=True)
    assert plain["classes"] == []
    for absent in ('id="classes"', "keyhole", "lack of fusion", "size-by-class"):
        assert absent not in page
        assert absent in classed_page
    assert len(classed["classes"]) > 1
    names = {
        name: set(pd.read_parquet(tmp_path / name / "pores.parquet")["class"])
        for name in ("plain", "classed")
    }
    assert names["plain"] == {"unclassified"}
    assert "gas" in names["classed"]


def test_a_segmentation_is_no_label_image(store, tmp_path):
    phases = store(part(), kind="phases", segmentation=segmentation())
    facts, _ = written(tmp_path / "out", phases)
    assert not facts["kind"]["labels"]
    assert "taken_for" not in facts["numbers"]
