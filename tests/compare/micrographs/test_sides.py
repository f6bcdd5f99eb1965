"""What a comparison is told: conditions in words, and chips that hold a patch."""

import numpy as np
import pytest

from poroscale.compare.micrographs.config import CompareSemConfig
from poroscale.compare.micrographs.samples import PATCH
from poroscale.compare.micrographs.sides import ComparedSides, condition_kinds
from poroscale.config import parse_config
from poroscale.micrographs.dataset import MicrographSet
from tests.micrographs.noise import noise_set

BY_RATE = CompareSemConfig(conditions="rate=continuous")


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


@pytest.mark.parametrize(("images", "edge", "chip"), [(4, 96, 96), (1, 96, 48), (1, 180, 64)])
def test_small_sets_have_smaller_chips(tmp_path, images, edge, chip):
    """One image of 96 pixels holds one chip of that edge, and nine of half of it."""
    small = noise_set(tmp_path / "set", 2, images=images, edge=edge)
    assert ComparedSides.of(small, small, BY_RATE).edge == chip


def test_one_setting_of_few_images_has_the_others_follow(tmp_path):
    small = noise_set(tmp_path / "set", 2, images=4, edge=64)
    few = MicrographSet(
        small.folder, small.settings, {name: each[3:] for name, each in small.rows.items()}
    )
    assert ComparedSides.of(small, small, BY_RATE).edge == 64
    assert ComparedSides.of(small, few, BY_RATE).edge == 32


def test_no_chip_is_smaller_than_it_shows_anything_unless_asked(tmp_path):
    tiny = noise_set(tmp_path / "set", 2, images=1, edge=20)
    with pytest.raises(ValueError, match="must have 4 real chips of 20 x 20 pixels at least, got"):
        ComparedSides.of(tiny, tiny, BY_RATE)
    asked = BY_RATE.model_copy(update={"chip": 10})
    assert ComparedSides.of(tiny, tiny, asked).edge == 10


def test_images_of_one_level_are_refused(tmp_path):
    noise = noise_set(tmp_path / "set", 2, images=4, edge=32)
    flat = noise.settings.model_copy(update={"levels": (7, 7)})
    constant = MicrographSet(noise.folder, flat, noise.rows)
    said = "must have several levels of grey, got 7 alone"
    with pytest.raises(ValueError, match=said) as caught:
        ComparedSides.of(constant, constant, BY_RATE)
    assert "\n" not in str(caught.value)
    assert np.isfinite(ComparedSides.of(noise, constant, BY_RATE).window).all()
