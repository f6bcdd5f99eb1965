"""Two normal values below a level: against integrals by another library, and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from poroscale.kernels.gaussian.bivariate import both_below, correlation_of, level_of, slope_of

levels = st.floats(-2.5, 2.5)
correlations = st.floats(-0.99, 0.99)


@given(levels, correlations)
def test_the_probability_is_that_of_the_bivariate_normal(level, rho):
    known = multivariate_normal.cdf([level, level], cov=[[1, rho], [rho, 1]])
    assert both_below(level, rho) == pytest.approx(known, abs=1e-6)


def test_full_and_no_correlation_have_their_closed_forms():
    level = level_of(0.3)
    assert norm.cdf(level) == pytest.approx(0.3)
    assert both_below(level, 1.0) == pytest.approx(0.3)
    assert both_below(level, 0.0) == pytest.approx(0.09)
    assert both_below(level, -1.0) == pytest.approx(0.0, abs=1e-12)
    assert both_below(0.0, 0.5) == pytest.approx(1 / 3)  # 1/4 + asin(rho) / (2 pi)


@given(levels, correlations)
def test_the_correlation_comes_back(level, rho):
    found = correlation_of(both_below(level, rho), level)
    assert both_below(level, found) == pytest.approx(both_below(level, rho), abs=1e-12)


def test_a_probability_out_of_reach_gives_the_nearest_correlation():
    high, low = correlation_of([0.5, 0.0], level_of(0.3))
    assert high == pytest.approx(1.0)
    assert low < -0.98  # nearer to -1 the probability is 0 to the last digit


@given(levels, st.floats(-0.9, 0.9))
def test_the_slope_is_the_derivative(level, rho):
    step = 1e-5
    rise = both_below(level, rho + step) - both_below(level, rho - step)
    assert slope_of(level, rho) == pytest.approx(rise / (2 * step), rel=1e-4, abs=1e-8)


def test_values_of_all_shapes_are_taken():
    assert both_below(0.3, np.zeros((2, 3))).shape == (2, 3)
