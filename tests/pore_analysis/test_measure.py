import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.measure import euler_number, regionprops

from poroscale.engine import Run
from poroscale.pore_analysis import COLUMNS, PoresConfig, measure_pores
from poroscale.volume import Volume
from tests.pore_analysis.conftest import QUIET
from tests.pore_analysis.scenes import box_distance, part_with_pores, point_distance

RULE = settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a volume a try: too slow to shrink
)


def table_of(path):
    return pd.read_parquet(path)


@pytest.fixture
def measure(make_volume, tmp_path):
    """Table of an array's pores."""
    count = iter(range(10_000))

    def run(array, config=None, *, job=QUIET, **spec):
        number = next(count)
        volume = make_volume(array, f"phases{number}.zarr", **spec)
        return table_of(measure_pores(volume, tmp_path / f"out{number}", config=config, run=job))

    return run


@pytest.mark.parametrize("connectivity", [6, 26])
def test_integers_equal_skimage(measure, connectivity):
    phases = part_with_pores(1)
    table = measure(phases, PoresConfig(connectivity=connectivity))
    structure = ndimage.generate_binary_structure(3, {6: 1, 26: 3}[connectivity])
    labels, number = ndimage.label(phases == 2, structure)
    assert len(table) == number > 10
    outside = ndimage.binary_dilation(phases == 0, ndimage.generate_binary_structure(3, 1))
    for row, props in zip(table.itertuples(), regionprops(labels), strict=True):
        assert row.label == props.label
        assert row.voxel_count == props.num_pixels
        assert (row.z0, row.y0, row.x0, row.z1, row.y1, row.x1) == props.bbox
        assert row.euler_number == euler_number(props.image, {6: 1, 26: 3}[connectivity])
        assert row.projected_area_um2 == props.image.any(axis=0).sum()
        assert row.sqrt_area_um == pytest.approx(row.projected_area_um2**0.5)
        centre = (row.centroid_z_um, row.centroid_y_um, row.centroid_x_um)
        np.testing.assert_allclose(centre, np.array(props.centroid) + 0.5)
        assert row.open == outside[labels == row.label].any()
        assert row.touches_edge == (
            min(props.bbox[:3]) == 0 or any(np.array(props.bbox[3:]) == phases.shape)
        )


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([(1.0, 1.0, 1.0), (3.0, 1.0, 0.5)]),
    st.booleans(),
)
@RULE
def test_distances_equal_brute_force(measure, seed, voxel_size, free):
    phases = part_with_pores(seed, (9, 14, 13), fill=0.04, smooth=0.5, free=free)
    table = measure(phases, PoresConfig(pore=2, outside=0), voxel_size=voxel_size)
    labels, number = ndimage.label(phases == 2)
    places = [np.argwhere(labels == one) for one in range(1, number + 1)]
    outside = np.argwhere(phases == 0)
    for i, row in enumerate(table.itertuples()):
        centre = places[i].mean(axis=0) + 0.5
        others = [places[j] for j in range(number) if j != i]
        if others:
            gap = min(box_distance(places[i], other, voxel_size) for other in others)
            to = [(o.mean(axis=0) + 0.5 - centre) * voxel_size for o in others]
            assert row.neighbour_gap_um == pytest.approx(gap)
            assert row.neighbour_distance_um == pytest.approx(np.linalg.norm(to, axis=1).min())
        else:
            assert np.isnan([row.neighbour_gap_um, row.neighbour_distance_um]).all()
        if free:
            assert row.ligament_um == pytest.approx(box_distance(places[i], outside, voxel_size))
            assert row.surface_distance_um == pytest.approx(
                point_distance(centre, outside, voxel_size)
            )
            assert (row.ligament_um == 0) or not row.open
        else:
            assert np.isnan([row.ligament_um, row.surface_distance_um]).all()
            assert not row.open


@given(
    st.integers(0, 2**32 - 1),
    st.tuples(*[st.sampled_from([8, 16, 40])] * 3),
    st.sampled_from([0.05, 0.3, 0.5]),
)
@RULE
def test_any_block_gives_the_same_bytes(make_volume, tmp_path_factory, seed, block, fill):
    base = tmp_path_factory.mktemp("blocks")
    phases = part_with_pores(seed, (18, 22, 26), fill=fill, smooth=0.6)
    volume = make_volume(phases, base / "phases.zarr", chunk=8)
    whole = measure_pores(volume, base / "whole", run=QUIET.but(block=(24, 24, 32)))
    parts = measure_pores(volume, base / "parts", run=QUIET.but(block=block, workers=1))
    assert whole.read_bytes() == parts.read_bytes()
    for file in (base / "whole" / "labels.zarr").rglob("*"):
        other = base / "parts" / file.relative_to(base / "whole")
        assert file.is_dir() or file.read_bytes() == other.read_bytes()


def test_search_crosses_tiles(monkeypatch, make_volume, tmp_path):
    phases = part_with_pores(5, (40, 40, 40), fill=0.01)
    volume = make_volume(phases)
    expected = measure_pores(volume, tmp_path / "one", run=QUIET).read_bytes()
    monkeypatch.setattr("poroscale.pore_analysis.forest.TILE", 5)
    monkeypatch.setattr("poroscale.pore_analysis.blocks.TILE", 5)
    monkeypatch.setattr("poroscale.pore_analysis.forest.CACHE_BYTES", 20_000)
    from poroscale.pore_analysis import forest

    forest._tiles.cache_clear()
    forest._cache_of.cache_clear()
    assert measure_pores(volume, tmp_path / "many", run=QUIET).read_bytes() == expected
    forest._tiles.cache_clear()
    forest._cache_of.cache_clear()


