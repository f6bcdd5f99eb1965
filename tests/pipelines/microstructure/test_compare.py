"""The verb: its files, its verdicts on media that are known, and what it refuses."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import poroscale as ps
from poroscale.cli.app import app
from poroscale.engine import volume_from_array
from poroscale.kernels.noise import correlated_noise
from poroscale.storage.columns import read_columns
from poroscale.volume import VolumeSpec
from tests.pipelines.microstructure.test_fit_and_generate import picture, saved

QUICK = {"samples": 4, "sections": 1}


def medium(seed, *, level=0.4, sigma=1.5, shape=(40, 40, 40), values=(0, 1)):
    field = correlated_noise((0, 0, 0), shape, seed=seed, sigma=sigma)
    return np.asarray(values, np.uint8)[(field > level).astype(int)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("compare")


@pytest.fixture(scope="module")
def volumes(folder):
    """Two of one law, one of a coarser one, and a section."""
    arrays = {
        "reference": medium(1, shape=(64, 64, 64), values=(7, 200)),
        "alike": medium(2),
        "coarse": medium(3, sigma=3.0),
        "section": medium(4, shape=(1, 40, 40)),
        "three": np.random.default_rng(0).integers(0, 3, (16, 16, 16)).astype(np.uint8),
        "one": np.zeros((16, 16, 16), np.uint8),
    }
    return {name: volume_from_array(each, folder / f"{name}.zarr") for name, each in arrays.items()}


@pytest.fixture(scope="module")
def found(volumes, folder):
    return ps.compare_microstructure(
        volumes["reference"], [volumes["alike"]], folder / "alike", **QUICK
    )


def test_two_volumes_of_one_law_agree(found, folder):
    numbers = json.loads((folder / "alike" / "comparison.json").read_text())
    assert numbers["samples"]["shape"] == [32, 32, 32]
    assert numbers["samples"]["reference"] == 4
    assert numbers["reference"]["greys"] == [7, 200]
    by_chance = np.sqrt(1 / 4 + 1 / numbers["samples"]["generated"])
    assert numbers["samples"]["limit"] == pytest.approx(max(1.0, 2 * by_chance))
    share = found.row("fraction", 1)
    assert share["reference"] == pytest.approx((medium(1, shape=(64, 64, 64)) == 1).mean())
    assert share["generated"] == pytest.approx((medium(2) == 1).mean())
    assert share["uncertainty"] > 0
    assert share["difference"] == pytest.approx(abs(share["generated"] - share["reference"]))
    beyond = share["ratio"] > numbers["samples"]["limit"]
    assert (share["verdict"] == "beyond") == beyond
    for measure in ("s2", "s2_axes", "lineal_path", "c2", "chord_density", "surface_s2_per_um"):
        assert found.row(measure, 1)["relative"] < 0.5
    with pytest.raises(KeyError):
        found.row("conductivity", 1)


def test_a_folder_holds_curves_of_both_sides_and_a_page(found, folder):
    table, about, _ = read_columns(folder / "alike" / "curves.parquet")
    assert list(table) == ["statistic", "phase", "axis", "lag_um", "value", "side"]
    sides = {"reference", "generated", "reference_lowest", "reference_highest"}
    assert set(table["side"]) == sides
    rows = (table["statistic"] == "s2") & (table["phase"] == "1") & (table["axis"] == "radial")
    by_side = {side: table["value"][rows & (table["side"] == side)] for side in sides}
    assert np.all(by_side["reference_lowest"] <= by_side["reference"])
    assert np.all(by_side["reference"] <= by_side["reference_highest"])
    assert by_side["generated"][0] == pytest.approx((medium(2)[:32, :32, :32] == 1).mean(), abs=0.1)
    assert about["kind"] == "microstructure comparison"
    page = (folder / "alike" / "comparison.html").read_text()
    assert all(line.replace("'", "&#39;") in page for line in found.describe())
    for name in ("sections", "ratios", "s2", "c2", "lineal-path", "chords", "betti"):
        assert f'id="figure-{name}"' in page
    assert "http" not in page.replace("http://www.w3.org", "")


def test_the_same_bytes_come_again_for_other_workers(volumes, folder):
    for name, workers in (("a", 1), ("b", 2)):
        ps.compare_microstructure(
            volumes["reference"],
            volumes["alike"],
            folder / name,
            workers=workers,
            which="surface,s2",
            samples=2,
        )
    for name in ("comparison.json", "comparison.html", "curves.parquet"):
        assert (folder / "a" / name).read_bytes() == (folder / "b" / name).read_bytes()


def test_a_coarser_volume_is_beyond(volumes, folder):
    found = ps.compare_microstructure(
        volumes["reference"], volumes["coarse"], folder / "coarse", which="surface,betti", samples=4
    )
    for measure in ("surface_crofton_per_um", "surface_s2_per_um", "betti_0"):
        assert found.row(measure, 1)["verdict"] == "beyond"
    assert "beyond" in str(list(found.describe()))


def test_an_image_is_compared_with_sections(volumes, folder):
    image = saved(picture((0.4,), seed=5, edge=80, sigma=1.5), folder / "image.png")
    found = ps.compare_microstructure(
        image,
        volumes["alike"],
        folder / "image",
        which="s2,lineal_path,connectivity,betti",
        **QUICK,
    )
    assert found.numbers["samples"]["shape"] == [1, 40, 40]
    assert found.numbers["samples"]["generated"] == 3
    flat = [row for row in found.numbers["measures"] if row["dimensions"] == 2]
    assert {row["measure"] for row in flat} >= {"fraction", "s2", "lineal_path", "betti_1"}
    assert not any(row["measure"] == "betti_2" for row in flat)
    deep = [row for row in found.numbers["measures"] if row["dimensions"] == 3]
    assert {row["verdict"] for row in deep} == {"no reference"}
    assert "percolating_fraction" in {row["measure"] for row in deep}
    own = ps.stats(volumes["alike"], which="connectivity").phase(1)["connected_fraction"]
    shown = next(r for r in deep if (r["measure"], r["phase"]) == ("connected_fraction", 1))
    assert shown["generated"] == pytest.approx(own)


def test_a_plane_takes_sections_of_it_alone(volumes, folder):
    image = saved(picture((0.4,), seed=6, edge=80, sigma=1.5), folder / "plane.png")
    found = ps.compare_microstructure(
        image, volumes["alike"], folder / "plane", plane="zx", which="s2", sections=3, samples=2
    )
    assert found.numbers["samples"]["generated"] == 3
    assert not [row for row in found.numbers["measures"] if row["dimensions"] == 3]


def test_two_images_are_compared_in_their_own_plane(folder):
    first, second = (
        saved(picture((0.4,), seed=seed, edge=64, sigma=1.5), folder / f"{seed}.png")
        for seed in (7, 8)
    )
    made = ps.ingest(second, folder / "second.zarr", voxel_size=1.0)
    found = ps.compare_microstructure(first, made, folder / "images", which="s2,lineal_path")
    assert found.numbers["samples"]["shape"] == [1, 32, 32]
    assert (found.numbers["samples"]["reference"], found.numbers["samples"]["generated"]) == (4, 4)
    assert found.row("s2", 1)["verdict"] in ("within", "cannot tell")


def test_a_phase_that_a_sample_lacks_counts_as_nothing(folder):
    layered = np.zeros((32, 32, 32), np.uint8)
    layered[:16] = np.random.default_rng(1).integers(0, 2, (16, 32, 32))
    reference = volume_from_array(layered, folder / "layered.zarr")
    made = volume_from_array(layered[::-1].copy(), folder / "turned.zarr")
    found = ps.compare_microstructure(reference, made, folder / "layers", which="s2,chords,betti")
    row = found.row("fraction", 1)
    assert row["difference"] == pytest.approx(0)
    assert row["reference_sd"] > 0.2
    assert found.row("s2", 1)["ratio"] == pytest.approx(0, abs=1e-5)


def test_a_plan_names_what_is_measured(volumes, folder):
    plan = ps.plan(
        ps.compare_microstructure, volumes["reference"], [volumes["alike"]], folder / "p", **QUICK
    )
    assert {"reference.zarr", "a sample"} == set(plan.jobs)
    assert {"topology", "pairs of voxels", "clusters"} <= set(plan.jobs["a sample"].stages)
    with pytest.raises(MemoryError):
        ps.plan(
            ps.compare_microstructure,
            volumes["reference"],
            volumes["alike"],
            folder / "p",
            memory="150MiB",
        )


@pytest.mark.parametrize(
    ("reference", "generated", "settings", "sentence"),
    [
        ("reference", "three", {}, "three.zarr must have the 2 phases of reference.zarr, got 3"),
        ("one", "alike", {}, "one.zarr must show two phases, got the value 0 alone"),
        ("reference", "section", {}, "section.zarr is a section and reference.zarr a volume"),
        ("reference", "one", {}, "must hold 2 to 8 phases, got 1 values"),
        ("picture", "alike", {"voxel_um": 2.0}, "cubic voxels of 2 um, as picture.png has"),
        ("reference", "floats", {}, "must hold phases"),
        ("reference", "alike", {"which": "s3"}, "which"),
        ("reference", "alike", {"plane": "zx"}, "`plane` must be left out .* got 'zx'"),
        ("missing", "alike", {}, "missing.png does not exist"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(
    volumes, folder, reference, generated, settings, sentence
):
    spec = VolumeSpec((8, 8, 8), np.float32, (1.0, 1.0, 1.0))
    floats = volume_from_array(np.zeros((8, 8, 8), np.float32), folder / "floats.zarr", spec=spec)
    known = volumes | {
        "picture": saved(picture((0.4,), edge=80), folder / "picture.png"),
        "floats": floats,
        "missing": folder / "missing.png",
    }
    with pytest.raises((ValueError, TypeError, OSError), match=sentence) as told:
        ps.compare_microstructure(known[reference], known[generated], folder / "no", **settings)
    assert len(str(told.value).splitlines()) == 1
    assert not (folder / "no").exists()


def test_folders_of_other_verbs_are_left_alone(volumes, found, folder):
    with pytest.raises(ValueError, match="must not lie inside the input"):
        ps.compare_microstructure(
            volumes["reference"], volumes["alike"], volumes["alike"].path / "out"
        )
    ps.stats(volumes["three"], folder / "stats", which="surface")
    with pytest.raises(ValueError, match=r"holds statistics\.json"):
        ps.compare_microstructure(volumes["reference"], volumes["alike"], folder / "stats")
    with pytest.raises(ValueError, match=r"holds comparison\.json"):
        ps.stats(volumes["three"], folder / "alike", which="surface")


def test_the_command_line(volumes, folder):
    words = [
        "compare",
        "microstructure",
        str(volumes["reference"].path),
        f"{volumes['alike'].path},{volumes['coarse'].path}",
        str(folder / "cli"),
        "--which",
        "surface",
        "--samples",
        "2",
    ]
    dry = CliRunner().invoke(app, [*words, "--dry-run"])
    assert dry.exit_code == 0, dry.output
    assert "a sample" in dry.output
    assert not (folder / "cli").exists()
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "comparison.html: the comparison" in done.output
    assert "measures lie within the spread" in done.output
