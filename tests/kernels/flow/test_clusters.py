"""Which pores carry: against labels of scipy, and around periodic boxes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import label

from poroscale.kernels.flow.clusters import carrying_pores

OPEN = (False, False, False)


@pytest.mark.parametrize("seed", range(8))
def test_the_clusters_that_touch_both_ends(seed: int) -> None:
    shape = (7, 6, 9)
    pore = np.random.default_rng(seed).random(shape) < 0.38
    labels, _ = label(pore)
    both = np.intersect1d(labels[0], labels[-1])
    expected = np.isin(labels, both[both > 0])
    np.testing.assert_array_equal(carrying_pores(pore, OPEN), expected)


def test_a_path_across_a_periodic_side() -> None:
    pore = np.zeros((4, 3, 5), bool)
    pore[:2, 1, 0] = pore[1:, 1, 4] = True
    assert not carrying_pores(pore, OPEN).any()
    np.testing.assert_array_equal(carrying_pores(pore, (False, False, True)), pore)


def test_a_periodic_axis_needs_a_path_to_the_image_of_a_voxel() -> None:
    straight = np.zeros((4, 5, 5), bool)
    straight[:, 2, 2] = True
    np.testing.assert_array_equal(carrying_pores(straight, (True, False, False)), straight)
    shifted = np.zeros((4, 5, 5), bool)
    shifted[:2, 1, 1] = shifted[2:, 3, 1] = True
    assert not carrying_pores(shifted, (True, False, False)).any()


def test_touching_both_ends_is_not_enough_around_a_period() -> None:
    """A bridge within the box that ends at two places which do not meet across the period."""
    pore = np.zeros((3, 5, 5), bool)
    pore[0, 0, 0] = pore[1, 0, :] = pore[2, 0, 4] = True
    assert carrying_pores(pore, OPEN).sum() == pore.sum()
    assert not carrying_pores(pore, (True, False, False)).any()


def test_a_path_that_closes_after_two_periods() -> None:
    """One lane shifts to the next at the middle, and back across the side."""
    pore = np.zeros((4, 3, 4), bool)
    pore[:2, 1, 0] = pore[2:, 1, 2] = pore[1, 1, 0:3] = True
    pore[:2, 1, 2] = False
    pore[1, 1, :3] = True
    pore[0, 1, 2] = True
    np.testing.assert_array_equal(carrying_pores(pore, (True, False, True)), pore)
