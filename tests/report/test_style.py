import re
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poroscale.report.style import house_style, log_bins, new_figure, plain_number, svg_of

pytestmark = pytest.mark.usefixtures("printed_figures")


def draw(name="one"):
    with house_style():
        figure = new_figure()
        axes = figure.add_subplot()
        axes.plot([1, 2], [3, 4], marker="o", label="a")
        axes.legend()
        return svg_of(figure, name)


def test_the_same_figure_is_the_same_bytes_and_well_formed():
    assert draw() == draw()
    ElementTree.fromstring(draw())
    assert "<metadata" not in draw()
    assert not re.search(r"\d{4}-\d\d-\d\dT", draw())


def test_two_figures_on_a_page_share_no_id():
    one, two = (set(re.findall(r'id="([^"]*)"', draw(name))) for name in ("one", "two"))
    assert one
    assert not one & two


def test_a_readers_settings_neither_enter_nor_change():
    plain = draw()
    with matplotlib.rc_context({"lines.linewidth": 9.0, "svg.fonttype": "path"}):
        assert draw() == plain
        assert matplotlib.rcParams["lines.linewidth"] == 9.0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.05, "0.05"),
        (-4, "−4"),
        (2000, "2,000"),
        (1e6, "10⁶"),
        (2e6, "2×10⁶"),
        (1e-5, "10⁻⁵"),
        (120000, "1.2×10⁵"),
    ],
)
def test_numbers_on_axes_read_as_people_write(value, text):
    assert plain_number(value) == text


@given(st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=50), st.integers(1, 40))
def test_log_bins_hold_every_value(values, bins):
    values = np.asarray(values)
    edges = log_bins(values, bins)
    assert len(edges) == bins + 1
    assert np.histogram(values, edges)[0].sum() == len(values)
