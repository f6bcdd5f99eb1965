"""The page in a real browser: it opens, says no error, asks for nothing, and shows its figures."""

import shutil

import pytest

from poroscale.report import write_batch
from tests.report.browser import find_browser, open_tab

BROWSER = find_browser()
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome is installed")

SIZES = """[...document.querySelectorAll("figure svg")].map(
  svg => [svg.getBoundingClientRect().width, svg.getBoundingClientRect().height])"""
UNLOADED = """Promise.all([...document.querySelectorAll("svg image")].map(image => {
  const probe = new Image(); probe.src = image.href.baseVal;
  return probe.decode().then(() => probe.naturalWidth, () => 0); }))"""


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with open_tab(BROWSER, tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.mark.parametrize("width", [1280, 390])
def test_a_report_opens_whole_and_alone(tab, report, tmp_path, width):
    page = shutil.copy(report / "report.html", tmp_path / "alone.html")
    tab.open(page, width=width)
    assert tab.errors() == []
    assert tab.requests() == [page.resolve().as_uri()]
    sizes = tab.value(SIZES)
    assert len(sizes) == 13 + 6
    assert all(w > 100 and h > 10 for w, h in sizes)
    assert tab.value("document.documentElement.scrollWidth") <= width


def test_every_picture_decodes(tab, report):
    tab.open(report / "report.html")
    widths = tab.value(UNLOADED)
    assert len(widths) >= 9
    assert min(widths) > 0


def test_the_pores_can_be_hidden(tab, report):
    shown = "getComputedStyle(document.querySelector('.pores')).display"
    tab.open(report / "report.html")
    assert tab.value(shown) != "none"
    tab.value("document.querySelector('label.switch').click()")
    assert tab.value(shown) == "none"


@pytest.mark.usefixtures("printed_figures")
def test_a_batch_page_opens(tab, report, tmp_path):
    folder = shutil.copytree(report, tmp_path / "coupon")
    page = write_batch(tmp_path, [folder])
    tab.open(page)
    assert tab.errors() == []
    assert tab.requests() == [page.resolve().as_uri()]
    assert all(w > 100 and h > 10 for w, h in tab.value(SIZES))
