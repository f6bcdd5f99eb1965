"""Transport properties in the comparison of microstructures."""

import json

import numpy as np
import pytest

import poroscale as ps
from poroscale.engine import volume_from_array
from tests.pipelines.microstructure.test_compare import medium
from tests.pipelines.microstructure.test_fit_and_generate import picture, saved

WHICH = "s2,diffusivity,conductivity,permeability"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("transport")


@pytest.fixture(scope="module")
def volumes(folder):
    layered = np.zeros((32, 32, 32), np.uint8)
    layered[:, ::4] = 1
    arrays = {
        "reference": medium(1, shape=(64, 64, 64), values=(7, 200)),
        "alike": medium(2, shape=(32, 32, 32)),
        "layered": layered,
        "turned": layered.transpose(1, 0, 2).copy(),
    }
    return {name: volume_from_array(each, folder / f"{name}.zarr") for name, each in arrays.items()}


@pytest.fixture(scope="module")
def layers(volumes, folder):
    settings = {"which": WHICH, "conductivities": "2,4", "pore": "0", "samples": 2}
    return ps.compare_microstructure(
        volumes["layered"], volumes["turned"], folder / "layers", **settings
    )


def test_layers_let_through_what_theory_says(layers):
    """Three quarters of the voxels across y are phase 0: parallel along z and x, in series along y.

    The turned volume has its layers across z. Root mean squares over the axes do not cancel.
    """
    rows = {(row["measure"], row["phase"], row["axis"]): row for row in layers.numbers["transport"]}
    series = 1 / (0.75 / 2 + 0.25 / 4)
    for (measure, phase), along, across in (
        (("diffusivity", 0), 0.75, 0.0),
        (("diffusivity", 1), 0.25, 0.0),
        (("conductivity", None), 2.5, series),
    ):
        for side, normal in (("reference", "y"), ("generated", "z")):
            for axis in "zyx":
                wanted = across if axis == normal else along
                assert rows[measure, phase, axis][side] == pytest.approx([wanted] * 2, rel=2e-3)
    assert layers.row("conductivity", None)["difference"] == pytest.approx(
        np.sqrt(2 / 3) * (2.5 - series), rel=5e-3
    )
    assert rows["permeability_um2", None, "y"]["reference"] == [0, 0]
    assert rows["permeability_um2", None, "x"]["reference"][0] > 0.1


def test_samples_are_measured_as_the_verb_measures_a_volume(volumes, folder):
    found = ps.compare_microstructure(
        volumes["reference"], volumes["alike"], folder / "one", samples=2, edge=32,
        which="diffusivity,permeability", pore=1,
    )  # fmt: skip
    assert found.numbers["samples"]["generated"] == 1
    for measure, phase, key, settings in (
        ("diffusivity", 0, "effective", {"property": "diffusivity", "phases": {0: 1.0, 1: 0.0}}),
        ("permeability_um2", None, "effective_voxel2", {"property": "permeability", "pore": [1]}),
    ):
        own = ps.transport(volumes["alike"], folder / measure, axis="all", **settings)
        mean = np.mean([each.numbers[key] for each in own.axes])
        assert found.row(measure, phase)["generated"] == pytest.approx(mean, rel=6e-3)


def test_of_an_image_only_the_generated_volumes_are_measured(volumes, folder):
    image = saved(picture((0.4,), seed=5, edge=80, sigma=1.5), folder / "image.png")
    found = ps.compare_microstructure(
        image, volumes["alike"], folder / "image", which="diffusivity", samples=2, sections=1
    )
    assert found.row("diffusivity", 1)["verdict"] == "no reference"
    assert all(row["reference"] == [] for row in found.numbers["transport"])
    assert all(len(row["generated"]) == 1 for row in found.numbers["transport"])


def test_the_page_shows_bars_and_the_rows_of_the_medium(layers, folder):
    numbers = json.loads((folder / "layers" / "comparison.json").read_text())
    assert {row["phase"] for row in numbers["measures"]} == {0, 1, None}
    page = (folder / "layers" / "comparison.html").read_text()
    assert 'id="figure-transport"' in page
    assert ">All phases</th>" in page


def test_the_plan_holds_the_solution(volumes, folder):
    settings = {"which": "permeability", "pore": "0"}
    plan = ps.plan(
        ps.compare_microstructure, volumes["layered"], [volumes["turned"]], folder / "p", **settings
    )
    assert "transport" in plan.jobs["a sample"].stages


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"which": "conductivity"}, "`conductivities` must be given with `conductivity`"),
        ({"conductivities": "1,2"}, "`conductivities` must be given with `conductivity`"),
        ({"which": "permeability"}, "`pore` must be given with `permeability`"),
        ({"which": "permeability", "pore": "2"}, "`pore` must be among the phases 0 to 1, got 2"),
        (
            {"which": "conductivity", "conductivities": "1,2,3"},
            "`conductivities` must be one for each of the 2 phases, got 3",
        ),
        ({"which": "conductivity", "conductivities": "1,-2"}, "conductivities"),
    ],
)
def test_bad_settings_are_refused_in_one_sentence(volumes, folder, settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        ps.compare_microstructure(volumes["layered"], volumes["turned"], folder / "no", **settings)
    assert not (folder / "no").exists()
