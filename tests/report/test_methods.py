import re

from poroscale import __version__
from poroscale.report.methods import methods_text

from .synthetic import segmentation

NUMBERS = {
    "pore_count": 1234,
    "porosity": 0.0123,
    "porosity_low": 0.011,
    "porosity_high": 0.013,
    "threshold_shift": 0.05,
    "median_diameter_um": 45.6,
}


def text_of(**changes):
    given = {
        "shape": (100, 200, 300),
        "voxel_size": (5.0, 5.0, 5.0),
        "segmentation": segmentation(),
        "numbers": NUMBERS,
        "pores": {},
    }
    return methods_text(**{**given, **changes})


def test_the_paragraph_states_what_a_reviewer_asks_for():
    text = text_of().paragraph
    for needed in (
        "100 × 200 × 300 voxels",
        "voxel size of 5 µm",
        f"poroscale {__version__}",
        "gaussian filter (sigma 1)",
        "24,000",
        "26,000",
        "second Otsu threshold",
        "6-connected",
        "at least 9 voxels",
        "Crofton",
        "1,234 pores",
        "1.23 %",
        "1.1–1.3 %",
        "±5 %",
        "45.6 µm",
    ):
        assert needed in text


def test_citations_are_numbered_in_order_and_all_listed():
    methods = text_of()
    cited = [int(number) for number in re.findall(r"\[(\d+)\]", methods.paragraph)]
    assert list(dict.fromkeys(cited)) == list(range(1, len(methods.references) + 1))
    assert re.search(r"\[[a-z]+\]|\{", methods.paragraph) is None
    assert any("Iuso" in reference for reference in methods.references)


def test_nothing_is_claimed_that_was_not_done():
    text = text_of(segmentation={}, numbers={**NUMBERS, "porosity_low": None}).paragraph
    assert "Otsu" not in text
    assert "flood" not in text
    assert "±" not in text
    manual = text_of(segmentation=segmentation(inner_rule="manual", smoothing=None)).paragraph
    assert "set by hand" in manual
    assert "not filtered" in manual
    closed = text_of(segmentation=segmentation(close_um=40.0)).paragraph
    assert "closing of the solid by 40 µm" in closed
    assert "closing" not in text_of().paragraph


def test_unequal_voxels_are_given_per_axis():
    assert "20 × 5 × 5 µm (z, y, x)" in text_of(voxel_size=(20.0, 5.0, 5.0)).paragraph


def test_no_pore_is_a_result():
    methods = text_of(numbers={**NUMBERS, "pore_count": 0})
    assert methods.paragraph.endswith("No pore was found.")
    assert not any("Murakami" in reference for reference in methods.references)
