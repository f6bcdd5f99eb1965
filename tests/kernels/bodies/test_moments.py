import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import inertia_tensor_eigvals, regionprops

from poroscale.kernels.bodies.moments import (
    axis_angles,
    centroid,
    equivalent_diameter,
    principal_axes,
)
from tests.kernels.solids import ellipsoid, moments, random_rotation

CUBE = (1.0, 1.0, 1.0)


def axes_of(mask, voxel_size=CUBE, shift=0):
    count, sums, seconds = moments(mask)
    if shift:
        index = np.argwhere(mask) + shift
        sums = index.sum(axis=0)[None]
        pairs = ((0, 0), (1, 1), (2, 2), (1, 0), (2, 0), (2, 1))
        seconds = np.array([[(index[:, i] * index[:, j]).sum() for i, j in pairs]])
    return principal_axes(count, sums, seconds=seconds, voxel_size=voxel_size)


@pytest.mark.parametrize("voxel_size", [CUBE, (2.0, 1.0, 1.0), (0.7, 1.0, 1.3)])
@pytest.mark.parametrize("seed", range(4))
def test_axes_and_angles_of_rotated_ellipsoids(seed, voxel_size):
    half = (25.0, 15.0, 10.0)
    rotation = random_rotation(seed)
    axes = axes_of(ellipsoid(half, rotation=rotation, voxel_size=voxel_size), voxel_size)
    np.testing.assert_allclose(axes.length[0], [50, 30, 20], rtol=0.02)
    for k in (0, 2):
        along = abs(axes.direction[0, k] @ rotation[:, k])
        assert np.degrees(np.arccos(min(along, 1))) < 0.02 * 90
        angle, azimuth = axis_angles(axes.direction[:, k])
        true_angle, true_azimuth = axis_angles(rotation[:, k][None])
        assert angle[0] == pytest.approx(true_angle[0], abs=0.02 * 90)
        turn = abs(azimuth[0] - true_azimuth[0]) * np.sin(np.radians(true_angle[0]))
        assert min(turn, 180 - turn) < 0.02 * 180


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 0.9))
@settings(max_examples=40, deadline=None)
def test_moments_equal_skimage(seed, fill):
    mask = np.random.default_rng(seed).random((5, 6, 7)) < fill
    if not mask.any():
        return
    axes = axes_of(mask)
    # skimage takes a voxel for a point; a box adds 1/12 to every variance, 1/6 to every inertia
    expected = np.sort(inertia_tensor_eigvals(mask.astype(float)))[::-1] + 1 / 6
    np.testing.assert_allclose(axes.inertia[0, ::-1], expected, rtol=1e-9, atol=1e-12)
    count, sums, _ = moments(mask)
    np.testing.assert_allclose(
        centroid(count, sums)[0], regionprops(mask.astype(int))[0].centroid, rtol=1e-12
    )


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_far_from_the_origin_the_same_bits(seed):
    mask = np.random.default_rng(seed).random((4, 5, 6)) < 0.5
    mask[0, 0, 0] = True
    here, far = axes_of(mask), axes_of(mask, shift=2_000_000)
    np.testing.assert_array_equal(here.variance, far.variance)
    np.testing.assert_array_equal(here.direction, far.direction)


def test_a_row_does_not_depend_on_its_company():
    rng = np.random.default_rng(1)
    parts = [moments(rng.random((6, 6, 6)) < 0.4) for _ in range(50)]
    count, sums, seconds = (np.concatenate(part) for part in zip(*parts, strict=True))
    together = principal_axes(count, sums, seconds=seconds, voxel_size=(1.1, 0.9, 1.0))
    for i, (c, s, q) in enumerate(parts):
        alone = principal_axes(c, s, seconds=q, voxel_size=(1.1, 0.9, 1.0))
        np.testing.assert_array_equal(alone.variance[0], together.variance[i])
        np.testing.assert_array_equal(alone.direction[0], together.direction[i])


def test_one_voxel_is_a_cube_without_direction():
    axes = axes_of(np.ones((1, 1, 1), bool))
    np.testing.assert_allclose(axes.variance, 1 / 12)
    assert axes.anisotropy[0] == 0
    assert np.isnan(axes.direction).all()


@pytest.mark.parametrize(("shape", "long", "short"), [((5, 1, 1), 0, None), ((1, 4, 4), None, 0)])
def test_degenerate_axes_are_nan_and_the_others_are_not(shape, long, short):
    axes = axes_of(np.ones(shape, bool))
    for k, along in ((0, long), (2, short)):
        if along is None:
            assert np.isnan(axes.direction[0, k]).all()
        else:
            assert axes.direction[0, k, along] == 1


def test_sampled_sphere_has_no_direction():
    assert np.isnan(axes_of(ellipsoid((8, 8, 8))).direction).all()


def test_angles_are_folded():
    vectors = np.array([[1, 0, 0], [0, 0, 1], [0, 1, 0], [0, 0, -1], [-1, 1, 0], [0, -1, 1]], float)
    angle, azimuth = axis_angles(vectors)
    np.testing.assert_allclose(angle, [0, 90, 90, 90, 45, 90])
    np.testing.assert_allclose(azimuth, [np.nan, 0, 90, 0, 90, 135])
    np.testing.assert_array_equal(axis_angles(-vectors)[0], angle)
    np.testing.assert_allclose(axis_angles(-vectors)[1], azimuth)


def test_azimuth_does_not_jump_to_180_by_rounding():
    _, azimuth = axis_angles(np.array([[0.1, -1e-17, 1.0], [0.1, 1e-17, -1.0]]))
    np.testing.assert_array_equal(azimuth, 0)


def test_equivalent_diameter_of_a_ball():
    np.testing.assert_allclose(equivalent_diameter(np.array([np.pi / 6 * 27])), 3)
