import numpy as np
import pytest

from poroscale.pore_analysis import PoresConfig
from poroscale.pore_analysis.phases import Chosen, choose_values
from tests.pore_analysis.conftest import QUIET

SHAPE = (5, 6, 7)


def choose(make_volume, values, config=None, *, dtype=np.uint8, **spec):
    array = np.resize(np.array(values, dtype), SHAPE)
    return choose_values(make_volume(array, **spec), config or PoresConfig(), run=QUIET)


@pytest.mark.parametrize(
    ("values", "pore", "expected"),
    [
        ([0, 1, 2], None, (2, 0)),
        ([1, 2], None, (2, 0)),
        ([0, 1], None, (1, None)),
        ([0], None, (1, None)),
        ([0, 1, 2], 2, (2, 0)),
        ([0, 1, 2], 1, (1, None)),
        ([0, 255], 0, (0, None)),
        ([0, 85, 170], 85, (85, None)),
    ],
)
def test_values_tell(make_volume, values, pore, expected):
    assert choose(make_volume, values, PoresConfig(pore=pore)) == Chosen(*expected)


@pytest.mark.parametrize("values", [[0], [0, 1], [0, 1, 2]])
def test_phases_of_ours_need_no_look(make_volume, values):
    chosen = choose(make_volume, values, attributes={"kind": "phases"})
    assert chosen == Chosen(2, 0)


@pytest.mark.parametrize(
    "dtype", [np.uint8, np.int8, np.uint16, np.int32, np.uint64], ids=lambda d: d.__name__
)
def test_any_integer(make_volume, dtype):
    assert choose(make_volume, [0, 1, 2], dtype=dtype) == Chosen(2, 0)


def test_bool_mask(make_volume):
    assert choose(make_volume, [False, True], dtype=bool) == Chosen(1, None)


def test_outside_can_be_named(make_volume):
    config = PoresConfig(pore=170, outside=85)
    assert choose(make_volume, [0, 85, 170], config) == Chosen(170, 85)


@pytest.mark.parametrize("values", [[0, 255], [0, 1, 2, 3], [0, 2], [-1, 1]])
def test_unclear_values_are_listed(make_volume, values):
    listed = ", ".join(map(str, values))
    with pytest.raises(ValueError, match=f"`pore` must name .* which holds {listed};"):
        choose(make_volume, values, dtype=np.int16)


def test_grey_values_are_not_listed_whole(make_volume):
    with pytest.raises(ValueError, match=r"holds 0, 1, 2, 3, 4, 5, 6, 7, \.\.\.;"):
        choose(make_volume, range(200))


def test_floats_are_refused(make_volume):
    with pytest.raises(TypeError, match="must hold integers"):
        choose(make_volume, [0, 1], dtype=np.float32)


def test_bad_settings():
    with pytest.raises(ValueError, match="connectivity"):
        PoresConfig(connectivity=8)
    with pytest.raises(ValueError, match="must differ"):
        PoresConfig(pore=1, outside=1)
