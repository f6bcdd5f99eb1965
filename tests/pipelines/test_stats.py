"""The verb `stats`: its files, its numbers, and what it refuses."""

import json

import numpy as np
import pytest

import poroscale as ps
from poroscale.statistics.curves import COLUMNS, Curves
from poroscale.statistics.values import sampled_values
from tests.statistics.media import boolean_model, layers

FILES = ["statistics.json", "curves.parquet", "statistics.html"]


def test_a_folder_holds_numbers_curves_and_a_page(as_volume, tmp_path):
    medium = boolean_model((24, 24, 32), radius=4.0, fraction=0.5, seed=1)
    volume = as_volume(medium, chunks=(16, 16, 16))
    found = ps.stats(volume, tmp_path / "out")
    numbers = json.loads((tmp_path / "out" / "statistics.json").read_text())
    assert sorted(numbers["phases"]) == ["0", "1"]
    one = numbers["phases"]["1"]
    assert one["fraction"] == pytest.approx((medium == 1).mean())
    for name in (
        "fraction_std", "surface_faces_per_um", "surface_crofton_per_um", "surface_s2_per_um",
        "euler_6", "euler_26", "mean_chord_x_um", "correlation_length_um", "connected_fraction",
        "percolates_z", "thickness_mean_um",
    ):  # fmt: skip
        assert one[name] == pytest.approx(found.phase(1)[name])
    curves = Curves.read(tmp_path / "out" / "curves.parquet")
    assert set(curves.columns()) == set(COLUMNS)
    kinds = {(c.statistic, c.axis) for c in curves.found}
    assert {
        ("s2", "radial"),
        ("s2", "z"),
        ("lineal_path", "y"),
        ("chord_density", "x"),
        ("c2", "z"),
        ("thickness", ""),
    } <= kinds
    assert "surface" in (tmp_path / "out" / "statistics.html").read_text()


def test_the_page_explains_a_dash_where_it_shows_one(as_volume, tmp_path):
    noise = np.random.default_rng(0).integers(0, 2, (8, 8, 8)).astype(np.uint8)
    slab = noise.copy()
    slab[..., 4:] = 2  # no chord of it ends along z and y
    for name, phases in (("noise", noise), ("slab", slab)):
        ps.stats(as_volume(phases), tmp_path / name, which=("chords",))
        page = (tmp_path / name / "statistics.html").read_text()
        assert ("– stands for" in page) == (name == "slab")


def test_the_same_bytes_come_again_for_other_blocks(as_volume, tmp_path):
    volume = as_volume(layers((16, 12, 16), period=4), chunks=(8, 8, 8))
    for name, block in (("a", (8, 8, 8)), ("b", (16, 16, 16))):
        ps.stats(volume, tmp_path / name, block=block, which=("surface", "chords", "minkowski"))
    for file in FILES:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_one_phase_and_some_statistics(as_volume):
    volume = as_volume(np.random.default_rng(0).integers(0, 3, (8, 8, 8)).astype(np.int16))
    found = ps.stats(volume, phase=2, which=("surface", "triple_line"))
    assert list(found.numbers["phases"]) == ["2"]
    assert set(found.phase(2)) == {
        "voxels", "fraction", "surface_faces_per_um", "surface_crofton_per_um",
    }  # fmt: skip
    assert found.numbers["part"]["triple_line_edges_per_um2"] > 0
    assert not found.curves.found


def test_only_voxels_inside_count(as_volume):
    array = np.zeros((8, 8, 8), np.uint8)
    array[:, :, :2] = 1
    inside = np.zeros((8, 8, 8), bool)
    inside[:, :, :4] = True
    found = ps.stats(as_volume(array), inside=as_volume(inside), which=("surface",))
    assert found.phase(1)["fraction"] == 0.5
    assert found.numbers["part"] == {"voxels": 256, "share_of_volume": 0.5}


