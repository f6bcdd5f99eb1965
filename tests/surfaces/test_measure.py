"""Unrolled surfaces against parts whose surface is known."""

import numpy as np
import pytest

from poroscale.engine import Run, volume_from_array
from poroscale.kernels.maps.height_map import map_value
from poroscale.phantoms import PhantomConfig, phantom
from poroscale.phantoms.plan import phantom_plan
from poroscale.surfaces import SurfaceConfig, measure_surface
from poroscale.surfaces.coordinates import surface_coordinates
from poroscale.volume import Volume, VolumeSpec

UM = 5.0


def write(array, path, edge=UM):
    spec = VolumeSpec(array.shape, array.dtype, (edge,) * 3, chunks=(64, 64, 64))
    return volume_from_array(array, path, spec=spec)


def cylinder(radius, *, tilt=0.0, shift=0.0, shape=(96, 112, 112)):
    """A smooth cylinder, tilted towards y and off the middle."""
    z, y, x = np.indices(shape) + 0.5
    axis = np.array([np.cos(tilt), np.sin(tilt), 0.0])
    rest = np.stack([z - shape[0] / 2, y - shape[1] / 2 - shift, x - shape[2] / 2], axis=-1)
    across = rest - (rest @ axis)[..., None] * axis
    return (np.sqrt((across**2).sum(axis=-1)) < radius).astype(np.uint8)


@pytest.mark.parametrize(("tilt", "shift"), [(0, 0), (2, 10), (-2, -4.3)])
def test_tilt_and_place_of_a_cylinder_do_no_harm(new_path, tilt, shift):
    phases = write(cylinder(36.3, tilt=np.radians(tilt), shift=shift), new_path())
    surface = measure_surface(phases, new_path("surface"))
    assert surface.roughness["part"] == "cylinder"
    radius, flags = surface.arrays()
    error = radius[0][flags[0] == 0] / UM - 36.3
    assert abs(error.mean()) < 0.1
    assert error.std() < 0.25
    assert (flags > 0).mean() < 0.02
    direction = surface.radius.attributes["axis"]["direction"]
    assert np.degrees(np.arctan2(direction[1], direction[0])) == pytest.approx(tilt, abs=0.1)


def test_rough_phantom_gives_its_own_heights(new_path):
    config = PhantomConfig(shape=(96, 128, 128), voxel_size=UM, porosity=0.004, seed=3)
    made = phantom(new_path("coupon.zarr"), config=config)
    surface = measure_surface(made.truth, new_path("surface"))
    radius, flags = surface.arrays()
    outline, columns = phantom_plan(config).outline, radius.shape[2]
    truth = np.array(
        [
            [
                outline.radius
                + map_value(
                    outline.heights, outline.first, outline.step, (j + 0.5) / columns, i + 0.5
                )
                for j in range(columns)
            ]
            for i in range(96)
        ]
    )
    error = (radius[0] / UM - truth)[flags[0] == 0]
    assert abs(error.mean()) < 0.1
    assert error.std() < 0.35 * truth.std()
    assert surface.roughness["faces"][0]["Sq"] == pytest.approx(UM * truth.std(), rel=0.1)


def test_faces_of_a_box(new_path):
    part = np.zeros((64, 96, 110), np.uint8)
    part[:, 12:84, 15:95] = 1
    part[:, 30, 94] = 0  # a groove one voxel deep in the face +x
    surface = measure_surface(write(part, new_path()), new_path("surface"))
    assert surface.roughness["part"] == "box"
    assert surface.roughness["half_um"] == pytest.approx([36 * UM, 40 * UM], abs=0.2 * UM)
    radius, flags = surface.arrays()
    plus_x = radius[0][:, flags[0].max(axis=0) == 0]
    assert np.median(plus_x) == pytest.approx(40 * UM, abs=0.5)
    assert plus_x.min() < np.median(plus_x) - 0.3 * UM


def block_part(half, *, turn=0.0, tilt=0.0, shape=(96, 128, 128)):
    """A box of the half edges (y, x), turned about z from x towards y, leaning towards y."""
    z, y, x = np.indices(shape) + 0.5
    y, x = y - shape[1] / 2 - np.tan(tilt) * (z - shape[0] / 2), x - shape[2] / 2
    along, across = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
    return ((np.abs(across) < half[0]) & (np.abs(along) < half[1])).astype(np.uint8)


