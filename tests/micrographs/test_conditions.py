"""Conditions: categories, thirds of the range, and scalars that stay numbers."""

import numpy as np
import pytest

from poroscale.micrographs.conditions import (
    UNKNOWN,
    MicrographCondition,
    asked_conditions,
    codes_of,
    conditions_in_words,
    fitted_conditions,
    settings_of_codes,
)

TABLE = {
    "temper": np.array(["T5", "T6", "", "T5", "T6", ""]),
    "feed_rate": np.array([2.0, 5.0, 8.0, 11.0, 4.9, 3.0]),
    "strength": np.array([500.0, 560.0, np.nan, 480.0, 540.0, np.nan]),
}


def test_both_published_models():
    """Specimens without temper have no strength: they are in the first model alone."""
    first, whole = fitted_conditions({"temper": "category", "feed_rate": "thirds"}, TABLE)
    assert whole.all()
    codes = codes_of(first, TABLE)
    np.testing.assert_array_equal(codes[:, 0], [0, 1, UNKNOWN, 0, 1, UNKNOWN])
    np.testing.assert_array_equal(codes[:, 1], [0, 1, 2, 2, 0, 0])
    second, whole = fitted_conditions({"strength": "thirds", "temper": "category"}, TABLE)
    np.testing.assert_array_equal(whole, [1, 1, 0, 1, 1, 0])
    assert not second[1].open_ended
    with pytest.raises(ValueError, match="`temper` must be one of T5, T6, got 'none'"):
        second[1].code("none")


def test_thirds_are_those_of_the_range():
    """Of 1, 2, 3 and 10 the ranks would give other bins."""
    rates = MicrographCondition.fitted("f", "thirds", np.array([1.0, 2.0, 3.0, 10.0]))
    np.testing.assert_array_equal(
        rates.codes(np.array([1.0, 2.0, 3.9, 4.0, 6.9, 7.0, 10.0])), [0, 0, 0, 1, 1, 2, 2]
    )
    assert [rates.in_words(k) for k in range(3)] == ["low", "mid", "hi"]
    assert rates.code("mid") == 1
    np.testing.assert_array_equal(rates.codes(np.array(["hi", "low"])), [2, 0])
    assert rates.code("6.5") == 1


def test_a_continuous_condition_is_a_share_of_its_span(caplog):
    rates = MicrographCondition.fitted("f", "continuous", np.array([2.0, 12.0, 7.0]))
    np.testing.assert_allclose(rates.codes(np.array([2.0, 4.5, 12.0])), [0, 0.25, 1])
    assert rates.in_words(rates.code("4.5")) == "4.5"
    assert not caplog.records
    assert rates.code(13) == pytest.approx(1.1)
    assert "13 lies outside the range that the model was trained on, 2 to 12" in caplog.text


def test_a_card_keeps_a_condition():
    for kind in ("thirds", "continuous"):
        made = MicrographCondition.fitted("f", kind, np.array([1.0, 3.0]))
        assert MicrographCondition.stated(made.stored) == made


def test_settings_number_what_is_alike():
    table = {"temper": np.array(["a", "b", "", "a"]), "f": np.array([0.0, 0.1, 1.0, 0.3])}
    found, _ = fitted_conditions({"temper": "category", "f": "continuous"}, table)
    numbers = settings_of_codes(found, codes_of(found, table))
    assert numbers[0] == numbers[3]
    assert len({*numbers}) == 3


def test_all_combinations_of_what_is_asked_for():
    found, _ = fitted_conditions({"temper": "category", "feed_rate": "continuous"}, TABLE)
    wishes = conditions_in_words("temper=T6,feed_rate=2, temper=none,feed_rate=11")
    assert asked_conditions(found, wishes) == [(1, 0), (1, 1), (UNKNOWN, 0), (UNKNOWN, 1)]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("temper=T7,feed_rate=3", "`temper` must be one of T5, T6, none, got 'T7'"),
        ("temper=T5,feed_rate=fast", "`feed_rate` must be a number from 2 to 11, got 'fast'"),
        ("temper=T5", "`condition` must state feed_rate: a number from 2 to 11"),
        ("temper=T5,feed_rate=3,x=1", "one of the model, temper, feed_rate, got 'x'"),
        ("temper", "`condition` must be NAME=VALUE, got 'temper'"),
    ],
)
def test_what_a_model_does_not_know_is_refused(words, sentence):
    found, _ = fitted_conditions({"temper": "category", "feed_rate": "continuous"}, TABLE)
    with pytest.raises(ValueError, match=sentence):
        asked_conditions(found, conditions_in_words(words))


