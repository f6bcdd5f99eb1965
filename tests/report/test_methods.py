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


NETWORK = {
    "model": "cevae",
    "width": 0.5,
    "edge": 32,
    "supervised": False,
    "parameters": 1_300_000,
    "weights": "0123456789abcdef",
    "scans": 4,
    "epochs": 20,
    "grey_range": [9000.0, 38000.0],
    "postprocessing": {"weight": 1.25, "sigma_voxels": 0.8},
}


def network_text(windows, flood=None, **changes):
    record = {
        "method": "scores",
        "outer_threshold": 24000.0,
        "score_threshold": 0.31,
        "score_rule": "yen",
        "network": NETWORK | changes,
        "windows": windows,
    }
    made_by = {"scores": {"outside": flood or {"outside": "corners"}}}
    return text_of(phases={"segmentation": record, "made_by": made_by}).paragraph


def test_a_network_is_described_with_its_training_and_its_scores():
    text = network_text({"edge": 32, "halo": 0, "overlap": 16})
    for needed in (
        "The grey values were not filtered.",
        "flooding, from outside, the grey values up to 24,000 (Otsu's threshold",
        "cevae of 1.3 million parameters",
        "trained without labels on 4 scans (SHA-256 of the weights 0123456789ab)",
        "The grey values from 9,000 to 38,000 became 0 to 1",
        "windows of 32 voxels an axis that overlap by 16",
        "absolute difference between the scan and the network's reconstruction of it, less what "
        "the surface explains: 1.25 times the slope",
        "a Gaussian of 0.8 voxels",
        "a score of at least 0.31 were taken as pore (Yen's threshold",
        "of the range of scores",
    ):
        assert needed in text


def test_tiles_and_the_settings_of_the_flood_are_told():
    flood = {"outside": "none", "gaussian_um": 8.0, "outer_threshold": None}
    tiles = {"edge": 96, "halo": 64, "overlap": 0}
    text = network_text(tiles, flood, supervised=True, scans=1, postprocessing=None)
    assert "tiles of 96 voxels an axis, each with 64 voxels of context" in text
    assert "were for the flood alone smoothed with a Gaussian filter of 8 µm" in text
    assert "the whole volume is the part" in text
    assert "by flooding" not in text
    assert "trained with labelled pores on 1 scan (" in text
    assert "The score of a voxel is the probability of a pore." in text
