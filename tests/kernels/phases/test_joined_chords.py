"""Chords of windows are those of the windows as volumes; what ends in them adds up to the whole."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from poroscale.kernels.phases.chords import PART, PHASES
from poroscale.kernels.phases.codes import OUTSIDE
from poroscale.kernels.phases.joined_chords import WindowCounter
from tests.statistics.media import media
from tests.statistics.test_counting import chords_of


def counted(codes, starts, cuts):
    """The windows of an array that is given in slabs, which begin at `starts` and `cuts`."""
    counter = WindowCounter(codes.shape, starts, 3)
    edges = sorted({*starts, *cuts, len(codes)})
    for first, stop in pairwise(edges):
        counter.take(codes[first:stop], first)
    return counter.windows


@given(media(), st.data())
def test_windows_are_volumes_and_their_ends_add_up(medium, data):
    array, inside = medium
    codes = np.where(inside, array % 3, OUTSIDE).astype(np.uint8)
    heights = st.sets(st.integers(1, max(1, len(codes) - 1)))
    starts = sorted({0, *(z for z in data.draw(heights) if z < len(codes))})
    cuts = [z for z in data.draw(heights) if z < len(codes)]
    windows = counted(codes, starts, cuts)
    assert len(windows) == len(starts)
    for window, first, stop in zip(windows, starts, [*starts[1:], len(codes)], strict=True):
        there, part = codes[first:stop], inside[first:stop]
        for axis in range(3):
            for code in range(3):
                expected = chords_of(there, code, part, axis)
                assert np.array_equal(window.within[PHASES][axis][code], expected)
            expected = chords_of(np.zeros_like(there), 0, part, axis)
            assert np.array_equal(window.within[PART][axis][0], expected)
    for code in range(3):
        ending = sum(window.chords(PHASES, 0)[code] for window in windows)
        assert np.array_equal(ending, chords_of(codes, code, inside, 0))
    ending = sum(window.chords(PART, 0)[0] for window in windows)
    assert np.array_equal(ending, chords_of(np.zeros_like(codes), 0, inside, 0))


def test_a_chord_belongs_to_the_window_in_which_it_ends():
    codes = np.zeros((9, 1, 1), np.uint8)
    codes[2:5] = 1
    first, second, third = counted(codes, [0, 3, 6], [])
    assert not first.chords(PHASES, 0)[1].any()
    assert second.chords(PHASES, 0)[1, 0, 3] == 1
    assert third.chords(PHASES, 0)[0, 1, 4] == 1
    assert first.within[PHASES][0][1, 1, 1] == second.within[PHASES][0][1, 1, 2] == 1