def test_a_pore_through_every_block(measure):
    phases = np.ones((20, 20, 20), np.uint8)
    phases[::2, :, :] = 2  # floors, joined by alternating gaps into one snake
    phases[1::4, 0, :] = 2
    phases[3::4, 19, :] = 2
    table = measure(phases, chunk=4, job=Run(block=(4, 4, 4), workers=2, progress=False))
    assert len(table) == 1
    assert table.voxel_count[0] == (phases == 2).sum()
    assert table.projected_area_um2[0] == 400
    assert table.euler_number[0] == 1


def test_no_pore_is_an_empty_table_with_all_columns(measure):
    for phases in (part_with_pores(0, (6, 7, 8)) % 2, np.zeros((5, 5, 5), np.uint8)):
        table = measure(phases, PoresConfig(pore=2))
        assert len(table) == 0
        assert list(table.columns) == [column.name for column in COLUMNS]


def test_all_pore(measure):
    table = measure(np.ones((6, 7, 5), np.uint8))
    assert table.voxel_count.tolist() == [210]
    assert table.touches_edge.all()


def test_one_layer(measure):
    phases = part_with_pores(2, (1, 30, 30))
    table = measure(phases, chunk=8)
    assert len(table) == ndimage.label(phases == 2)[1]
    assert not table.shape_valid.any()
    assert (table["class"] == "unclassified").all()


def test_crop_keeps_its_place(measure):
    phases = part_with_pores(3)
    here, there = measure(phases), measure(phases, origin=(100, 20, 3))
    np.testing.assert_array_equal(here.z0 + 100, there.z0)
    np.testing.assert_array_equal(here.x1 + 3, there.x1)
    np.testing.assert_allclose(here.centroid_y_um + 20, there.centroid_y_um)
    boxes = {f"{axis}{side}" for axis in "zyx" for side in "01"}
    moved = boxes | {f"centroid_{axis}_um" for axis in "zyx"} | {"neighbour_distance_um"}
    same = [name for name in here.columns if name not in moved]
    pd.testing.assert_frame_equal(here[same], there[same])


def test_units_and_recipe_are_in_the_file(make_volume, tmp_path):
    path = measure_pores(make_volume(part_with_pores(4)), tmp_path / "out", run=QUIET)
    schema = pq.read_schema(path)
    assert schema.field("volume_um3").metadata[b"unit"] == b"um3"
    assert b"measure_pores" in schema.metadata[b"poroscale"]
    assert str(tmp_path).encode() not in path.read_bytes()


def test_labels_agree_with_the_table(make_volume, tmp_path):
    path = measure_pores(make_volume(part_with_pores(6)), tmp_path / "out", run=QUIET)
    labels = Volume.open(tmp_path / "out" / "labels.zarr").read()
    np.testing.assert_array_equal(
        np.bincount(labels.ravel())[1:], table_of(path).voxel_count.to_numpy()
    )


def test_finished_is_left_alone_and_other_settings_refused(make_volume, tmp_path):
    volume = make_volume(part_with_pores(7))
    path = measure_pores(volume, tmp_path / "out", run=QUIET)
    before = path.stat().st_mtime_ns
    assert measure_pores(volume, tmp_path / "out", run=QUIET).stat().st_mtime_ns == before
    with pytest.raises(ValueError, match=r"labels\.zarr .* other"):
        measure_pores(volume, tmp_path / "out", config=PoresConfig(connectivity=26), run=QUIET)
    again = measure_pores(
        volume,
        tmp_path / "out",
        config=PoresConfig(connectivity=26),
        run=QUIET.but(overwrite=True),
    )
    assert again.stat().st_mtime_ns > before


def stop(*_args, **_kwargs):
    raise KeyboardInterrupt


@pytest.fixture
def interrupted(make_volume, tmp_path, monkeypatch):
    """A volume, and a folder where the run that measures it was stopped before the table."""
    volume = make_volume(part_with_pores(8))
    with monkeypatch.context() as patch:
        patch.setattr("poroscale.pore_analysis.measure.write_table", stop)
        with pytest.raises(KeyboardInterrupt):
            measure_pores(volume, tmp_path / "out", run=QUIET)
    assert not (tmp_path / "out" / "pores.parquet").exists()
    return volume, tmp_path / "out"


def test_an_interrupted_run_resumes(interrupted, tmp_path, monkeypatch):
    volume, out = interrupted
    (out / ".pores.parquet.1.partial").write_bytes(b"left by a killed run")
    expected = measure_pores(volume, tmp_path / "whole", run=QUIET).read_bytes()
    monkeypatch.setattr(
        "poroscale.pore_analysis.blocks.runs_of_labels", stop
    )  # no block is done again
    assert measure_pores(volume, out, run=QUIET).read_bytes() == expected
    names = [".poroscale", "labels.zarr", "pores.parquet"]
    assert sorted(path.name for path in out.iterdir()) == names


def test_an_interrupted_run_is_replaced_by_one_with_other_settings(interrupted, tmp_path):
    volume, out = interrupted
    config = PoresConfig(connectivity=26)
    expected = measure_pores(volume, tmp_path / "whole", config=config, run=QUIET)
    again = measure_pores(volume, out, config=config, run=QUIET.but(overwrite=True))
    assert again.read_bytes() == expected.read_bytes()


def test_output_inside_the_input_is_refused(make_volume):
    volume = make_volume(part_with_pores(9))
    with pytest.raises(ValueError, match="inside the input"):
        measure_pores(volume, volume.path / "out", run=QUIET)
