"""Shapes of pores: packed and unpacked, cut and measured."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from poroscale.kernels.parts.voxel_shapes import Shapes, join, moments, pack, unpack

masks = arrays(bool, array_shapes(min_dims=3, max_dims=3, max_side=7)).filter(lambda m: m.any())


@given(st.lists(masks, min_size=1, max_size=6))
def test_packing_keeps_every_voxel(found):
    shapes = Shapes.of(found)
    back = unpack(*pack(shapes), shapes.extents)
    assert all(np.array_equal(a, b) for a, b in zip(back, shapes, strict=True))


@given(st.lists(masks, min_size=1, max_size=6), st.data())
def test_moments_and_rows(found, data):
    shapes = Shapes.of(found)
    count, sums, seconds = moments(shapes)
    row = data.draw(st.integers(0, len(found) - 1))
    points = np.argwhere(shapes.mask(row))
    assert count[row] == found[row].sum() == shapes.voxel_counts()[row]
    assert sums[row].tolist() == points.sum(axis=0).tolist()
    assert seconds[row, 3] == (points[:, 0] * points[:, 1]).sum()
    # A tight box has a voxel on each of its faces.
    mask = shapes.mask(row)
    assert all(mask.take(end, axis).any() for axis in range(3) for end in (0, -1))
    taken = shapes.take(np.array([row, 0]))
    assert np.array_equal(taken.mask(0), mask)
    both = join([taken, shapes])
    assert np.array_equal(both.mask(2 + row), mask)


def test_an_empty_pore_is_refused():
    with pytest.raises(ValueError, match="must have a voxel"):
        Shapes.of([np.zeros((2, 2, 2))])
