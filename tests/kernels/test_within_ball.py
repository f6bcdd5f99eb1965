"""Short distances to a mask are those of a distance transform."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from poroscale.kernels.within_ball import SPARSE, forget_near, within_ball

RADII = (0.0, 1.0, 1.5, 2.0, 3.7)


@pytest.mark.parametrize("share", [0.2 * SPARSE, 4 * SPARSE, 0.6])
@pytest.mark.parametrize("radius", RADII)
def test_it_is_the_exact_dilation_by_a_ball(share, radius):
    mask = np.random.default_rng(1).random((19, 23, 31)) < share
    mask[5:12, 6:14, 7:20] |= share > SPARSE
    expected = distance_transform_edt(~mask) <= radius
    np.testing.assert_array_equal(within_ball(mask, radius), expected)


@pytest.mark.parametrize("radius", RADII)
def test_forgetting_is_the_same_as_cutting_out(radius):
    rng = np.random.default_rng(2)
    mask, chosen = rng.random((17, 21, 25)) < 0.02, rng.random((17, 21, 25)) < 0.3
    expected = chosen & ~within_ball(mask, radius)
    forget_near(chosen, mask, radius)
    np.testing.assert_array_equal(chosen, expected)


def test_without_a_mask_nothing_is_near():
    nothing, chosen = np.zeros((4, 5, 6), bool), np.ones((4, 5, 6), bool)
    forget_near(chosen, nothing, 2.0)
    assert chosen.all()
    assert not within_ball(nothing, 2.0).any()
    for radius in (-1.0, 81.0):
        with pytest.raises(ValueError, match="radius must be from 0 to 80"):
            within_ball(nothing, radius)
