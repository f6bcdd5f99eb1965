from __future__ import annotations

import numpy as np
import pytest

from poroscale.kernels.grey.scan_model import scan_grey

LEVELS = (1000.0, 3000.0)
QUIET = (0.0, 10.0, 0.0, 16.0)


def grey(fraction, *, shading=QUIET, rings=(0.0, 0.0), noise=0.0, origin=(0, 0, 0)):
    block = np.full((4, 32, 32), fraction, np.float32)
    return scan_grey(
        block,
        np.full(block.shape, noise, np.float32),
        origin,
        (16.0, 16.0),
        shading,
        np.array(rings, np.float32),
        LEVELS,
    )


@pytest.mark.parametrize(("fraction", "expected"), [(0, 1000), (1, 3000), (0.25, 1500)])
def test_grey_is_linear_between_air_and_solid(fraction, expected):
    assert (grey(fraction) == expected).all()


def test_cupping_darkens_the_axis_and_leaves_the_rim():
    block = grey(1, shading=(0.1, 10.0, 0.0, 16.0))
    assert block[0, 16, 16] == pytest.approx(1000 + 2000 * 0.9, abs=3)
    assert block[0, 16, 30] == 3000


def test_a_fall_along_z_is_centred():
    above = grey(1, shading=(0.0, 10.0, 0.2, 16.0), origin=(14, 0, 0))
    below = grey(1, shading=(0.0, 10.0, 0.2, 16.0), origin=(-2, 0, 0))
    assert above[0, 0, 0] < 3000 < below[0, 0, 0]


def test_rings_depend_on_the_radius_alone():
    block = grey(0.5, rings=np.r_[np.zeros(5), 0.1, np.zeros(40)])
    assert block[0, 16, 16 + 5] == pytest.approx(2000 + 2000 * 0.05, abs=12)
    assert block[0, 16, 16 + 12] == 2000
    assert (block[0, :, 16:] == block[0, :, 15::-1]).all()


def test_values_are_kept_in_16_bits():
    assert (grey(0, noise=-5) == 0).all()
    assert (grey(0, noise=50) == 65535).all()
