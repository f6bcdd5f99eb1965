"""Every transform: identity parameters, documented ranges, and what it is meant to do."""

from functools import partial

import numpy as np
import pytest

from poroscale.kernels.learning.augmentation import (
    add_noise,
    add_wave,
    flip,
    harden_beam,
    open_cone,
    rescale_attenuation,
    smear,
)
from poroscale.kernels.learning.elastic import (
    UNFOLDED,
    Deformation,
    control_points,
    deform,
    displacements,
)
from poroscale.kernels.learning.weighted_rows import weighted_rows

EDGE = 20
ORIGIN = (40, 8, 12)


def patch(seed=0, edge=EDGE):
    return np.random.default_rng(seed).random((edge,) * 3, np.float32)


@pytest.mark.parametrize(
    "nothing",
    [
        partial(flip, axes=()),
        partial(add_noise, sigma=0, seed=3, origin=ORIGIN),
        partial(rescale_attenuation, factor=1),
        partial(smear, sigma=0),
        partial(add_wave, amplitude=0, wave=(0.1, 0, 0.2), phase=1),
        partial(harden_beam, depth=0, origin=ORIGIN, axis=(20, 20), radius=20),
        partial(open_cone, loss=0, spread=0, origin=ORIGIN, middle=32, reach=32),
    ],
    ids=lambda each: each.func.__name__,
)
def test_identity_parameters_leave_a_patch_as_it_is(nothing):
    grey = patch()
    found = nothing(grey.copy())
    assert found.dtype == np.float32
    assert np.array_equal(found, grey)


@pytest.mark.parametrize("axes", [(0,), (1, 2), (0, 1, 2)])
def test_mirroring_twice_is_nothing(axes):
    grey = patch()
    assert not np.array_equal(flip(grey, axes=axes), grey)
    assert np.array_equal(flip(flip(grey, axes=axes), axes=axes), grey)


def test_noise_has_its_deviation_and_follows_position():
    grey = np.full((32, 32, 32), 0.5, np.float32)
    found = add_noise(grey, sigma=0.08, seed=1, origin=(0, 0, 0)) - grey
    assert found.std() == pytest.approx(0.08, rel=0.03)
    assert abs(found.mean()) < 0.002
    part = add_noise(grey[4:, 2:], sigma=0.08, seed=1, origin=(4, 2, 0)) - grey[4:, 2:]
    assert np.array_equal(part, found[4:, 2:])


def test_attenuation_is_scaled():
    assert rescale_attenuation(patch(), factor=0.6, shift=0.1) == pytest.approx(0.6 * patch() + 0.1)


def test_blur_keeps_constants_and_spreads_points():
    assert smear(np.full((9, 9, 9), 0.3, np.float32), sigma=1.5) == pytest.approx(0.3)
    point = np.zeros((17, 17, 17), np.float32)
    point[8, 8, 8] = 1
    found = smear(point, sigma=1.0)
    assert found.sum() == pytest.approx(1, rel=1e-4)
    place = np.arange(17) - 8
    assert (found.sum(axis=(1, 2)) * place**2).sum() == pytest.approx(1.0, rel=0.05)


def test_a_wave_has_its_amplitude_and_direction():
    flat = np.zeros((EDGE,) * 3, np.float32)
    found = add_wave(flat, amplitude=0.1, wave=(0.0, 0.25, 0.0), phase=0.0)
    assert np.ptp(found, axis=(0, 2)) == pytest.approx(np.zeros(EDGE), abs=1e-6)
    assert found[0, :4, 0] == pytest.approx([0, 0.1, 0, -0.1], abs=1e-6)
    assert abs(found).max() <= 0.1 + 1e-6


