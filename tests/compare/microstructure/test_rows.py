"""Verdicts of differences beside the spread of the reference."""

import numpy as np
import pytest

from poroscale.compare.microstructure.measures import SampleMeasures
from poroscale.compare.microstructure.rows import (
    ALONE,
    BEYOND,
    UNKNOWN,
    WITHIN,
    compared,
    comparison_rows,
    rows_alone,
)


def columns(*values):
    return np.array(values, np.float64)[:, None]


def test_a_ratio_is_that_of_means_over_the_deviation_of_the_reference():
    found = compared(columns(1.0, 2.0, 3.0), columns(2.5, 3.5), limit=1.0)
    assert found["difference"] == pytest.approx(1.0)
    assert found["spread"] == pytest.approx(1.0)
    assert found["ratio"] == pytest.approx(1.0)
    assert found["relative"] == pytest.approx(0.5)
    assert found["verdict"] == WITHIN


def test_differences_and_spreads_of_curves_are_root_mean_squares():
    reference = np.array([[1.0, 0.0], [3.0, 0.0]])
    generated = np.array([[5.0, 4.0]])
    found = compared(reference, generated, limit=1.0)
    assert found["difference"] == pytest.approx(np.sqrt((9 + 16) / 2))
    assert found["spread"] == pytest.approx(1.0)  # deviations of sqrt(2) and 0
    assert found["verdict"] == BEYOND


@pytest.mark.parametrize(
    ("reference", "generated", "verdict"),
    [
        ((10.0, 10.01), (10.05,), WITHIN),  # half a per cent of the measure
        ((10.0, 10.01), (10.5,), BEYOND),
        ((0.0, 0.0), (0.0, 0.0), WITHIN),
        ((0.0, 0.0), (0.0, 0.2), UNKNOWN),  # some of the generated samples are as the reference
        ((0.0, 0.0), (0.1, 0.2), BEYOND),
        ((0.0, 0.4), (0.1,), UNKNOWN),  # the reference varies by more than its mean
        ((1.0,), (5.0,), UNKNOWN),
        ((np.nan, np.nan), (1.0,), UNKNOWN),
        ((1.0, 2.0, np.nan), (1.6, np.nan), WITHIN),
    ],
)
def test_verdicts(reference, generated, verdict):
    assert compared(columns(*reference), columns(*generated), limit=1.0)["verdict"] == verdict


def test_any_measure_gets_a_row_by_itself():
    """What a later verb measures needs no change of the comparison."""
    sides = [
        [SampleMeasures({("wetting", 1): np.array([v])}) for v in values]
        for values in ((1.0, 1.2), (1.1, 1.3))
    ]
    (row,) = comparison_rows(*sides, dimensions=3, limit=1.0)
    assert (row["measure"], row["words"], row["phase"]) == ("wetting", "wetting", 1)
    assert row["reference"] == pytest.approx(1.1)
    assert row["generated_sd"] == pytest.approx(0.2 / np.sqrt(2))
    (alone,) = rows_alone(sides[1], dimensions=3)
    assert alone["verdict"] == ALONE
    assert alone["reference"] is None
