"""Figures of the topology of a volume: what they show of the levels and of the pairs."""

import numpy as np
import pytest

import poroscale as ps
from poroscale.report.figures import betti


@pytest.fixture
def beads(as_volume, tmp_path):
    """Two beads that a bridge joins, in a volume far smaller than the cap of distances."""
    array = np.zeros((5, 6, 16), np.uint8)
    array[1:4, 1:4, 1:4] = array[1:4, 1:4, 6:9] = array[2, 2, 4:6] = 1
    return ps.topology(as_volume(array), tmp_path / "out", phase=1, levels=512)


@pytest.mark.parametrize("draw", [betti.betti_curves, betti.euler_curve])
def test_curves_end_where_nothing_changes_any_more(beads, draw):
    low, high = draw(beads, "Distance (um)").axes[0].get_xlim()
    assert beads.levels[0] < -10 < -3 < low < -2  # the beads begin at -2
    assert -1 < high < 2  # and are one piece from -1 on
    assert beads.levels[-1] > 10


def test_a_few_pairs_lie_off_the_frame_on_a_scale_of_whole_numbers(beads):
    figure = betti.pairs(beads.components, "Distance (um)")
    axes, bar = figure.axes
    for low, high in (axes.get_xlim(), axes.get_ylim()):
        assert low < -2 < -1 < high
    assert bar.get_ylim() == pytest.approx((1, 10))


def test_levels_that_floats_do_not_tell_apart_are_drawn(as_volume, tmp_path):
    array = np.random.default_rng(0).integers(2**60, 2**60 + 3, (4, 5, 6))
    found = ps.topology(as_volume(array), tmp_path / "out", levels=3)
    assert betti.betti_curves(found, "Level") is not None
