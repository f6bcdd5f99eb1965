"""Distances to a boundary, and the blur of a step, against what they were made of."""

import numpy as np
import pytest
from scipy import ndimage

from poroscale.kernels.grey.profile import BINS, REACH, ball_diameter, edge_blur, signed_distance


def ball(radius, edge=31):
    grid = np.indices((edge, edge, edge)) - edge // 2
    return (grid**2).sum(axis=0) <= radius**2


def test_signed_distances_are_those_of_scipy():
    mask = ball(9)
    inside, outside = (ndimage.distance_transform_edt(each) for each in (mask, ~mask))
    found = signed_distance(mask)
    np.testing.assert_allclose(found[mask], inside[mask] - 0.5, atol=1e-5)
    np.testing.assert_allclose(found[~mask], 0.5 - outside[~mask], atol=1e-5)


def test_a_mask_without_a_boundary_is_far_from_it():
    whole = np.ones((3, 4, 5), bool)
    assert (signed_distance(whole) > REACH).all()
    assert (signed_distance(~whole) < -REACH).all()


@pytest.mark.parametrize("radius", [2, 5, 9])
def test_the_ball_in_a_ball_is_itself(radius):
    depth = ndimage.distance_transform_edt(ball(radius)).max()
    assert ball_diameter(depth) == pytest.approx(2 * radius, abs=1.2)
    assert ball_diameter(0) == 0


@pytest.mark.parametrize("sigma", [0.0, 0.7, 1.5, 2.5])
def test_blur_is_that_of_the_step(sigma):
    step = np.zeros((4, 4, 60))
    step[..., 30:] = 1000
    grey = ndimage.gaussian_filter(step, sigma, mode="nearest")
    place = np.floor(signed_distance(step > 0) + REACH).astype(int)
    within = (place >= 0) & (place < BINS)
    count = np.bincount(place[within], minlength=BINS)
    total = np.bincount(place[within], weights=grey[within], minlength=BINS)
    assert edge_blur(count, total.astype(np.int64)) == pytest.approx(max(sigma, 0.34), rel=0.15)


def test_no_step_has_no_blur():
    count = np.full(BINS, 5)
    assert edge_blur(np.zeros(BINS, np.int64), np.zeros(BINS, np.int64)) is None
    assert edge_blur(count, 3 * count) is None
    assert edge_blur(count, 5 * np.arange(BINS)[::-1]) is None
