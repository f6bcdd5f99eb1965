"""Contrast, blur and pores of scans whose truth is known, and the same for any blocks."""

import numpy as np
import pytest
from scipy import ndimage

from poroscale.engine import Run
from poroscale.segmentation.network import scan_traits
from poroscale.segmentation.network.scan_traits import ScanTraits, measure_traits
from tests.segmentation.thresholds.test_otsu import coupon

SHAPE, CHUNK = (48, 56, 64), (16, 16, 32)
AIR, SOLID = 9000, 38000
LARGE, SMALL = 8, 3.5
"""Radii of the two pores of `bar` [voxels]."""


def bar(*, noise=1000.0, blur=0.7, air=True, pores=True, dtype=np.uint16):
    """A bar of metal in air with a large pore and a small one."""
    solid = np.ones(SHAPE)
    if air:
        solid[:, :7] = solid[:, -7:] = solid[..., :7] = solid[..., -7:] = 0
    grid = np.indices(SHAPE)
    for centre, radius in (((20, 26, 30), LARGE), ((38, 20, 44), SMALL)):
        if pores:
            distance = ((grid - np.array(centre)[:, None, None, None]) ** 2).sum(axis=0)
            solid[distance <= radius**2] = 0
    grey = AIR + (SOLID - AIR) * ndimage.gaussian_filter(solid, blur, mode="nearest")
    grey += np.random.default_rng(0).normal(0, noise, SHAPE)
    if dtype is np.uint8:
        grey /= 256
    return np.clip(np.rint(grey), 0, 65535).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_traits_are_those_that_the_scan_was_made_with(dtype, as_volume, new_path):
    found = measure_traits(as_volume(bar(dtype=dtype), chunks=CHUNK), new_path("work"))
    assert found.contrast_to_noise == pytest.approx((SOLID - AIR) / 1000, rel=0.2)
    assert found.blur == pytest.approx(0.7, abs=0.15)
    assert found.pore_diameter == pytest.approx(2 * LARGE, abs=1.2)
    assert found.largest_ball == pytest.approx(2 * LARGE, abs=1.2)


@pytest.mark.parametrize(("noise", "blur"), [(3000.0, 0.7), (6000.0, 0.7), (1000.0, 2.0)])
def test_noise_and_blur_are_told_apart(noise, blur, as_volume, new_path):
    found = measure_traits(as_volume(bar(noise=noise, blur=blur), chunks=CHUNK), new_path("work"))
    assert found.contrast_to_noise == pytest.approx((SOLID - AIR) / noise, rel=0.15)
    assert found.blur == pytest.approx(blur, rel=0.2)
    assert found.largest_ball == pytest.approx(2 * LARGE, abs=2)


def test_grey_values_on_another_scale_change_nothing(as_volume, new_path):
    grey = bar()
    first = measure_traits(as_volume(grey, chunks=CHUNK), new_path("work"))
    other = measure_traits(as_volume(grey // 2 + 500, chunks=CHUNK), new_path("work"))
    for name, value in first.model_dump().items():
        assert getattr(other, name) == pytest.approx(value, rel=0.05)


def test_the_same_for_any_blocks_and_workers(as_volume, new_path):
    scan = as_volume(bar(noise=4000.0), chunks=CHUNK)
    runs = (Run(workers=1), Run(block=(16, 32, 32)), Run(block=CHUNK))
    found = [measure_traits(scan, new_path("work"), run=run) for run in runs]
    assert found[0] == found[1] == found[2]
    assert None not in found[0].model_dump().values()


def test_a_crop_without_air_has_no_edge(as_volume, new_path):
    found = measure_traits(as_volume(bar(air=False), chunks=CHUNK), new_path("work"))
    assert found.blur is None
    assert found.contrast_to_noise == pytest.approx((SOLID - AIR) / 1000, rel=0.3)
    assert found.largest_ball == pytest.approx(2 * LARGE, abs=1.2)


def test_metal_without_pores_has_no_sizes(as_volume, new_path):
    found = measure_traits(as_volume(bar(pores=False), chunks=CHUNK), new_path("work"))
    assert (found.pore_diameter, found.largest_ball) == (None, None)
    assert found.blur == pytest.approx(0.7, abs=0.15)


def test_noise_alone_is_not_measured(as_volume, new_path):
    scan = as_volume(bar(air=False, pores=False), chunks=CHUNK)
    assert measure_traits(scan, new_path("work")) == ScanTraits()
    with pytest.raises(ValueError, match="more than one grey value"):
        measure_traits(as_volume(np.full(SHAPE, 7, np.uint8), chunks=CHUNK), new_path("work"))


def test_balls_are_told_apart_up_to_a_limit(as_volume, new_path, monkeypatch):
    monkeypatch.setattr(scan_traits, "DEEPEST", 5)
    found = measure_traits(as_volume(bar(), chunks=CHUNK), new_path("work"))
    assert found.largest_ball == 9


def test_a_small_thin_scan_is_measured_as_far_as_it_goes(as_volume, new_path):
    found = measure_traits(as_volume(coupon()), new_path("work"))
    assert found.contrast_to_noise > 10
