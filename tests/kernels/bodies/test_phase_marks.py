"""Marks of pore voxels against their definition by shifted arrays."""

import numpy as np
import pytest

from poroscale.kernels.bodies.phase_marks import bytes_present, mark_beside

STEPS = [(0, s) for s in (-1, 1)] + [(1, s) for s in (-1, 1)] + [(2, s) for s in (-1, 1)]


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32"])
@pytest.mark.parametrize("other", [0, 3])
def test_marks_are_the_faces_at_the_other_phase(dtype, other):
    block = np.random.default_rng(4).integers(0, 4, (7, 8, 19)).astype(dtype)
    beside = np.any([np.roll(block, s, axis) == other for axis, s in STEPS], axis=0)
    expected = ((block == 2) * (1 + beside))[1:-1, 1:-1, 1:-1]
    np.testing.assert_array_equal(mark_beside(block, 2, other), expected)


@pytest.mark.parametrize("other", [None, 300, -1])
def test_another_phase_that_cannot_occur_marks_nothing(other):
    block = np.ones((4, 5, 6), np.uint8)
    assert (mark_beside(block, 1, other) == 1).all()


def test_masks_are_phases_too():
    block = np.zeros((3, 3, 3), bool)
    block[1, 1, 1] = True
    assert mark_beside(block, 1, None).tolist() == [[[1]]]
    assert mark_beside(block, 1, 0).tolist() == [[[2]]]


@pytest.mark.parametrize("count", [0, 5, 8, 1000])
def test_values_that_occur(count):
    block = np.random.default_rng(count).integers(0, 40, count).astype(np.uint8)
    block[: count // 2] = 7
    assert np.flatnonzero(bytes_present(block)).tolist() == np.unique(block).tolist()
