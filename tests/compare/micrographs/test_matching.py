"""Images of two sets that are compared: levels and values that one side alone has."""

from types import SimpleNamespace

import numpy as np
import pytest

from poroscale.compare.micrographs.matching import compared_settings
from poroscale.micrographs.conditions import fitted_conditions

TABLE = {
    "temper": np.array(["T5", "T6", "T5", "T6", "", ""]),
    "rate": np.array([2.5, 2.5, 12.5, 12.5, 2.5, 12.5]),
    "strength": np.array([500.0, 560.0, 480.0, 540.0, np.nan, np.nan]),
}
REAL = SimpleNamespace(conditions=TABLE)


def matched(kinds, generated, fitted=None):
    conditions, _ = fitted_conditions(kinds, fitted or TABLE)
    return compared_settings(conditions, REAL, SimpleNamespace(conditions=generated))


def listed(found):
    return {each.words: (each.real.tolist(), each.generated.tolist()) for each in found.settings}


def test_the_second_published_model_is_compared_with_its_own_set():
    made = {"strength": np.array(["low", "hi"]), "temper": np.array(["T5", "T6"])}
    found = matched({"strength": "thirds", "temper": "category"}, made)
    assert listed(found) == {
        "strength low, temper T5": ([0, 2], [0]),
        "strength hi, temper T6": ([1, 3], [1]),
    }
    assert found.alone == ()
    assert found.left_out == (
        "Real images are left out (2) that have no strength.",
        "Real images are left out (2) whose temper is not compared: none.",
    )


def test_real_images_of_a_category_that_was_held_out_are_left_out():
    rest = {name: column[[0, 2, 4, 5]] for name, column in TABLE.items()}
    made = {"temper": np.array(["T5", "none"])}
    found = matched({"temper": "category"}, made, rest)
    assert listed(found) == {"temper T5": ([0, 2], [0]), "temper none": ([4, 5], [1])}
    assert found.left_out == ("Real images are left out (2) whose temper is not compared: T6.",)


def test_levels_that_were_generated_alone_are_without_real_images():
    made = {"temper": np.array(["T7", "T5", "T7"]), "rate": np.array([2.5, 2.5, 2.5])}
    found = matched({"temper": "category", "rate": "continuous"}, made)
    assert listed(found) == {"temper T5, rate 2.5": ([0], [1])}
    assert found.alone == ("temper T7, rate 2.5",)
    assert found.left_out == ()


@pytest.mark.parametrize("kind", ["thirds", "continuous", "logarithmic"])
def test_a_value_beyond_the_real_images_is_without_them(kind):
    made = {"rate": np.array([99.0, 2.5, 0.5, 12.5, 0.0])}
    found = matched({"rate": kind}, made)
    assert [each.generated.tolist() for each in found.settings] == [[1], [3]]
    assert [each.real.tolist() for each in found.settings] == [[0, 1, 4], [2, 3, 5]]
    assert found.alone == ("rate 99", "rate 0.5", "rate 0")


def test_one_value_that_no_real_image_has_moves_no_other():
    made = {"rate": np.array([2.5, 3.0, 4.0, 7.0, 12.5])}
    found = matched({"rate": "continuous"}, made)
    assert listed(found) == {
        "rate 2.5": ([0, 1, 4], [0]),
        "rate 2.5 to 5.833": ([0, 1, 4], [1, 2]),
        "rate 12.5": ([2, 3, 5], [4]),
    }
    assert found.settings[1].codes == (pytest.approx(0.1),)
    assert found.alone == ("rate 7",)


def test_thirds_are_those_of_the_real_images_and_not_of_the_training():
    """A model without 12.5 makes 11, which lies between real images."""
    rest = {**TABLE, "rate": np.array([2.5, 5.0, 10.0, 10.0, 2.5, 5.0])}
    made = {"rate": np.array([11.0])}
    found = matched({"rate": "continuous"}, made, rest)
    assert listed(found) == {"rate 9.167 to 12.5": ([2, 3, 5], [0])}


def test_generated_images_without_a_scalar_are_left_out():
    found = matched({"strength": "continuous"}, TABLE)
    assert [each.generated.tolist() for each in found.settings] == [[0], [1], [2], [3]]
    assert found.alone == ()
    assert found.left_out == (
        "Real images are left out (2) that have no strength.",
        "Generated images are left out (2) that have no strength.",
    )


def test_words_are_no_numbers():
    with pytest.raises(ValueError, match="condition `rate` must be numbers, got 'fast'"):
        matched({"rate": "continuous"}, {"rate": np.array(["fast", "2.5"])})
