"""Old names work for a while, and say which names are new."""

import sys
from types import ModuleType

import numpy
import pytest

from poroscale.deprecation import renamed_argument, renamed_names


@pytest.fixture
def module(monkeypatch):
    """A module two of whose names were changed."""
    made = ModuleType("house")
    made.new = object()
    names = {"old": "new", "gone": "numpy:pi"}
    made.__getattr__ = renamed_names("house", names, since="0.2")
    monkeypatch.setitem(sys.modules, "house", made)
    return made


def test_an_old_name_gives_the_new_object_and_warns_where_it_is_used(module):
    with pytest.warns(FutureWarning, match=r"house.old was renamed .* 0.2; use house.new$") as said:
        found = module.old
    assert found is module.new
    assert said[0].filename == __file__


def test_an_old_name_is_imported_and_may_lead_to_another_module(module):
    with pytest.warns(FutureWarning, match=r"use numpy.pi$") as said:
        from house import gone
    assert gone == numpy.pi
    assert said[0].filename == __file__


def test_other_names_are_not_found(module):
    with pytest.raises(AttributeError, match="module 'house' has no attribute 'none'"):
        _ = module.none


@renamed_argument("close", "close_um", since="0.2")
def closed(scan, *, close_um=0.0):
    """Documentation."""
    return scan, close_um


def test_an_old_argument_is_taken_for_the_new_one():
    with pytest.warns(FutureWarning, match=r"argument close of closed\(\) .* use close_um") as said:
        assert closed("scan", close=3.0) == ("scan", 3.0)
    assert said[0].filename == __file__
    assert closed("scan", close_um=3.0) == ("scan", 3.0)
    assert closed.__doc__ == "Documentation."


def test_both_names_at_once_are_refused():
    with pytest.raises(TypeError, match="got close_um and close, which is its old name"):
        closed("scan", close=1, close_um=2)
