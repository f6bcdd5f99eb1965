"""Kinds of settings: what a type allows, and what a text states."""

from typing import Annotated, Literal

import pytest
from pydantic import PositiveInt

from poroscale.face.kinds import ValueKind

Face = Literal["z-", "z+"]


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (int, "9", 9),
        (float | None, "2.5", 2.5),
        (PositiveInt, "3", 3),
        (Annotated[float, "um"], "1e3", 1000.0),
        (Literal[6, 18, 26], "18", 18),
        (float | tuple[float, float, float] | None, "5", 5.0),
        (float | tuple[float, float, float] | None, "5,4,3", [5.0, 4.0, 3.0]),
        (float | tuple[float, float, float] | None, "5 4 3", [5.0, 4.0, 3.0]),
        (int | Literal["index"] | None, "index", "index"),
        (int | Literal["index"] | None, "2", 2),
        (Literal["auto"] | tuple[Face, ...] | str, "z-,z+", ["z-", "z+"]),
        (Literal["auto"] | tuple[Face, ...] | str, "auto", "auto"),
        (Literal["auto"] | tuple[Face, ...] | str, "a,b.zarr", "a,b.zarr"),
        (tuple[str, ...], "a,b", ["a", "b"]),
        (tuple[float, ...], "-0.5,0.5", [-0.5, 0.5]),
    ],
)
def test_text_becomes_what_the_type_allows(annotation, text, value):
    kind = ValueKind.of(annotation)
    assert kind.value(text, "setting") == value
    assert ValueKind.read(kind.plain()) == kind


@pytest.mark.parametrize(
    ("annotation", "text", "words"),
    [
        (int, "1.5", "an integer"),
        (Literal["a", "b"], "c", "a or b"),
        (float | tuple[float, float, float], "1,2", "a number or 3 numbers with commas between"),
        (Literal["all"] | tuple[Face, ...], "x-", "all or some of z-, z\\+ with commas between"),
        (tuple[int, int], "1,x", "2 integers with commas between"),
    ],
)
def test_what_the_type_does_not_allow_is_told(annotation, text, words):
    with pytest.raises(ValueError, match=f"^`edge` must be {words}, got '{text}'$"):
        ValueKind.of(annotation).value(text, "edge")


def test_a_type_that_no_option_can_state():
    assert ValueKind.of(dict[str, int]) is None
    assert ValueKind.of(bool).flag