@pytest.mark.parametrize(("turn", "tilt"), [(7.3, 0), (-31, 0), (0, 2), (12, -1.5)])
def test_turn_and_tilt_of_a_box_do_no_harm(new_path, turn, tilt):
    part = block_part((31.0, 38.0), turn=np.radians(turn), tilt=np.radians(tilt))
    surface = measure_surface(write(part, new_path()), new_path("surface"))
    assert surface.roughness["part"] == "box"
    axis = surface.radius.attributes["axis"]
    assert np.degrees(axis["turn_rad"]) == pytest.approx(turn, abs=0.3)
    assert np.degrees(np.arctan(axis["direction"][1])) == pytest.approx(tilt, abs=0.15)
    radius, flags = surface.arrays()
    for face, half in enumerate((38, 31, 38, 31)):
        good = (flags[face] == 0) & (np.abs(np.arange(radius.shape[2]) - 31.5) < 24)
        error = radius[face][good] / UM - half
        assert abs(error.mean()) < 0.15
        assert error.std() < 0.35
        assert good.mean() > 0.6


def test_notches_along_one_side_do_not_move_the_axis(new_path):
    part = cylinder(36.3)
    part[:, 50:62, 78:] = 0  # a keyway, in every layer
    part[40:60, :40] = 0  # a piece broken off
    surface = measure_surface(write(part, new_path()), new_path("surface"))
    assert surface.roughness["part"] == "cylinder"
    axis = surface.radius.attributes["axis"]
    assert np.array(axis["point_um"][1:]) / UM == pytest.approx([56, 56], abs=0.1)
    assert axis["direction"][1:] == pytest.approx([0, 0], abs=0.002)
    assert surface.roughness["radius_um"] / UM == pytest.approx(36.3, abs=0.15)
    radius, flags = surface.arrays()
    assert abs(np.median(radius[0][flags[0] == 0]) / UM - 36.3) < 0.1
    assert (flags[0][:, :4] > 0).all()


def test_open_pores_and_overhangs_are_flagged_and_left_out(new_path):
    part = cylinder(36.0)
    clean = measure_surface(write(part, new_path()), new_path("clean")).roughness["faces"][0]
    part[40:48, 52:60, 80:] = 0  # a deep notch, open to the side
    shell = part[70:74, 50:62]
    shell[:, :, 84:88] = 0  # undercut below a skin
    surface = measure_surface(write(part, new_path()), new_path("surface"))
    _, flags = surface.arrays()
    middle = flags[0][42:46, :4].max(axis=1)
    assert np.all(middle & 2)
    assert (flags[0][70:74] & 1).any()
    assert surface.roughness["faces"][0]["Sq"] == pytest.approx(clean["Sq"], rel=0.3)


def test_pore_voxels_on_the_surface_are_open_pores(new_path):
    part = cylinder(36.0)
    inside = part.copy()
    part[40:48, 52:60, 84:] = np.where(inside[40:48, 52:60, 84:] > 0, 2, 0)
    surface = measure_surface(write(part, new_path()), new_path("surface"))
    assert (surface.arrays()[1][0][42:46, :2] & 2).all()


def test_capped_parts_keep_the_rows_that_have_a_surface(new_path):
    part = cylinder(36.0)
    part[:20], part[80:] = 0, 0
    surface = measure_surface(write(part, new_path()), new_path("surface"))
    first, last = surface.roughness["rows"]
    assert abs(first - 20) <= 1
    assert abs(last - 80) <= 1


def test_filters_part_short_and_long_waves(new_path):
    z, y, x = np.indices((96, 112, 112)) + 0.5
    theta, rho = np.arctan2(y - 56, x - 56), np.hypot(y - 56, x - 56)
    # One wave of 80 voxels along the axis, and 24 of 9.4 voxels around.
    heights = 2 * np.sin(2 * np.pi * z / 80) + np.sin(24 * theta)
    phases = write((rho < 36 + heights).astype(np.uint8), new_path())

    def height(**filters):
        found = measure_surface(phases, new_path("s"), config=SurfaceConfig(**filters))
        return found.roughness["faces"][0]["Sq"] / UM

    whole, smooth, short = height(), height(short_wave_um=30 * UM), height(long_wave_um=30 * UM)
    assert whole == pytest.approx(np.hypot(2, 1) / np.sqrt(2), rel=0.12)
    assert smooth == pytest.approx(2 / np.sqrt(2), rel=0.15)
    assert short == pytest.approx(1 / np.sqrt(2), rel=0.2)
    assert smooth**2 + short**2 == pytest.approx(whole**2, rel=0.15)


