"""The segmentation equals scikit-image and scipy on the whole array, for any grid."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.filters import threshold_otsu

from poroscale.engine import Run
from poroscale.segmentation import OtsuConfig, segment_otsu
from poroscale.segmentation.thresholds.histogram import grey_histogram
from tests.strategies import CHUNK, blocks

AIR, SOLID = 8000, 30000


def coupon(shape=(14, 30, 32), seed=0, noise=700, pores=12, edge=4):
    """Grey values of a blurred block of metal in air, with round pores, uint16."""
    rng = np.random.default_rng(seed)
    solid = np.zeros(shape)
    solid[:, edge:-edge, edge:-edge] = 1
    grid = np.indices(shape)
    for centre in rng.uniform(0, 1, (pores, 3)):
        place = np.array([1, edge + 3, edge + 3]) + centre * (np.array(shape) - 2 * edge - 6)
        distance = sum((axis - c) ** 2 for axis, c in zip(grid, place, strict=True))
        solid[distance < rng.uniform(2, 9)] = 0
    grey = AIR + (SOLID - AIR) * ndimage.gaussian_filter(solid, 0.6, mode="nearest")
    return np.clip(grey + rng.normal(0, noise, shape), 0, 65535).astype(np.uint16)


@pytest.fixture
def coarse(as_volume):
    """Volumes of few chunks, for what does not depend on them."""
    return partial(as_volume, chunks=(8, 16, 16))


def flood(dark, seeds):
    labels, _ = ndimage.label(dark)
    found = np.unique(labels[seeds])
    return np.isin(labels, found[found > 0])


def corners(shape):
    seeds = np.zeros(shape, bool)
    seeds[np.ix_(*[(0, n - 1) for n in shape])] = True
    return seeds


def whole_array(grey, *, min_voxels=9, min_extent=1, outer=None, inner=None):
    """Phases by whole-array tools: Iuso et al. 2024, Algorithm 1, with the second flood."""
    outer = threshold_otsu(grey) if outer is None else outer
    outside = flood(grey <= outer, corners(grey.shape))
    inner = threshold_otsu(grey[~outside]) if inner is None else inner
    if inner > outer:
        outside = flood(grey <= inner, corners(grey.shape))
    labels, _ = ndimage.label(~outside & (grey <= inner))
    phases = np.where(outside, 0, 1).astype(np.uint8)
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        pore = labels == label
        extents = [side.stop - side.start for side in box]
        if pore.sum() >= min_voxels and min(extents) >= min_extent:
            phases[pore] = 2
    return phases, outer, inner


@settings(max_examples=4)
@given(seed=st.integers(0, 99), block=blocks(), min_extent=st.sampled_from([1, 2]))
def test_phases_and_thresholds_equal_the_whole_array(seed, block, min_extent, as_volume, new_path):
    grey = coupon((9, 18, 24), seed=seed, pores=6)
    config = OtsuConfig(min_extent=min_extent, sensitivity=(), circle="none")
    phases = segment_otsu(as_volume(grey), new_path(), config=config, run=Run(block=block))
    expected, outer, inner = whole_array(grey, min_extent=min_extent)
    record = phases.attributes["segmentation"]
    assert record["inner_rule"] == "otsu"
    assert (record["outer_threshold"], record["inner_threshold"]) == (outer, inner)
    np.testing.assert_array_equal(phases.read(), expected)
    part = int((expected > 0).sum())
    assert record["part_voxels"] == part
    assert record["porosity"] == (expected == 2).sum() / part
    assert record["pore_count"] == ndimage.label(expected == 2)[1]


def test_same_bytes_for_any_block_and_worker_count(as_volume, new_path):
    volume = as_volume(coupon((8, 15, 24), seed=7, pores=5))
    config = OtsuConfig(gaussian_um=0.8, median_voxels=1, close_um=2.0, sensitivity=(0.02,))
    runs = [Run(block=CHUNK, workers=1), Run(block=(8, 15, 16), workers=3)]
    made = [segment_otsu(volume, new_path(), config=config, run=run) for run in runs]
    assert made[0].digest == made[1].digest


def test_smoothing_equals_the_whole_array(coarse, new_path):
    grey = coupon(seed=9)
    smooth = ndimage.median_filter(grey, size=3, mode="nearest").astype(np.float32)
    smooth = ndimage.gaussian_filter(smooth, 0.5, mode="nearest", radius=2)
    smooth = np.rint(smooth).astype(np.uint16)
    config = OtsuConfig(gaussian_um=1.0, median_voxels=1, sensitivity=(), circle="none")
    volume = coarse(grey, voxel_size=(2.0, 2.0, 2.0))
    phases = segment_otsu(volume, new_path(), config=config)
    np.testing.assert_array_equal(phases.read(), whole_array(smooth)[0])


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint32, np.float32])
def test_grey_types(dtype, coarse, new_path):
    grey = coupon(seed=3).astype(np.float64)
    grey = grey / 200 if dtype is np.uint8 else grey - 20000 if dtype is np.int16 else grey
    grey = grey.astype(dtype)
    config = OtsuConfig(sensitivity=(), circle="none")
    phases = segment_otsu(coarse(grey), new_path(), config=config)
    record = phases.attributes["segmentation"]
    thresholds = {"outer": record["outer_threshold"], "inner": record["inner_threshold"]}
    np.testing.assert_array_equal(phases.read(), whole_array(grey, **thresholds)[0])
    if np.dtype(dtype).kind == "f":
        assert record["outer_threshold"] == pytest.approx(threshold_otsu(grey), rel=1e-6)
    else:
        assert record["outer_threshold"] == threshold_otsu(grey)


@settings(max_examples=4)
@given(block=blocks())
def test_histogram_equals_bincount(block, as_volume):
    grey = coupon((9, 18, 24), seed=5)
    where = np.random.default_rng(0).random(grey.shape) < 0.5
    found = grey_histogram(as_volume(grey), as_volume(where), run=Run(block=block))
    np.testing.assert_array_equal(found.inside, np.bincount(grey[where], minlength=65536))
    np.testing.assert_array_equal(found.rest, np.bincount(grey[~where], minlength=65536))


def test_dense_part_takes_iso50_with_a_warning(coarse, new_path):
    grey = coupon(pores=0, noise=1500)
    record = segment_otsu(coarse(grey), new_path()).attributes["segmentation"]
    assert record["inner_rule"] == "iso50"
    assert "lies within the peak of the solid" in record["warnings"][0]
    assert record["inner_threshold"] == pytest.approx((AIR + SOLID) / 2, rel=0.05)
    assert record["pore_count"] == 0


def test_sensitivity_counts_what_the_shifted_threshold_gives(coarse, new_path):
    grey = coupon(seed=2)
    volume = coarse(grey)
    config = OtsuConfig(sensitivity=(-0.1, 0.1), circle="none")
    record = segment_otsu(volume, new_path(), config=config).attributes["segmentation"]
    assert [row["shift"] for row in record["sensitivity"]] == [-0.1, 0.0, 0.1]
    for row in record["sensitivity"]:
        expected, _, _ = whole_array(grey, outer=record["outer_threshold"], inner=row["threshold"])
        assert row["porosity"] == (expected == 2).sum() / (expected > 0).sum()
        assert row["pore_count"] == ndimage.label(expected == 2)[1]


def test_constant_surroundings_of_the_circle_are_left_out(coarse, new_path):
    grey = coupon((6, 40, 40), seed=1, edge=12)
    y, x = np.indices((40, 40)) + 0.5 - 20
    grey[:, y**2 + x**2 > 400] = 0
    record = segment_otsu(coarse(grey), new_path()).attributes["segmentation"]
    circle = np.broadcast_to(y**2 + x**2 <= 400, grey.shape)
    assert record["outer_threshold"] == threshold_otsu(grey[circle])
    assert record["outer_threshold"] != threshold_otsu(grey)


def test_flood_from_named_faces(coarse, new_path):
    grey = coupon((12, 20, 24), pores=0)
    grey[:, 9:11, :] = AIR
    grey[:, :, :2] = grey[:, :, -2:] = grey[:, :2] = grey[:, -2:] = SOLID
    sealed = segment_otsu(coarse(grey), new_path(), config=OtsuConfig(sensitivity=()))
    assert (sealed.read()[:, 9:11, 4:-4] == 2).all()
    config = OtsuConfig(outside=("z-",), sensitivity=())
    flooded = segment_otsu(coarse(grey), new_path(), config=config)
    assert (flooded.read()[:, 9:11, 4:-4] == 0).all()


def test_closing_brings_open_pores_back(coarse, new_path):
    grey = np.full((12, 24, 24), SOLID, np.uint16)
    grey[:, :4] = grey[:, -4:] = grey[:, :, :4] = grey[:, :, -4:] = AIR
    grey[4:8, 4:10, 10:13] = AIR
    closed = segment_otsu(coarse(grey), new_path(), config=OtsuConfig(close_um=2.0, sensitivity=()))
    pore = closed.read()[4:8, 4:10, 10:13] == 2
    assert pore[:, 2:].all()
    assert (closed.read()[:, :4] == 0).all()


def test_hysteresis_grows_pores_only_from_dark_voxels(coarse, new_path):
    grey = np.full((10, 20, 24), SOLID, np.uint16)
    grey[:, :3] = grey[:, -3:] = grey[:, :, :3] = grey[:, :, -3:] = AIR
    grey[2:5, 6:9, 6:9], grey[3, 7, 7] = 21000, AIR
    grey[2:5, 6:9, 14:17] = 21000
    config = OtsuConfig(inner_threshold=19000, hysteresis=3000, sensitivity=())
    phases = segment_otsu(coarse(grey), new_path(), config=config).read()
    assert (phases[2:5, 6:9, 6:9] == 2).all()
    assert (phases[2:5, 6:9, 14:17] == 1).all()


@pytest.mark.parametrize(
    ("grey", "message"),
    [
        (np.full((4, 5, 6), 7, np.uint16), "more than one grey value"),
        (np.full((4, 5, 6), 7, np.float32), "more than one grey value"),
        (np.array([[[1.0, np.nan, 2.0]]], np.float32), "no finite numbers"),
    ],
)
def test_scans_without_a_threshold(grey, message, coarse, new_path):
    volume, out = coarse(grey), new_path()
    with pytest.raises(ValueError, match=message):
        segment_otsu(volume, out)
    assert not out.exists()


def test_part_that_touches_the_frame_everywhere(coarse, new_path):
    grey = np.random.default_rng(0).normal(SOLID, 300, (8, 10, 16)).astype(np.uint16)
    grey[2:6, 3:7, 4:9] = AIR
    phases = segment_otsu(coarse(grey), new_path(), config=OtsuConfig(sensitivity=())).read()
    assert (phases[2:6, 3:7, 4:9] == 2).all()
    assert set(np.unique(phases)) == {1, 2}


@pytest.mark.parametrize(
    "name", ["ct_battery_cell_48x608x608.tif", "ct_concrete_100.tif", "ct_sandstone_slice_0000.tif"]
)
def test_real_scans_equal_the_whole_array(name, real, as_volume, new_path):
    import tifffile

    grey = tifffile.imread(real(name))[..., :320, :320]
    grey = grey[None] if grey.ndim == 2 else grey[:20]
    config = OtsuConfig(sensitivity=(), circle="none")
    volume = as_volume(grey, chunks=(8, 64, 64))
    phases = segment_otsu(volume, new_path(), config=config, run=Run(block=(8, 128, 64)))
    record = phases.attributes["segmentation"]
    expected, outer, _ = whole_array(grey, inner=record["inner_threshold"])
    assert record["outer_threshold"] == outer
    np.testing.assert_array_equal(phases.read(), expected)