def test_beam_hardening_darkens_the_axis_and_spares_the_rim():
    flat = np.ones((2, 41, 41), np.float32)
    found = harden_beam(flat, depth=0.2, origin=(0, 0, 0), axis=(20.5, 20.5), radius=20.0)
    assert found[0, 20, 20] == pytest.approx(0.8)
    assert found[0, 20, 0] == found[0, 0, 0] == 1
    assert (np.diff(found[0, 20, 20:]) >= 0).all()
    part = harden_beam(flat[:, 5:, 9:], depth=0.2, origin=(0, 5, 9), axis=(20.5, 20.5), radius=20.0)
    assert np.array_equal(part, found[:, 5:, 9:])


def test_a_cone_darkens_and_smears_away_from_the_middle():
    flat = np.ones((64, 3, 3), np.float32)
    found = open_cone(flat, loss=0.15, spread=2.0, origin=(0, 0, 0), middle=32, reach=32)
    assert found[32, 1, 1] == pytest.approx(1, abs=1e-3)
    assert found[0, 1, 1] == pytest.approx(1 - 0.15 * (31.5 / 32) ** 2, rel=1e-5)
    step = np.zeros((64, 3, 3), np.float32)
    step[::8] = 1
    found = open_cone(step, loss=0, spread=2.0, origin=(0, 0, 0), middle=32, reach=32)
    assert found[32, 0, 0] > 0.99
    assert found[56, 0, 0] < 0.5
    assert 0 <= found.min() <= found.max() <= 1


def still(controls, spacing=8.0, phase=(0.3, 0.0, 0.9)):
    number = control_points(EDGE, spacing)
    field = np.zeros((3, number, number, number))
    field[:] = np.reshape(controls, (3, 1, 1, 1))
    return Deformation(field, (spacing,) * 3, phase)


def test_deformation_without_displacement_is_nothing():
    grown = patch(edge=EDGE + 6)
    assert np.array_equal(
        deform(grown, displacements(EDGE, still([0, 0, 0]))), grown[3:-3, 3:-3, 3:-3]
    )


def test_equal_displacements_are_a_shift():
    grown = patch(edge=EDGE + 6)
    found = deform(grown, displacements(EDGE, still([2, -1, 3])))
    assert found == pytest.approx(grown[5:25, 2:22, 6:26], abs=1e-6)


def random_field(seed, most, spacing=8.0):
    rng = np.random.default_rng(seed)
    number = control_points(EDGE, spacing)
    controls = rng.uniform(-most, most, (3, number, number, number))
    return Deformation(controls, (spacing,) * 3, tuple(rng.random(3)))


@pytest.mark.parametrize("seed", range(4))
def test_no_voxel_moves_further_than_a_control_point_and_nothing_folds(seed):
    most = UNFOLDED * 8.0
    field = displacements(EDGE, random_field(seed, most))
    assert abs(field).max() <= most
    jacobian = np.stack([np.stack(np.gradient(each)) for each in field])
    jacobian += np.eye(3).reshape(3, 3, 1, 1, 1)
    assert np.linalg.det(np.moveaxis(jacobian, (0, 1), (-2, -1))).min() > 0


def test_truth_and_image_move_alike():
    grid = np.indices((EDGE + 10,) * 3)
    ball = (((grid - 14.5) ** 2).sum(axis=0) < 36).astype(np.float32)
    field = displacements(EDGE, random_field(5, 3.0))
    grey = deform(0.2 + 0.6 * ball, field, order=1)
    truth = deform(ball, field, order=0)
    assert set(np.unique(truth)) == {0, 1}
    assert 0.2 - 1e-6 <= grey.min() <= grey.max() <= 0.8 + 1e-6
    assert ((grey > 0.5) != (truth > 0)).mean() < 0.03
    assert (truth != ball[5:-5, 5:-5, 5:-5]).mean() > 0.02


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_weighted_rows_are_a_matrix_product(axis):
    rng = np.random.default_rng(0)
    values, weights = rng.random((4, 5, 6)), rng.random((7, 4 + axis))
    wanted = np.moveaxis(np.tensordot(weights, values, axes=(1, axis)), 0, axis)
    assert weighted_rows(values, weights, axis) == pytest.approx(wanted)
