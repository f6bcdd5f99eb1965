"""Filtered tiles equal sums written out, and their field has the covariance of the kernel."""

import numpy as np
from scipy.signal import fftconvolve

from poroscale.kernels.gaussian.filtering import filtered, padded_shape, transfer


def test_a_tile_is_the_sum_over_its_noise():
    rng = np.random.default_rng(1)
    kernel = rng.standard_normal((3, 3, 3)).astype(np.float32)
    tile = (5, 6, 7)
    noise = rng.standard_normal((7, 8, 9)).astype(np.float32)
    shape = padded_shape(tile, kernel.shape)
    padded = np.zeros(shape, np.float32)
    padded[:7, :8, :9] = noise
    found = filtered(padded, transfer(kernel, shape), tile, kernel.shape)
    assert np.allclose(found, fftconvolve(noise, kernel, mode="valid"), atol=1e-4)
