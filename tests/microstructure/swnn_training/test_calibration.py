"""Thresholds and the curve of fractions, found once on a reference sample."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from poroscale.engine import volume_from_array
from poroscale.microstructure.shares import Gradient, MaskedShare, with_fraction
from poroscale.microstructure.swnn import SwnnField, SwnnSampler
from poroscale.microstructure.swnn_training.calibration import (
    WIDEST,
    FractionCurve,
    balanced_mean,
    calibrated_swnn,
    fitted_thresholds,
)
from poroscale.microstructure.swnn_training.course import CalibratedMean, ShareCourse
from poroscale.volume import VolumeSpec

EDGE = 24
CURVE = FractionCurve(0.5, (0.0, 0.25, 0.5, 1.0), ((0.9, 0.1), (0.8, 0.2), (0.6, 0.4), (0.7, 0.3)))


@pytest.fixture(scope="module")
def field(small):
    return SwnnField.of(small[1], EDGE, deviation=0.8)


@pytest.fixture(scope="module")
def found(field):
    return calibrated_swnn(field, (0.5, 0.2, 0.3), base=0.1, also=[0.35], edge=EDGE)


def test_no_fraction_leaps_between_two_means_of_the_curve(field):
    """Between means far apart a straight line through a steep curve misses what is wished for."""
    steep = field.but(deviation=2.0)
    curve = calibrated_swnn(steep, (0.7, 0.3), base=0.0, edge=16)[1]
    shares = np.array(curve.course(1, (0.0,)).shares)
    assert np.diff(shares).max() <= WIDEST
    assert shares[-1] - shares[0] > 0.5
    assert curve.between == []
    assert CURVE.between == [0.125, 0.375]  # not beyond 0.5, where phase 1 is on its way back


def test_the_reference_has_the_fractions_at_the_base(field, found):
    curve = found[1]
    assert curve.base == 0.1
    assert 0.35 in curve.means
    assert curve.fractions_at(0.1) == pytest.approx((0.5, 0.2, 0.3), abs=1e-3)
    assert all(sum(row) == pytest.approx(1) for row in curve.fractions)
    assert list(curve.means) == sorted(curve.means)


def test_another_sample_has_the_fraction_that_the_curve_tells(field, found):
    thresholds, curve = found
    course = curve.course(2, thresholds)
    near = 0 if course.shares[0] < 0.25 else -1
    wanted = 0.5 * (course.shares[near] + 0.3)
    mean, levels = course.at(wanted)
    made = SwnnSampler(field.but(mean=mean, seed=7, tile=(48, 48, 48)), levels)
    assert (made((0, 0, 0), (48, 48, 48)) == 2).mean() == pytest.approx(wanted, abs=0.02)


@pytest.mark.parametrize("phase", [0, 1, 2])
def test_the_other_phases_keep_their_proportions(field, found, phase):
    thresholds, curve = found
    course = curve.course(phase, thresholds)
    assert course.thresholds[course.inputs.index(curve.base)] == pytest.approx(thresholds, abs=1e-3)
    for wanted in (0.9 * course.shares[0] + 0.1 * course.shares[-1], course.shares[-1]):
        mean, levels = course.at(wanted)
        shares = np.zeros(3)
        for seed in (7, 8, 9):
            made = SwnnSampler(field.but(mean=mean, seed=seed, tile=(48, 48, 48)), levels)
            codes = made((0, 0, 0), (48, 48, 48)).ravel()
            shares += np.bincount(codes, minlength=3) / (3 * len(codes))
        expected = with_fraction((0.5, 0.2, 0.3), phase, wanted)
        assert shares == pytest.approx(expected, abs=0.03)


def test_the_monotone_stretch_around_the_base_is_taken():
    rising = CURVE.course(1, (0.2,))
    assert rising.shares == (0.1, 0.2, 0.4)
    assert rising.inputs == (0.0, 0.25, 0.5)
    falling = CURVE.course(0, (0.2,))
    assert falling.shares == (0.6, 0.8, 0.9)
    assert falling.inputs == (0.5, 0.25, 0.0)
    assert rising.at(0.3) == (pytest.approx(0.375), (0.2,))
    assert FractionCurve.of_details({"curve": CURVE.details}) == CURVE
    three = replace(CURVE, thresholds=(((1.0, 2.0),) * 4, ((3.0, 4.0),) * 4))
    assert FractionCurve.of_details({"curve": three.details}) == three
    before = {key: value for key, value in CURVE.details.items() if key != "thresholds"}
    assert FractionCurve.of_details({"curve": before}) == CURVE


def test_a_fraction_out_of_reach_tells_the_range():
    with pytest.raises(ValueError, match=r"phase 1 must lie between 0\.100 and 0\.400 .* got 0\.6"):
        CURVE.course(1, (0.2,)).at(0.6)


def test_thresholds_vary_by_place_where_the_course_says_so():
    course = ShareCourse(1, (0.1, 0.3), (0.0, 2.0), ((-0.5, 0.5), (-0.5, 0.9)))
    mean, levels = course.placed(Gradient(0, 0.1, 0.3, 5), (5, 4, 4))
    assert mean((0, 0, 0), (5, 1, 1)).ravel() == pytest.approx([0, 0.5, 1, 1.5, 2], abs=1e-6)
    assert levels[0] == -0.5
    assert levels[1]((0, 0, 0), (5, 1, 1)).ravel() == pytest.approx(
        [0.5, 0.6, 0.7, 0.8, 0.9], abs=1e-6
    )


def test_the_balanced_mean_has_the_fractions_at_the_middle_level(field):
    sample = field.but(mean=0.2, seed=5)((0, 0, 0), (48, 48, 48))
    wanted = float((sample >= 0).mean())
    mean = balanced_mean(field, (1 - wanted, wanted), edge=48)
    made = field.but(mean=mean, seed=6)((0, 0, 0), (48, 48, 48))
    assert (made >= 0).mean() == pytest.approx(wanted, abs=0.02)
    assert balanced_mean(field.but(deviation=0.0), (0.0, 1.0), edge=8) == 0


def test_a_flat_field_has_no_thresholds():
    with pytest.raises(ValueError, match="train it for more iterations"):
        fitted_thresholds(np.zeros((4, 4, 4), np.float32), (0.2, 0.3, 0.5))


def test_a_gradient_becomes_a_mean_that_goes_on_beyond_the_faces():
    mean = CalibratedMean(Gradient(1, 0.1, 0.4, 11), (0.1, 0.2, 0.4), (0.0, 0.25, 0.5), (5, 11, 5))
    found = np.broadcast_to(mean((-3, -3, -3), (9, 17, 9)), (9, 17, 9))
    assert found.dtype == np.float32
    assert np.ptp(found, axis=(0, 2)).max() == 0
    along = found[0, :, 0]
    assert along[:4] == pytest.approx(0, abs=1e-6)
    assert along[-4:] == pytest.approx(0.5, abs=1e-6)
    assert along[3 + 5] == pytest.approx(np.interp(0.25, [0.1, 0.2, 0.4], [0, 0.25, 0.5]))
    assert pickle.loads(pickle.dumps(mean)) == mean


@pytest.mark.parametrize("periodic", [False, True])
def test_a_mask_goes_on_beyond_the_faces(periodic, tmp_path):
    share = np.random.default_rng(0).random((6, 7, 8), np.float32)
    spec = VolumeSpec(share.shape, np.dtype(np.float32), (1, 1, 1))
    mask = volume_from_array(share, tmp_path / "mask.zarr", spec=spec)
    varying = MaskedShare.of(mask, inside=0.5, outside=0.5)
    mean = CalibratedMean(varying, (0.0, 1.0), (0.0, 2.0), (6, 7, 8), periodic)
    found = mean((-2, 3, -4), (10, 9, 16))
    wanted = np.pad(2 * share, 5, mode="wrap" if periodic else "edge")[3:13, 8:17, 1:17]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


@pytest.mark.parametrize("phase", [1, 2])
def test_a_mean_that_varies_changes_no_byte_by_the_box(field, found, phase):
    thresholds, curve = found
    course = curve.course(phase, thresholds)
    first, last = course.shares[0], course.shares[-1]
    mean, levels = course.placed(Gradient(0, first, last, 40), (40, 24, 24))
    assert all(map(callable, levels))
    sampler = SwnnSampler(field.but(mean=mean), levels)
    whole = sampler((0, 0, 0), (40, 24, 24))
    assert np.array_equal(sampler((11, 3, 5), (20, 9, 7)), whole[11:31, 3:12, 5:12])
    assert (whole[-8:] == phase).mean() > (whole[:8] == phase).mean() + 0.5 * (last - first)
    assert sampler.recipe["field"]["mean"]["extent"] == [40, 24, 24]
    assert sampler.recipe["thresholds"][1]["shares"] == list(course.shares)
