import pytest
from hypothesis import given
from hypothesis import strategies as st

from poroscale.report.pages.template import count, percent, short, significant


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (float("inf"), "∞"),
        (float("-inf"), "−∞"),
        (0.0, "0"),
        (1234.5, "1,230"),
        (0.012345, "0.0123"),
        (9.9999, "10.0"),
        (-2.5, "−2.50"),
        (3.2e-7, "3.20\u202f×\u202f10⁻⁷"),
    ],
)
def test_three_digits_as_people_write_them(value, text):
    assert significant(value) == text


@given(st.floats(1e-3, 1e6), st.integers(2, 6))
def test_significant_digits_are_right(value, digits):
    back = float(significant(value, digits).replace(",", ""))
    assert back == pytest.approx(value, rel=0.51 * 10 ** (1 - digits))


def test_counts_shares_and_short_numbers():
    assert count(1234567) == "1,234,567"
    assert count(-12) == "−12"
    assert count(None) == percent(None) == short(None) == "–"
    assert percent(0.01234) == "1.23"
    assert short(10.0) == "10"
