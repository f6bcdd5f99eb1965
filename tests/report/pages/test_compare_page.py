import json
import re
import shutil

import numpy as np
import pytest

from poroscale.compare import CompareConfig, ablate_bins, compare_samples
from poroscale.manifest import Manifest
from poroscale.report import write_comparison
from tests.compare.parts import make_part
from tests.conftest import printing
from tests.report.browser import find_browser, open_tab

BROWSER = find_browser()
CONFIG = CompareConfig(windows=4, splits=3, bootstrap=5, picture=64)


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """The folder of a comparison of two phantoms, and the comparison, and its ablation."""
    folder = tmp_path_factory.mktemp("compared")
    first, second = (make_part(folder, seed=seed, shape=(96, 64, 64)) for seed in (1, 2))
    rng = np.random.default_rng(1)
    table = {f"centroid_{a}_um": rng.normal(size=200) for a in "yx"}
    ablation = ablate_bins(table, lambda bins: {k: v + 1 / bins for k, v in table.items()})
    out = folder / "out"
    found = compare_samples([first], [second], config=CONFIG)
    with printing():
        write_comparison(found, out, ablation=ablation)
    return out, found, ablation


def test_the_page_says_how_good_the_match_is(compared):
    out, found, _ = compared
    page = (out / "compare.html").read_text()
    for line in found.describe():
        assert line.replace("'", "&#39;") in page
    figures = re.findall(r'<figure id="figure-([\w-]+)"', page)
    assert figures[:3] == ["sections", "ratios", "distributions"]
    expected = {
        "densities",
        "positions",
        "lines",
        "two-point",
        "unrolled",
        "roses-z",
        "roses-x",
        "roses-surface",
        "bins",
    }
    assert expected < set(figures)
    assert page.count("<figcaption>") == len(figures)
    table = page[page.index("<h3>Curves</h3>") :]
    for words in ("S2 of the pores", "Lineal path of the pores, along z", "Chords of the solid"):
        assert words in table


def test_a_caption_speaks_of_a_band_where_there_is_one(compared):
    out, found, _ = compared
    page = (out / "compare.html").read_text()
    for figure, rows in (
        ("lines", found.numbers["curves"]),
        ("two-point", [found.numbers["two_point"]]),
    ):
        begin = page.index(f'<figure id="figure-{figure}"')
        caption = page[page.index("<figcaption>", begin) : page.index("</figcaption>", begin)]
        assert ("band" in caption) == any(row["sub_volumes"] for row in rows)
    assert not found.numbers["two_point"]["sub_volumes"]  # of two blocks


def test_the_page_needs_nothing_but_itself(compared):
    page = (compared[0] / "compare.html").read_text()
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    inside = ("#", "data:", "compare.json")
    assert [link for link in loaded if not link.startswith(inside)] == []
    assert "<script" not in page
    assert "@import" not in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_the_numbers_are_strict_json_and_listed(compared):
    out, found, _ = compared

    def refuse(name):
        raise AssertionError(name)

    numbers = json.loads((out / "compare.json").read_text(), parse_constant=refuse)
    assert numbers["summary"] == list(found.describe())
    assert [row["bins"] for row in numbers["ablation"]] == [5, 10, 20, 30, 50, 100]
    assert set(Manifest.load(out).files) == {"compare.html", "compare.json"}


@pytest.mark.usefixtures("printed_figures")
def test_the_same_bytes_come_again(compared, tmp_path):
    out, found, ablation = compared
    again = write_comparison(found, tmp_path, ablation=ablation)
    assert again.read_bytes() == (out / "compare.html").read_bytes()


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome is installed")
def test_the_page_opens_whole_and_alone(compared, tmp_path):
    page = shutil.copy(compared[0] / "compare.html", tmp_path / "alone.html")
    with open_tab(BROWSER, tmp_path / "profile") as tab:
        for width in (1280, 390):
            tab.open(page, width=width)
            assert tab.errors() == []
            assert tab.requests() == [page.resolve().as_uri()]
            sizes = tab.value(
                "[...document.querySelectorAll('figure svg')].map(svg => "
                "[svg.getBoundingClientRect().width, svg.getBoundingClientRect().height])"
            )
            assert all(w > 100 and h > 10 for w, h in sizes)
            assert tab.value("document.documentElement.scrollWidth") <= width
