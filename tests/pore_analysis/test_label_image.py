import numpy as np
import pytest

from poroscale.pore_analysis import PoresConfig
from poroscale.pore_analysis.label_image import values_of_labels
from poroscale.pore_analysis.phases import Chosen
from tests.pore_analysis.conftest import QUIET

SHAPE = (5, 6, 10)


def values_in(make_volume, values, *, dtype=np.uint8, **given):
    array = np.resize(np.array(values, dtype), SHAPE)
    return values_of_labels(make_volume(array), PoresConfig(**given), run=QUIET)


@pytest.mark.parametrize(
    ("values", "given", "expected"),
    [
        ([0, 1, 2], {}, Chosen(2, 0)),
        ([0, 1, 2], {"pore": 2}, Chosen(2, 0)),
        ([0, 1, 2], {"pore": 1}, Chosen(1, None)),
        ([0, 1], {"pore": 0}, Chosen(0, None)),
        ([0, 128], {"pore": 128}, Chosen(128, None)),
        ([0, 3, 7], {"pore": 7, "outside": 0}, Chosen(7, 0)),
        (range(10), {"pore": 7}, Chosen(7, None)),
        ([0], {"pore": 255}, Chosen(255, None)),
        ([5], {}, None),
        (range(10), {}, None),
    ],
)
def test_values_tell(make_volume, values, given, expected):
    assert values_in(make_volume, values, **given) == expected


@pytest.mark.parametrize("values", [[0, 1, 1], [1, 2, 2], [0, 128, 128], [False, True, True]])
def test_a_mask_does_not_tell_its_pores(make_volume, values):
    low, high = map(int, values[:2])
    listed = rf"`pore` must name .* holds the values {low} \(33\.3 %\), {high} \(66\.7 %\)$"
    with pytest.raises(ValueError, match=listed):
        values_in(make_volume, values, dtype=type(values[0]))


def test_a_value_that_does_not_occur(make_volume):
    with pytest.raises(ValueError, match=r"`pore` must be a value that occurs, got 1: .* 255 \("):
        values_in(make_volume, [0, 255], pore=1)
    with pytest.raises(ValueError, match="`outside_value` must be a value that occurs, got 9"):
        values_in(make_volume, [0, 255], pore=255, outside=9)


def test_no_pore_is_named_in_grey_values(make_volume):
    with pytest.raises(ValueError, match=r"label image of 16 values at most, got .* grey"):
        values_in(make_volume, range(200), pore=2)


def test_a_mask_of_floats(make_volume):
    with pytest.raises(TypeError, match=r"must hold integers, got float32: .* `dtype` uint8"):
        values_in(make_volume, [0, 1], dtype=np.float32)