def test_chamfers_of_the_ends_are_no_roughness(new_path):
    part = cylinder(36.0)
    z, y, x = np.indices(part.shape) + 0.5
    room = np.minimum(z - 12, 84 - z)  # ends at 12 and 84, chamfered over four voxels
    part[(np.hypot(y - 56, x - 56) > 32 + np.minimum(room, 4)) | (room < 0)] = 0
    found = measure_surface(write(part, new_path()), new_path("surface")).roughness
    clean = measure_surface(write(cylinder(36.0), new_path()), new_path("clean")).roughness
    assert 14 <= found["rows"][0] <= 17
    assert 79 <= found["rows"][1] <= 82
    assert found["faces"][0]["Sq"] < 1.3 * clean["faces"][0]["Sq"]  # 4 with the chamfers in it


def test_same_map_for_any_block_and_cluster(new_path):
    phases = write(cylinder(36.3, tilt=0.02), new_path())
    maps = [
        measure_surface(phases, new_path("surface"), run=Run(block=block, workers=workers)).arrays()
        for block, workers in ((None, 2), ((64, 64, 64), 1), ((128, 128, 64), 2))
    ]
    for other in maps[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(maps[0], other, strict=True))


def test_coordinates_of_points(new_path):
    phases = write(cylinder(36.0), new_path())
    surface = measure_surface(phases, new_path("surface"))
    middle = np.array([48.0, 56.0, 56.0]) * UM
    points = middle + np.array([[0, 0, 0], [10, 0, 90.0], [0, -90.0, 0], [0, 0, 160.0]])
    found = surface_coordinates(surface, points)
    assert found["r_star"] == pytest.approx([0, 0.5, 0.5, 160 / 180], abs=0.02)
    assert np.cos(found["theta_rad"][1:3]) == pytest.approx([1, 0], abs=0.02)
    assert np.sin(found["theta_rad"][1:3]) == pytest.approx([0, -1], abs=0.02)
    assert found["depth_um"][3] == pytest.approx(20, abs=1)
    assert np.isfinite(found["local_roughness_um"]).tolist() == [False, False, False, True]


def test_what_cannot_be_unrolled_is_refused(new_path):
    with pytest.raises(ValueError, match="holds no part"):
        measure_surface(write(np.zeros((64, 64, 64), np.uint8), new_path()), new_path("s"))
    part = np.zeros((64, 64, 64), np.uint8)
    part[:, 10:50, 20:] = 1
    with pytest.raises(ValueError, match=r"surface must lie inside the volume.*x = 64"):
        measure_surface(write(part, new_path()), new_path("s"))
    grey = np.where(part == 1, 7, 0).astype(np.uint8)
    with pytest.raises(ValueError, match=r"must hold phases .* got a value of 7"):
        measure_surface(write(grey, new_path()), new_path("s"))
    speck = np.zeros((64, 64, 64), np.uint8)
    speck[30, 30, 30] = 1
    with pytest.raises(ValueError, match="no surface that could be unrolled"):
        measure_surface(write(speck, new_path()), new_path("s"))
    with pytest.raises(TypeError, match="must hold phases"):
        measure_surface(write(np.ones((64, 64, 64), np.float32), new_path()), new_path("s"))
    spec = VolumeSpec((64, 64, 64), np.dtype(np.uint8), (5.0, 4.0, 4.0))
    flat = volume_from_array(np.ones((64, 64, 64), np.uint8), new_path(), spec=spec)
    with pytest.raises(ValueError, match="voxels must be cubes"):
        measure_surface(flat, new_path("s"))


def test_a_finished_surface_is_left_alone_and_another_part_can_be_named(new_path):
    phases, folder = write(cylinder(36.0), new_path()), new_path("surface")
    first = measure_surface(phases, folder)
    stamp = (folder / "roughness.json").stat().st_mtime_ns
    assert measure_surface(phases, folder).radius.digest == first.radius.digest
    assert (folder / "roughness.json").stat().st_mtime_ns == stamp
    box = measure_surface(phases, new_path("box"), config=SurfaceConfig(part="box"))
    assert box.radius.shape[1] == 4
    assert len(list(box.describe())) == 5  # one line for all, one for each face


def test_concrete_cylinder(real, new_path):
    from poroscale.io.ingest import ingest
    from poroscale.io.ingest_config import IngestConfig
    from poroscale.segmentation import OtsuConfig, segment_otsu

    scan = ingest(real("ct_concrete_100.tif"), new_path(), config=IngestConfig(voxel_size=15.0))
    phases = segment_otsu(scan, new_path("phases.zarr"), config=OtsuConfig())
    assert isinstance(phases, Volume)
    surface = measure_surface(phases, new_path("surface"))
    assert surface.roughness["part"] == "cylinder"
    assert 0.2 < surface.roughness["radius_um"] / (100 * 15.0) < 0.5
    assert surface.roughness["faces"][0]["Sq"] < 0.1 * surface.roughness["radius_um"]
