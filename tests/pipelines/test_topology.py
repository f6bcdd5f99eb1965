import json

import numpy as np
import pytest

import poroscale as ps
from poroscale.engine import volume_from_array
from poroscale.statistics.topology.config import TopologyConfig, filtration_of
from poroscale.storage.columns import read_columns
from poroscale.volume import VolumeSpec
from tests.kernels.topology.brute_force import betti_numbers


@pytest.fixture(scope="module")
def phases(tmp_path_factory):
    array = np.random.default_rng(1).choice(np.array([1, 4], np.uint8), (6, 8, 7))
    spec = VolumeSpec(array.shape, array.dtype, (2.0, 2.0, 2.0))
    return volume_from_array(array, tmp_path_factory.mktemp("v") / "phases.zarr", spec=spec)


def curves_of(folder):
    table, _, _ = read_columns(folder / "curves.parquet")
    return {
        name: (table["lag_um"][rows], table["value"][rows])
        for name in ("betti_0", "betti_1", "betti_2", "euler")
        for rows in [table["statistic"] == name]
    }


def test_a_phase_by_its_distance(phases, tmp_path):
    found = ps.topology(phases, tmp_path / "out", phase=4, cap_um=6, levels=12)
    numbers = json.loads((tmp_path / "out" / "topology.json").read_text())
    known = betti_numbers(phases.read() == 4)
    assert [numbers[f"betti_{k}"] for k in range(3)] == list(known)
    assert numbers["euler"] == known[0] - known[1] + known[2]
    assert (numbers["of"], numbers["phase"], numbers["cap_um"]) == ("distance", 4, 6)
    assert numbers["components"]["pairs"] == found.components.total
    levels, components = curves_of(tmp_path / "out")["betti_0"]
    assert levels.tolist() == list(range(-6, 6))
    assert np.array_equal(components, found.betti[0])
    pairs, _, _ = read_columns(tmp_path / "out" / "pairs.parquet")
    assert set(pairs["dimension"].tolist()) == {0, 2}
    assert (pairs["birth"] < pairs["death"]).all()
    assert pairs["count"].sum() == found.components.total + found.cavities.total


def test_a_phase_by_both_connectivities(phases, tmp_path):
    for connectivity in (26, 6):
        out = tmp_path / str(connectivity)
        ps.topology(phases, out, of="phase", phase=1, connectivity=connectivity)
        numbers = json.loads((out / "topology.json").read_text())
        known = betti_numbers(phases.read() == 1, wide=connectivity == 26)
        assert [numbers[f"betti_{k}"] for k in range(3)] == list(known)
        assert numbers["connectivity_of_the_rest"] == 32 - connectivity


def test_the_bytes_do_not_depend_on_blocks(tmp_path):
    grey = np.random.default_rng(2).integers(0, 200, (9, 9, 9)).astype(np.uint8)
    spec = VolumeSpec(grey.shape, grey.dtype, (1.0, 1.0, 1.0), chunks=(4, 4, 4))
    volume = volume_from_array(grey, tmp_path / "g.zarr", spec=spec)
    for name, block in (("a", (4, 4, 4)), ("b", (8, 4, 12))):
        ps.topology(volume, tmp_path / name, block=block)
    for file in ("topology.html", "topology.json", "curves.parquet", "pairs.parquet"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert list(ps.verify(tmp_path / "a")) == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"phase": 3}, "`phase` must be one of the values 1, 4, got 3"),
        ({"of": "distance"}, '`phase` must be given where `of` is "distance"'),
        ({"of": "grey", "phase": 1}, "`phase` must be left out"),
        ({"cap_um": 3.0}, "`cap_um` must be left out"),
        ({"levels": 0}, "levels"),
    ],
)
def test_settings_that_do_not_fit_are_refused(phases, tmp_path, settings, words):
    with pytest.raises(ValueError, match=words):
        ps.topology(phases, tmp_path / "out", **settings)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("levels", [1, 2, 3, 7])
def test_the_numbers_of_the_phase_do_not_depend_on_levels(phases, tmp_path, levels):
    ps.topology(phases, tmp_path, phase=4, levels=levels)
    numbers = json.loads((tmp_path / "topology.json").read_text())
    known = betti_numbers(phases.read() == 4)
    assert [numbers[f"betti_{k}"] for k in range(3)] == list(known)


def test_a_cap_beyond_the_volume_is_its_diagonal(phases, tmp_path):
    found = ps.topology(phases, tmp_path, phase=4, cap_um=1e9)
    assert found.levels[0] == pytest.approx(-2 * np.sqrt(6**2 + 8**2 + 7**2))
    assert found.at(0)["betti_0"] == betti_numbers(phases.read() == 4)[0]


def test_the_halo_of_an_image_lies_in_its_plane(tmp_path):
    image = np.random.default_rng(3).integers(0, 2, (1, 40, 40)).astype(np.uint8)
    volume = volume_from_array(image, tmp_path / "i.zarr")
    assert filtration_of(TopologyConfig(phase=1), volume).halo == (0, 32, 32)
    by_blocks = ps.topology(volume, tmp_path / "a", phase=1, block=(1, 40, 40))
    assert by_blocks.image


def test_one_phase_among_more_values_than_phases_can_be(tmp_path):
    labels = np.arange(216, dtype=np.int32).reshape(6, 6, 6)
    labels[1:5, 1:5, 1:5] = 7
    volume = volume_from_array(labels, tmp_path / "l.zarr")
    assert ps.topology(volume, tmp_path / "a", phase=7, of="phase").betti[:, 0].tolist() == [
        1,
        0,
        0,
    ]
    with pytest.raises(ValueError, match="must hold the phase 999, got other values only"):
        ps.topology(volume, tmp_path / "b", phase=999)
    assert not (tmp_path / "b").exists()


def test_floats_have_no_phases(tmp_path):
    volume = volume_from_array(np.zeros((3, 3, 3), np.float32), tmp_path / "f.zarr")
    with pytest.raises(TypeError, match="must hold phases"):
        ps.topology(volume, tmp_path / "out", phase=0)


def test_the_plan_states_the_pass(phases):
    assert "topology" in ps.plan(ps.topology, phases, "out", phase=4).stages
