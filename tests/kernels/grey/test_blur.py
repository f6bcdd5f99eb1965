from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from poroscale.kernels.grey.blur import TILE, blur, blur_mask, gaussian_weights


def block(shape=(20, 23, 31)):
    return np.random.default_rng(3).random(shape, np.float32)


@pytest.mark.parametrize("sigma", [0.0, 0.4, 1.0, 2.3])
def test_blur_equals_scipy_inside(sigma):
    weights = gaussian_weights(sigma)
    halo = len(weights) // 2
    whole = gaussian_filter(block().astype(float), sigma, radius=halo, mode="constant", cval=np.nan)
    inside = tuple(slice(halo, n - halo) for n in block().shape)
    np.testing.assert_allclose(blur(block(), weights), whole[inside], rtol=2e-6)


def test_a_smaller_block_gives_the_same_bytes():
    weights = gaussian_weights(0.9)
    whole, part = blur(block(), weights), blur(block()[4:17, 3:20, 5:30].copy(), weights)
    assert (
        whole[4 : 4 + part.shape[0], 3 : 3 + part.shape[1], 5 : 5 + part.shape[2]] == part
    ).all()


@pytest.mark.parametrize("sigma", [0.0, 0.4, 1.3, 3.0])
def test_a_mask_is_blurred_to_the_same_bytes(sigma):
    weights = gaussian_weights(sigma)
    rng, shape = np.random.default_rng(4), tuple(2 * n + 5 for n in TILE)
    z, y, x = np.indices(shape)
    ball = (z - 12) ** 2 + (y - 15) ** 2 + (x - 30) ** 2 < 11**2
    for mask in (ball, ~ball, rng.random(shape) < 0.5, np.ones(shape, bool)):
        expected = blur(mask.astype(np.float32), weights)
        np.testing.assert_array_equal(blur_mask(mask, weights), expected, strict=True)


def test_weights_sum_to_one_and_refuse_a_negative_sigma():
    assert gaussian_weights(1.7).sum() == pytest.approx(1, abs=1e-6)
    with pytest.raises(ValueError, match="sigma must be zero or positive"):
        gaussian_weights(-0.1)