def test_a_phase_that_the_mask_leaves_out_is_not_measured(as_volume):
    """A background of the value 0 beside a mask of the part, as most label images have it."""
    array = np.zeros((8, 8, 8), np.uint8)
    array[2:6, 2:6, 2:6] = 1
    array[3, 3, 3] = 2
    volume, inside = as_volume(array), as_volume(array > 0)
    found = ps.stats(volume, inside=inside)
    assert list(found.numbers["phases"]) == ["1", "2"]
    assert found.phase(2)["fraction"] == 1 / 64
    assert found.phase(1)["surface_s2_per_um"] == pytest.approx(found.phase(2)["surface_s2_per_um"])
    with pytest.raises(ValueError, match="must hold the phase 0 within the part, got 1, 2"):
        ps.stats(volume, inside=inside, phase=0)


def test_phases_of_ours_leave_out_what_is_outside(as_volume):
    array = np.zeros((8, 8, 8), np.uint8)
    array[2:6, 2:6, 2:6] = 1
    array[3, 3, 3] = 2
    found = ps.stats(as_volume(array, attributes={"kind": "phases"}))
    assert found.phase(2)["fraction"] == 1 / 64
    assert list(found.numbers["phases"]) == ["1", "2"]


def test_one_phase_among_more_values_than_phases_can_be(as_volume):
    """A label image holds thousands of values; the background is a phase all the same."""
    labels = np.arange(512, dtype=np.int32).reshape(8, 8, 8)
    labels[:4] = 0
    assert ps.stats(as_volume(labels), phase=0, which=("surface",)).phase(0)["fraction"] == 0.5


def test_a_value_that_samples_do_not_show_is_found(as_volume):
    array = np.zeros((200, 8, 8), np.uint8)
    array[90, 4, 4] = 7
    found = ps.stats(as_volume(array, chunks=(64, 8, 8)), which=("surface",))
    assert found.phase(7)["voxels"] == 1


def test_two_voxels_thick_and_one_voxel(as_volume):
    thin = ps.stats(as_volume(layers((2, 9, 9), period=2)))
    assert thin.phase(1)["fraction"] == 0.5
    single = ps.stats(as_volume(np.ones((1, 1, 1), np.uint8)))
    assert single.phase(1)["fraction"] == 1
    assert single.phase(1)["surface_crofton_per_um"] is None


@pytest.mark.parametrize(
    ("array", "settings", "sentence"),
    [
        (np.zeros((4, 4, 4), np.float32), {}, r"must hold phases .* got float32; segment it first"),
        (np.arange(64, dtype=np.uint8).reshape(4, 4, 4), {}, r"at most 32 phases, got more values"),
        (np.eye(4, dtype=np.uint8)[None], {"phase": 3}, "must be one of the values 0, 1, got 3"),
        (np.eye(4, dtype=np.uint8)[None], {"lags": 9}, "at most 3 voxels in a volume of shape"),
        (np.eye(4, dtype=np.uint8)[None], {"lags": -1}, "`lags` must be at least 0 and at most 3"),
        (np.eye(4, dtype=np.uint8)[None], {"which": "s2,foo"}, "`which.1` must be .* got 'foo'"),
        (np.eye(4, dtype=np.uint8)[None], {"which": ""}, "`which.0` must be .* got ''"),
        (np.arange(64).reshape(4, 4, 4), {"phase": 99}, "hold the phase 99 .* other values only"),
    ],
)
def test_what_cannot_be_measured_is_told_in_a_sentence(as_volume, array, settings, sentence):
    with pytest.raises((TypeError, ValueError), match=sentence):
        ps.stats(as_volume(array), **settings)


def test_a_mask_of_another_shape_or_of_nothing_is_refused(as_volume):
    volume = as_volume(np.ones((4, 4, 4), np.uint8))
    with pytest.raises(ValueError, match="`inside` must have the shape"):
        ps.stats(volume, inside=as_volume(np.ones((4, 4, 5), np.uint8)))
    with pytest.raises(ValueError, match="must have voxels that count"):
        ps.stats(volume, inside=as_volume(np.zeros((4, 4, 4), np.uint8)))


