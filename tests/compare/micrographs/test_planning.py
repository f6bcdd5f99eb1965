"""What a comparison holds follows from its formula: one side of one setting, and features."""

import gc
import tracemalloc

import numpy as np
import pytest

from poroscale.compare.micrographs.comparison import compare_micrographs
from poroscale.compare.micrographs.config import CompareSemConfig
from poroscale.compare.micrographs.distances import largest_resamples
from poroscale.compare.micrographs.planning import ComparisonBytes
from poroscale.compare.micrographs.sides import ComparedSides
from tests.micrographs.noise import noise_set

CONFIG = CompareSemConfig(
    conditions="rate=continuous", chip=128, chips=128, splits=2, resamples=10, directions=16
)


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Noise of two settings in either depth, and of five; two images of 768² for each setting."""
    folder = tmp_path_factory.mktemp("noise")
    wanted = {"two": (2, np.uint8), "deep": (2, np.uint16), "five": (5, np.uint8)}
    made = {
        name: noise_set(folder / name, settings, images=2, edge=768, dtype=dtype)
        for name, (settings, dtype) in wanted.items()
    }
    few = CONFIG.model_copy(update={"chips": 8, "chip": 32})
    for each in made.values():  # imports and compiled code are no part of what is traced
        compare_micrographs(each, each, config=few)
    return made


def planned_bytes(real, config):
    return ComparisonBytes.of(ComparedSides.of(real, real, config), config)


def traced(real, config):
    gc.collect()
    tracemalloc.start()
    compare_micrographs(real, real, config=config)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("name", ["two", "deep"])
def test_the_formula_holds_and_is_not_far_above(name, sets):
    planned, peak = planned_bytes(sets[name], CONFIG).peak, traced(sets[name], CONFIG)
    assert peak <= planned <= 1.5 * peak


def test_chips_of_a_setting_are_let_go_before_the_next(sets):
    """Of three settings more, features are kept: less than half the bytes of chips of 64²."""
    small = CONFIG.model_copy(update={"chip": 64, "chips": 64})
    few, many = (planned_bytes(sets[name], small) for name in ("two", "five"))
    more = traced(sets["five"], small) - traced(sets["two"], small)
    assert few.setting == many.setting
    assert more <= many.kept - few.kept + 200_000 < 0.5 * 3 * 2 * 64 * 64**2


def test_the_formula_follows_chips_edge_and_depth(sets):
    two, deep = sets["two"], sets["deep"]
    whole = planned_bytes(two, CONFIG)
    assert (whole.settings, whole.chips, whole.edge) == (2, 128, 128)
    half = planned_bytes(two, CONFIG.model_copy(update={"chips": 64}))
    small = planned_bytes(two, CONFIG.model_copy(update={"chip": 64}))
    assert half.chips == 64
    assert small.edge == 64
    assert max(half.setting, small.setting) < 0.7 * whole.setting
    assert planned_bytes(deep, CONFIG).setting == whole.setting + 128 * 128**2
    large = CONFIG.model_copy(update={"chip": 512})  # four chips of an image of 768²
    assert planned_bytes(two, large).chips == 8
    assert traced(two, large) <= planned_bytes(two, large).peak


def test_units_that_are_drawn_again_count():
    even, uneven = np.repeat(np.arange(5), 4), np.array([0, 1, 2, 3] + 16 * [4])
    first, second = largest_resamples([even, uneven], CONFIG)
    assert first == 20
    assert second > 30
