"""What a comparison is told: conditions in words, and chips that hold a patch."""

import pytest

from poroscale.compare.micrographs.config import CompareSemConfig
from poroscale.compare.micrographs.samples import PATCH
from poroscale.compare.micrographs.sides import condition_kinds
from poroscale.config import parse_config


def test_kinds_in_words():
    wanted = {"temper": "category", "feed_rate": "thirds"}
    assert condition_kinds("temper=category, feed_rate=thirds") == wanted
    with pytest.raises(ValueError, match="must name each condition once, got 'temper' twice"):
        condition_kinds("temper=category,temper=category")
    with pytest.raises(ValueError, match=r"must be of the kinds category, thirds, .*, got a=bins"):
        condition_kinds("a=bins")


def test_a_chip_holds_a_patch():
    assert CompareSemConfig(chip=PATCH).chip == PATCH
    with pytest.raises(ValueError, match="`chip` must be greater than or equal to 7, got 6"):
        parse_config(CompareSemConfig, {"chip": PATCH - 1}, where="compare")