def test_names_may_come_in_one_string_and_an_empty_list_leaves_the_fraction(as_volume):
    volume = as_volume(layers((4, 4, 8), period=4))
    assert ps.stats(volume, which="surface, chords").numbers["settings"]["which"] == [
        "surface",
        "chords",
    ]
    assert set(ps.stats(volume, which=[]).phase(1)) == {"voxels", "fraction"}


@pytest.mark.parametrize("which", ["chords, surface,chords", ("chords", "surface", "chords")])
def test_a_name_that_is_given_twice_is_listed_once(as_volume, which):
    found = ps.stats(as_volume(layers((4, 4, 8), period=4)), which=which)
    assert found.numbers["settings"]["which"] == ["chords", "surface"]


def test_a_phase_is_labelled_once_for_its_clusters_and_for_c2(as_volume, monkeypatch):
    medium = boolean_model((16, 16, 16), radius=3.0, fraction=0.4, seed=2)
    volume = as_volume(medium, chunks=(8, 8, 8))
    alone = ps.stats(volume, which="connectivity")
    c2 = ps.stats(volume, which="c2")

    def counted(*_args, **_settings):
        raise AssertionError("labelled once more")

    monkeypatch.setattr("poroscale.statistics.connectivity.count_components", counted)
    both = ps.stats(volume, which="connectivity,c2")
    assert both.numbers["phases"] == alone.numbers["phases"]
    assert both.numbers["settings"]["which"] == ["connectivity", "c2"]
    for one, other in zip(both.curves.found, c2.curves.found, strict=True):
        assert (one.statistic, one.phase, one.axis) == (other.statistic, other.phase, other.axis)
        assert np.array_equal(one.value, other.value)


@pytest.mark.parametrize("settings", [{}, {"phase": 1}])
def test_samples_of_a_volume_are_read_once(as_volume, monkeypatch, settings):
    seen = []

    def counted(volume, *, most):
        seen.append(volume.path)
        return sampled_values(volume, most=most)

    monkeypatch.setattr("poroscale.statistics.phases.sampled_values", counted)
    volume = as_volume(layers((4, 4, 8), period=4))
    ps.stats(volume, which="surface,s2", **settings)
    assert seen == [volume.path]


def test_a_mask_of_other_voxels_is_refused(as_volume):
    ones = np.ones((4, 4, 4), np.uint8)
    with pytest.raises(ValueError, match=r"must have the voxel size .* of the volume, got"):
        ps.stats(as_volume(ones), inside=as_volume(ones, voxel_size=(3.0,) * 3))


def test_a_mask_of_another_place_is_refused(as_volume, tmp_path):
    array = layers((8, 6, 8), period=4)
    whole, ones = as_volume(array), np.ones((4, 6, 8), np.uint8)
    low, high = (
        ps.crop(whole, tmp_path / f"crop{z}.zarr", box=(z, z + 4, 0, 6, 0, 8)) for z in (1, 3)
    )
    sentence = r"crop3\.zarr must begin at the voxel \(1, 0, 0\) .* got \(3, 0, 0\); crop both"
    with pytest.raises(ValueError, match=sentence):
        ps.stats(low, inside=high, which="surface")
    with pytest.raises(ValueError, match=r"begin at the voxel \(1, 0, 0\) .* got \(0, 0, 0\)"):
        ps.stats(low, inside=as_volume(ones), which="surface")
    ingested = ps.stats(low, inside=ones, voxel_size=1.0, which="surface")  # it names no place
    assert ingested.numbers["part"]["voxels"] == ones.size


@pytest.mark.parametrize("settings", [{"largest_um": 1e-3}, {"lags": 99}, {"memory": "300MiB"}])
def test_what_cannot_be_done_is_refused_before_a_block_is_read(as_volume, monkeypatch, settings):
    def counted(*_args, **_settings):
        raise AssertionError("a pass has begun")

    monkeypatch.setattr("poroscale.statistics.summary.count_phases", counted)
    volume = as_volume(layers((4, 4, 8), period=4))
    with pytest.raises((ValueError, MemoryError), match="must be at least"):
        ps.stats(volume, **settings)


