"""Kernels whose noise has a wanted covariance."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from poroscale.kernels.gaussian.covariance_fit import (
    WantedCovariance,
    autocovariance,
    covariance_loss,
    lag_lattice,
    projected,
    refined,
    root_kernel,
)


def wanted(curve, reach):
    z, y, x = lag_lattice(reach)
    distance = np.sqrt(z**2 + y**2 + x**2)
    weights = (distance <= reach) / np.maximum(distance, 1.0) ** 2
    return WantedCovariance(curve(distance), weights / weights.sum())


def misfit(kernel, aim):
    off = autocovariance(kernel, aim.values.shape) - aim.values
    return float(np.sqrt((aim.weights * off**2).sum()))


@pytest.mark.parametrize(
    "curve",
    [
        lambda r: np.exp(-((r / 3) ** 2)),
        lambda r: np.exp(-r / 3),
        lambda r: np.exp(-((r / 8) ** 2)) * np.sinc(r / 6),
    ],
    ids=["gauss", "exponential", "wave"],
)
def test_a_covariance_that_exists_is_met(curve):
    aim = wanted(curve, 12)
    kernel = refined(root_kernel(projected(aim), 12), aim)
    assert kernel.shape == (25, 25, 25)
    assert (kernel**2).sum() == pytest.approx(1.0)
    assert misfit(kernel, aim) < 0.004


def test_a_covariance_that_no_field_has_is_approached():
    """A box of lags is no covariance: its spectrum is negative somewhere."""
    aim = wanted(lambda r: (r < 4).astype(float), 10)
    near = projected(aim)
    assert np.fft.fftn(near).real.min() > -1e-9
    assert near.flat[0] == pytest.approx(1.0)
    first = root_kernel(near, 10)
    assert misfit(refined(first, aim), aim) < misfit(first, aim)


def test_the_gradient_is_that_of_differences():
    rng = np.random.default_rng(0)
    aim = wanted(lambda r: np.exp(-r), 2)
    kernel = rng.standard_normal((5, 5, 5))
    loss = covariance_loss(np.ones(kernel.shape, bool), aim)
    value, gradient = loss(kernel.ravel())
    slopes = approx_fprime(kernel.ravel(), lambda each: loss(each)[0], 1e-2)
    assert value > 0
    assert np.allclose(gradient, slopes, rtol=0.05, atol=0.02 * np.abs(slopes).max())
