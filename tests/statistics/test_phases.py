"""Phase values become small codes, whatever the dtype of the volume."""

import numpy as np
import pytest

from poroscale.kernels.phases.codes import OUTSIDE, STRANGE
from poroscale.statistics.phases import PhaseMap, phase_map


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int32, np.int64])
def test_codes_follow_the_order_of_the_values(dtype):
    block = np.array([[[0, 1, 5], [5, 7, 9]]], dtype)
    codes = PhaseMap((1, 5, 7), outside=0).codes(block)
    assert codes.dtype == np.uint8
    assert codes.tolist() == [[[OUTSIDE, 0, 1], [1, 2, STRANGE]]]


def test_voxels_beyond_the_mask_do_not_count():
    block, inside = np.array([[[True, False, True]]]), np.array([[[1, 0, 2]]])
    assert PhaseMap((0, 1)).codes(block, inside).tolist() == [[[1, OUTSIDE, 1]]]


def test_values_of_a_volume(as_volume):
    volume = as_volume(np.array([[[-3, 4], [4, 300]]], np.int16))
    assert phase_map(volume) == PhaseMap((-3, 4, 300))
    with pytest.raises(ValueError, match="one of the values -3, 4, 300, got 5"):
        phase_map(volume).code(5)


def test_our_own_outside_does_not_count(as_volume):
    array = np.array([[[0, 1], [2, 1]]], np.uint8)
    assert phase_map(as_volume(array)) == PhaseMap((0, 1, 2))
    ours = as_volume(array, attributes={"kind": "phases"})
    assert phase_map(ours) == PhaseMap((1, 2), outside=0)


def test_volumes_that_hold_no_phases_are_refused(as_volume):
    with pytest.raises(TypeError, match=r"must hold phases .* got float32; segment it first"):
        phase_map(as_volume(np.zeros((2, 2, 2), np.float32)))
    grey = np.arange(4 * 4 * 4, dtype=np.uint8).reshape(4, 4, 4)
    with pytest.raises(ValueError, match=r"at most 32 phases, got more .* segment it first"):
        phase_map(as_volume(grey))