def test_a_folder_in_an_input_is_refused(as_volume):
    ones = np.ones((4, 4, 4), np.uint8)
    volume, inside = as_volume(ones), as_volume(ones)
    for read in (volume, inside):
        with pytest.raises(ValueError, match="must not lie inside the input"):
            ps.stats(volume, read.path / "out", inside=inside, which="surface")
        assert not ps.verify(read.path)


def test_statistics_and_topology_do_not_replace_each_others_curves(as_volume, tmp_path):
    volume = as_volume(layers((4, 4, 8), period=4))
    ps.stats(volume, tmp_path / "stats", which="chords")
    with pytest.raises(ValueError, match=r"statistics\.json .* choose another folder"):
        ps.topology(volume, tmp_path / "stats", phase=1)
    ps.topology(volume, tmp_path / "topology", phase=1)
    with pytest.raises(ValueError, match=r"topology\.json .* choose another folder"):
        ps.stats(volume, tmp_path / "topology", which="chords")


def test_an_array_is_measured_without_an_output(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    medium, inside = layers((4, 6, 8), period=4), np.ones((4, 6, 8), bool)
    found = ps.stats(medium, inside=inside, voxel_size=2.5, which="surface")
    assert found.phase(1)["fraction"] == 0.5
    assert found.numbers["settings"]["voxel_size_um"] == [2.5, 2.5, 2.5]
    assert not list(tmp_path.iterdir())


def test_the_plan_has_both_passes(as_volume):
    volume = as_volume(layers((16, 12, 16), period=4))
    plan = ps.plan(ps.stats, volume)
    assert {"cells and chords", "pairs of voxels", "clusters", "thickness"} <= set(plan.stages)
    assert set(ps.plan(ps.stats, volume, which=("chords",)).stages) == {"cells and chords"}


@pytest.mark.parametrize("kind", ["file", "volume"])
def test_a_folder_that_cannot_be_written_is_refused_before_the_work(
    as_volume, tmp_path, monkeypatch, kind
):
    volume = as_volume(layers((4, 4, 8), period=4))
    out = as_volume(np.ones((4, 4, 4), np.uint8)).path if kind == "volume" else tmp_path / "out"
    if kind == "file":
        out.write_text("notes")

    def measured(*_args, **_settings):
        raise AssertionError("measured first")

    monkeypatch.setattr("poroscale.pipelines.statistics.volume_statistics", measured)
    with pytest.raises(ValueError, match=f"is a {kind} and must be a folder; choose another name"):
        ps.stats(volume, out)


def test_refused_input_leaves_no_folder(as_volume, tmp_path):
    with pytest.raises(ValueError, match="must be one of the values"):
        ps.stats(as_volume(layers((4, 4, 8), period=4)), tmp_path / "out", phase=7)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("width", "voxel"), [(2, 1.0), (4, 1.0), (2, 2.5)])
def test_the_density_of_thickness_lies_at_the_thickness(as_volume, width, voxel):
    """Layers of an even number of voxels have that thickness and no other."""
    medium = layers((3 * width, 8, 8), period=2 * width)
    volume = as_volume(medium, voxel_size=(voxel, voxel, voxel))
    (curve,) = ps.stats(volume, which="thickness", phase=0).curves.of("thickness")
    assert curve.lag[curve.value > 0] == pytest.approx([width * voxel])
    assert (curve.value * 2 * voxel).sum() == pytest.approx(1)


def test_an_error_names_the_array_and_no_temporary_path():
    scan = np.arange(64, dtype=np.uint8).reshape(4, 4, 4)
    with pytest.raises(ValueError, match=r"^the volume array must hold at most 32 phases"):
        ps.stats(scan, voxel_size=1.0)
    with pytest.raises(TypeError, match=r"^the volume array must hold phases .* got float32"):
        ps.stats(scan.astype(np.float32), voxel_size=1.0)


def test_a_phase_that_was_not_measured_is_named(as_volume):
    found = ps.stats(as_volume(layers((4, 4, 8), period=4)), which=[])
    with pytest.raises(ValueError, match="`value` must be one of 0, 1, got 7"):
        found.phase(7)
    assert found.phase(np.True_) == found.phase(1)
