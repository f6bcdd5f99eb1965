import numpy as np
import pytest

from poroscale.compare.covariance import covariance_error


def test_the_error_is_the_mean_of_the_squared_differences():
    true, found = np.array([[1.0, 0.5], [0.5, 2.0]]), np.array([[2.0, 0.0], [0.0, 1.0]])
    assert covariance_error(found, true) == pytest.approx((1 + 0.25 + 0.25 + 1) / 4)
    assert covariance_error(true, true) == 0


def test_every_measure_of_the_appendix_has_its_row(comparison):
    rows = comparison.numbers["covariance"]
    assert len(rows) == 4
    for row in rows:
        assert row["error"] >= 0
        assert row["scaled"] >= 0
        assert all(abs(c) <= 1 for c in row["correlation"])
