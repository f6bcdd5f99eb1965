"""Cells and chords of a volume equal those of the whole array, for any blocks, phases and mask."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view
from skimage.measure import euler_number

from poroscale.engine import Run
from poroscale.kernels.bodies.surface_area import EARLIER
from poroscale.statistics.counting import count_phases
from poroscale.statistics.morphology import Contacts, minkowski
from tests.statistics.media import media
from tests.strategies import blocks


def chords_of(array, value, inside, axis):
    """(2, n + 1) written out: walk every line voxel by voxel."""
    n = array.shape[axis]
    counts = np.zeros((2, n + 1), np.int64)
    lines = np.moveaxis(np.where(inside, array.astype(int), -1), axis, -1).reshape(-1, n).tolist()
    for line in lines:
        place = 0
        for code, group in itertools.groupby(line):
            length = len(list(group))
            before = line[place - 1] if place else -1
            place += length
            after = line[place] if place < n else -1
            if code == value:
                counts[int(-1 in (before, after)), length] += 1
    return counts


@given(media(), st.booleans(), blocks())
def test_chords_are_those_of_the_whole_array(as_volume, medium, masked, block):
    array, inside = medium
    mask = as_volume(inside) if masked else None
    inside = inside if masked else np.ones_like(inside)
    found = count_phases(as_volume(array), inside=mask, run=Run(block=block))
    for axis in range(3):
        for k, value in enumerate(found.phases.values):
            expected = chords_of(array, value, inside, axis)
            assert np.array_equal(found.chords[axis][k], expected)
        part = chords_of(np.zeros_like(array), 0, inside, axis)
        assert np.array_equal(found.part_chords[axis], part)
    assert found.voxels.tolist() == [
        np.count_nonzero((array == value) & inside) for value in found.phases.values
    ]


@given(media(), st.booleans(), blocks())
def test_contacts_and_cells_are_those_of_the_whole_array(as_volume, medium, masked, block):
    array, inside = medium
    mask = as_volume(inside) if masked else None
    inside = inside if masked else np.ones_like(inside)
    found = count_phases(as_volume(array), inside=mask, run=Run(block=block))
    values = found.phases.values
    codes = np.where(inside, np.searchsorted(values, array), len(values))
    pairs = Contacts.of(found).pairs
    for i, step in enumerate(EARLIER):
        here = tuple(
            slice(max(0, -d), n - max(0, d)) for d, n in zip(step, array.shape, strict=True)
        )
        there = tuple(
            slice(max(0, d), n + min(0, d)) for d, n in zip(step, array.shape, strict=True)
        )
        expected = np.zeros((len(values) + 1,) * 2, int)
        np.add.at(expected, (codes[here].ravel(), codes[there].ravel()), 1)
        own = np.diag(expected).copy()
        expected += expected.T
        np.fill_diagonal(expected, own)
        expected[-1, -1] = pairs[i, -1, -1]  # of what is not part, nothing is asked
        assert np.array_equal(pairs[i], expected)
    for code in range(len(values)):
        body = codes == code
        functionals = minkowski(found, code)
        assert functionals.euler_26 == euler_number(body, 3)
        assert functionals.euler_6 == euler_number(body, 1)
        assert functionals.volume_um3 == body.sum()
        assert functionals.mean_breadth_um == pytest.approx(breadth(body))


def breadth(body):
    """Euler numbers of all plane sections, of 4 and of 8 neighbours, over 2 x 3."""
    sections = (np.take(body, k, axis) for axis in range(3) for k in range(body.shape[axis]))
    return sum(euler_number(s, 1) + euler_number(s, 2) for s in sections) / 6


@given(media(), blocks())
def test_triple_edges_are_those_of_the_whole_array(as_volume, medium, block):
    array, _ = medium
    found = count_phases(as_volume(array), run=Run(block=block))
    for axis in range(3):
        if min(n for k, n in enumerate(array.shape) if k != axis) < 2:
            assert found.cells["triple"][axis] == 0
            continue
        squares = sliding_window_view(array, tuple(1 if k == axis else 2 for k in range(3)))
        four = np.sort(squares.reshape(*squares.shape[:3], 4), axis=3)
        kinds = 1 + (np.diff(four, axis=3) != 0).sum(axis=3)
        assert found.cells["triple"][axis] == (kinds >= 3).sum()