@pytest.mark.parametrize(
    ("kinds", "sentence"),
    [
        ({"alloy": "category"}, "`alloy` must be a column of the table, which has temper, feed"),
        ({"temper": "thirds"}, "`temper` must be numbers to be thirds, got 'T5'"),
        ({"rate, mm/s": "thirds"}, "must have a name without comma and equals sign"),
        ({}, "`conditions` must name one condition at least"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(kinds, sentence):
    with pytest.raises(ValueError, match=sentence):
        fitted_conditions(kinds, TABLE)


def test_a_condition_must_vary():
    with pytest.raises(ValueError, match="must have two values at least"):
        MicrographCondition.fitted("f", "continuous", np.array([3.0, 3.0]))
    with pytest.raises(ValueError, match="must have two values at least"):
        MicrographCondition.fitted("t", "category", np.array(["T5", "T5"]))


def test_a_logarithmic_condition_is_a_share_of_decades(caplog):
    times = MicrographCondition.fitted("t", "logarithmic", np.array([5.0, 50.0, 500.0]))
    np.testing.assert_allclose(times.codes(np.array([5.0, 50.0, 500.0])), [0, 0.5, 1])
    assert times.code("50") == pytest.approx(0.5)
    assert times.in_words(0.5) == "50"
    assert times.known == "a number from 5 to 500"
    assert MicrographCondition.stated(times.stored) == times
    assert not caplog.records
    with pytest.raises(ValueError, match="must be a number from 5 to 500, got '0'"):
        times.code(0)
    with pytest.raises(ValueError, match="`t` must be positive to be logarithmic, got 0"):
        MicrographCondition.fitted("t", "logarithmic", np.array([0.0, 2.0]))


def test_names_of_numbers_keep_their_digits():
    """Six digits would make one heat of two."""
    heats = MicrographCondition.fitted("heat", "category", np.array([1234567.0, 1234568.0]))
    assert heats.levels == ("1234567", "1234568")
    assert heats.code(1234568.0) == 1


def test_a_category_of_numbers_is_known_in_other_digits():
    feeds = MicrographCondition.fitted("feed", "category", np.array([2.5, 5.0]))
    assert feeds.levels == ("2.5", "5")
    assert [feeds.code(each) for each in ("5.0", 5, 5.0, "2.50")] == [1, 1, 1, 0]
    with pytest.raises(ValueError, match=r"`feed` must be one of 2.5, 5, got '5.01'"):
        feeds.code("5.01")


@pytest.mark.parametrize("kind", ["continuous", "logarithmic"])
def test_a_value_that_is_asked_for_comes_back(kind):
    """Codes of single precision told 7.29999989 in the place of 7.3."""
    feeds = MicrographCondition.fitted("feed", kind, np.array([2.5, 12.5]))
    for value in (2.5, 5.0, 7.3, 12.4999):
        assert feeds.value(feeds.code(value)) == value


def test_words_may_have_commas():
    wishes = conditions_in_words("temper=T5, aged,feed_rate=3,temper=T6")
    assert wishes == {"temper": ["T5, aged", "T6"], "feed_rate": ["3"]}


def test_what_does_not_vary_is_told_in_plain_words():
    for kind, column, got in [
        ("category", np.array(["T5", "T5"]), "T5"),
        ("continuous", np.array([3.0, 3.0]), "3 alone"),
        ("continuous", np.array([np.nan, np.nan]), "none"),
    ]:
        with pytest.raises(ValueError, match=f"two values at least, got {got}$"):
            MicrographCondition.fitted("f", kind, column)
