import re

from poroscale import __version__
from poroscale.report.methods import methods_text
from tests.report.synthetic import segmentation

NUMBERS = {
    "pore_count": 1234,
    "porosity": 0.0123,
    "porosity_low": 0.011,
    "porosity_high": 0.013,
    "threshold_shift": 0.05,
    "median_diameter_um": 45.6,
}

SETTINGS = {
    "connectivity": 6,
    "rules": {
        "min_diameter_voxels": 5.0,
        "min_extent_voxels": 2,
        "gas_min_sphericity": 0.85,
        "gas_min_aspect": 0.6,
        "ragged_max_sphericity": 0.5,
        "max_tilt_deg": 45.0,
    },
}


def text_of(**changes):
    given = {
        "shape": (100, 200, 300),
        "voxel_size": (5.0, 5.0, 5.0),
        "phases": {"segmentation": segmentation()},
        "numbers": NUMBERS,
        "settings": SETTINGS,
    }
    return methods_text(**{**given, **changes})


def test_the_paragraph_states_what_a_reviewer_asks_for():
    text = text_of().paragraph
    for needed in (
        "100 × 200 × 300 voxels",
        "voxel size of 5 µm",
        f"poroscale {__version__}",
        "Gaussian filter of 8 µm",
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
        "classed as gas pores (sphericity of at least 0.85 and c/a of at least 0.6)",
    ):
        assert needed in text


def test_citations_are_numbered_in_order_and_all_listed():
    methods = text_of()
    cited = [int(number) for number in re.findall(r"\[(\d+)\]", methods.paragraph)]
    assert list(dict.fromkeys(cited)) == list(range(1, len(methods.references) + 1))
    assert re.search(r"\[[a-z]+\]|\{", methods.paragraph) is None
    assert any("Iuso" in reference for reference in methods.references)


def test_nothing_is_claimed_that_was_not_done():
    text = text_of(phases={}, settings={}, numbers={**NUMBERS, "porosity_low": None}).paragraph
    assert "Otsu" not in text
    assert "flood" not in text
    assert "classed" not in text
    assert "±" not in text
    assert "the flood then went on" in text_of().paragraph
    manual = text_of(
        phases={
            "segmentation": segmentation(inner_rule="manual", smoothing={}),
            "made_by": {"config": {"outer_threshold": 24000}},
        }
    ).paragraph
    assert manual.count("set by hand") == 2
    assert "Otsu" not in manual
    assert "not filtered" in manual
    closed = text_of(phases={"segmentation": segmentation(close_um=40.0)}).paragraph
    assert "closing with a ball of 40 µm radius" in closed
    assert "closing" not in text_of().paragraph


def test_unequal_voxels_are_given_per_axis():
    assert "20 × 5 × 5 µm (z, y, x)" in text_of(voxel_size=(20.0, 5.0, 5.0)).paragraph


def test_no_pore_is_a_result():
    methods = text_of(numbers={**NUMBERS, "pore_count": 0})
    assert methods.paragraph.endswith("No pore was found.")
    assert not any("Murakami" in reference for reference in methods.references)


def test_hysteresis_and_extent_are_told():
    told = text_of(phases={"segmentation": segmentation(hysteresis=500.0, min_extent=2)}).paragraph
    assert "grown into grey values up to 500 above" in told
    assert "at least 9 voxels and an extent of 2 voxels along every axis" in told
