"""Thresholds and the curve of fractions, found once on a reference sample."""

import pickle

import numpy as np
import pytest

from poroscale.engine import volume_from_array
from poroscale.microstructure.shares import Gradient, MaskedShare
from poroscale.microstructure.swnn import SwnnField, SwnnSampler
from poroscale.microstructure.swnn_training.calibration import (
    CalibratedMean,
    FractionCurve,
    balanced_mean,
    calibrated_swnn,
    fitted_thresholds,
)
from poroscale.volume import VolumeSpec

EDGE = 24
CURVE = FractionCurve(0.5, (0.0, 0.25, 0.5, 1.0), ((0.9, 0.1), (0.8, 0.2), (0.6, 0.4), (0.7, 0.3)))


@pytest.fixture(scope="module")
def field(small):
    return SwnnField.of(small[1], EDGE, deviation=0.8)


@pytest.fixture(scope="module")
def found(field):
    return calibrated_swnn(field, (0.5, 0.2, 0.3), base=0.1, also=[0.35], edge=EDGE)


def test_the_reference_has_the_fractions_at_the_base(field, found):
    curve = found[1]
    assert curve.base == 0.1
    assert 0.35 in curve.means
    assert curve.fractions_at(0.1) == pytest.approx((0.5, 0.2, 0.3), abs=1e-3)
    assert all(sum(row) == pytest.approx(1) for row in curve.fractions)
    assert list(curve.means) == sorted(curve.means)


def test_another_sample_has_the_fraction_that_the_curve_tells(field, found):
    thresholds, curve = found
    shares, _ = curve.monotone(2)
    wanted = 0.5 * (shares[0] + 0.3) if shares[0] < 0.25 else 0.5 * (shares[-1] + 0.3)
    mean = curve.mean_for(2, wanted)
    made = SwnnSampler(field.but(mean=mean, seed=7, tile=(48, 48, 48)), thresholds)
    assert (made((0, 0, 0), (48, 48, 48)) == 2).mean() == pytest.approx(wanted, abs=0.02)


def test_the_monotone_stretch_around_the_base_is_taken():
    shares, means = CURVE.monotone(1)
    assert shares.tolist() == [0.1, 0.2, 0.4]
    assert means.tolist() == [0.0, 0.25, 0.5]
    falling, back = CURVE.monotone(0)
    assert falling.tolist() == [0.6, 0.8, 0.9]
    assert back.tolist() == [0.5, 0.25, 0.0]
    assert CURVE.mean_for(1, 0.3) == pytest.approx(0.375)
    assert FractionCurve.of_details({"curve": CURVE.details}) == CURVE


def test_a_fraction_out_of_reach_tells_the_range():
    with pytest.raises(ValueError, match=r"phase 1 must lie between 0\.100 and 0\.400 .* got 0\.6"):
        CURVE.mean_for(1, 0.6)


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


def test_a_mean_that_varies_changes_no_byte_by_the_box(field, found):
    thresholds, curve = found
    shares, means = curve.monotone(2)
    gradient = Gradient(0, float(shares[0]), float(shares[-1]), 40)
    mean = CalibratedMean(gradient, tuple(shares), tuple(means), (40, 24, 24))
    sampler = SwnnSampler(field.but(mean=mean), thresholds)
    whole = sampler((0, 0, 0), (40, 24, 24))
    assert np.array_equal(sampler((11, 3, 5), (20, 9, 7)), whole[11:31, 3:12, 5:12])
    assert (whole[-8:] == 2).mean() > (whole[:8] == 2).mean() + 0.5 * (shares[-1] - shares[0])
    assert sampler.recipe["field"]["mean"]["extent"] == [40, 24, 24]
