"""A set of the same law is close to the real one, another law is far; what cannot be compared."""

import gc
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from poroscale.compare.micrographs.comparison import compare_micrographs
from poroscale.compare.micrographs.config import CompareSemConfig
from poroscale.compare.micrographs.setting import MEASURES
from poroscale.compare.micrographs.sides import condition_kinds
from poroscale.compare.micrographs.verdict import rank_correlation
from poroscale.micrographs.dataset import MicrographSet
from poroscale.phantoms.micrographs import PhantomSeries, write_phantom_series
from poroscale.pipelines.micrographs.gather import GatherSemConfig, gather_sem
from poroscale.report.pages.micrograph_page import write_micrograph_comparison

CONFIG = CompareSemConfig(
    conditions="temper=category,feed_rate=continuous",
    chip=48,
    chips=60,
    splits=3,
    resamples=12,
    directions=16,
)
SERIES = PhantomSeries(("T5", "T6"), (2.5, 7.5, 12.5), 4, 1, height=128, width=128, seed=1)


def gathered(folder, series):
    write_phantom_series(series, folder / "pictures")
    config = GatherSemConfig(chip=48)
    return gather_sem(folder / "pictures/conditions.csv", folder / "set", config=config)


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    return gathered(tmp_path_factory.mktemp("real"), SERIES)


@pytest.fixture(scope="module")
def alike(real, tmp_path_factory):
    made = gathered(tmp_path_factory.mktemp("alike"), replace(SERIES, seed=2))
    return made, compare_micrographs(real, made, config=CONFIG)


@pytest.fixture(scope="module")
def unlike(real, tmp_path_factory):
    """T6 images under the name of T5 and the reverse."""
    made = gathered(tmp_path_factory.mktemp("unlike"), replace(SERIES, seed=3))
    swapped = {"T5": "T6", "T6": "T5"}
    rows = dict(made.rows)
    rows["temper"] = np.array([swapped[each] for each in rows["temper"]])
    swapped_set = MicrographSet(made.folder, made.settings, rows)
    return compare_micrographs(real, swapped_set, config=CONFIG)


def test_images_of_one_law_are_as_close_as_halves(alike, unlike):
    _, found = alike
    near = [row["ratio"] for each in found.numbers["settings"] for row in each["distances"]]
    far = [row["ratio"] for each in unlike.numbers["settings"] for row in each["distances"]]
    assert len(found.numbers["settings"]) == 6
    assert {
        (row["name"], row["feature"])
        for row in found.setting("temper T5, feed_rate 7.5")["distances"]
    } == {*MEASURES}
    assert np.median(near) < 1.5
    assert np.median(far) > 3 * np.median(near)


def test_conditions_are_followed_or_not(alike, unlike):
    _, found = alike
    read = {each["name"]: each for each in found.numbers["readers"]}
    assert read["temper"]["generated"] > 0.9
    assert read["temper"]["real"] > 0.9
    swapped = {each["name"]: each for each in unlike.numbers["readers"]}
    assert swapped["temper"]["generated"] < 0.1
    trend = [each for each in found.numbers["trends"] if each["with"] == "real"]
    assert trend[0]["measure"] == "density"
    assert trend[0]["rank"] > 0.8
    by_rate = [each for each in found.numbers["trends"] if each["with"] == "feed_rate"]
    assert {each["where"] for each in by_rate} == {"T5", "T6"}


def test_numbers_of_a_setting(alike):
    _, found = alike
    setting = found.setting("temper T6, feed_rate 12.5")
    assert setting["units"]["real"] == ["specimen", 4]
    assert setting["chips"] == {"real": 60, "generated": 60}
    for side in ("real", "generated"):
        mean, low, high = setting["particles"][side]["density"]
        assert low <= mean <= high
        assert len(setting["areas"][side]) == 10
    assert 0.5 < setting["diversity"]["ratio"] < 2
    with pytest.raises(KeyError):
        found.setting("temper T9")
    lines = list(found.describe())
    assert "settings" in lines[0]
    assert any("A reader tells temper" in line for line in lines)
    sums = [
        sum(each["particles"][side]["large"][0] for each in found.numbers["settings"])
        for side in ("generated", "real")
    ]
    (large,) = [line for line in lines if line.startswith("Large particles")]
    assert f"are {sums[0] / sums[1]:.2g} times" in large


def test_the_page_has_what_the_paper_shows(alike, tmp_path):
    _, found = alike
    page = write_micrograph_comparison(found, tmp_path).read_text()
    for name in ("chips", "persistence", "components", "area-fractions", "particles", "ratios"):
        assert f'id="figure-{name}' in page
    assert "temper T5, feed_rate 7.5" in page
    assert (tmp_path / "comparison.json").exists()
    assert write_micrograph_comparison(found, tmp_path).read_text() == page


def test_settings_without_real_images_are_said(real, alike):
    made, _ = alike
    first = np.arange(24) < 4
    rows = dict(made.rows)
    rows["temper"] = np.where(first, "T7", rows["temper"])
    rows["strength"] = np.where(np.arange(24) == 23, np.nan, 500.0 + np.arange(24) // 12)
    swapped = MicrographSet(made.folder, made.settings, rows)
    words = {"conditions": f"{CONFIG.conditions},strength=thirds"}
    few = CONFIG.model_copy(update={"splits": 1, "resamples": 10, "chips": 8} | words)
    own = MicrographSet(real.folder, real.settings, {**real.rows, "strength": rows["strength"]})
    lines = list(compare_micrographs(own, swapped, config=few).describe())
    assert "Without real images: temper T7, feed_rate 2.5, strength 500." in lines
    assert "Real images are left out (1) that have no strength." in lines
    assert lines[-1] == "Generated images are left out (1) that have no strength."


def test_sets_without_a_setting_in_common_are_refused(real, alike):
    made, _ = alike
    rows = {**made.rows, "feed_rate": np.full(24, 99.0)}
    beyond = MicrographSet(made.folder, made.settings, rows)
    with pytest.raises(ValueError, match=r"in common; generated: temper T5, feed_rate 99; temper"):
        compare_micrographs(real, beyond, config=CONFIG)
    rows = {**made.rows, "feed_rate": np.full(24, np.nan)}
    without = MicrographSet(made.folder, made.settings, rows)
    said = r"generated: none. Generated images are left out \(24\) that have no feed_rate."
    with pytest.raises(ValueError, match=said):
        compare_micrographs(real, without, config=CONFIG)


def test_sets_that_differ_are_refused(real, alike):
    made, _ = alike
    deep = made.settings.model_copy(update={"bits": 16})
    with pytest.raises(ValueError, match="one bit depth, got 8 and 16 bits"):
        compare_micrographs(real, MicrographSet(made.folder, deep, made.rows), config=CONFIG)
    coarse = made.settings.model_copy(update={"pixel_um": 0.5})
    with pytest.raises(ValueError, match=r"one scale, got pixels of 0.25 and 0.5 um"):
        compare_micrographs(real, MicrographSet(made.folder, coarse, made.rows), config=CONFIG)
    with pytest.raises(ValueError, match="`conditions` must be given: no model made"):
        compare_micrographs(real, made, config=CONFIG.model_copy(update={"conditions": None}))


def test_kinds_in_words():
    assert condition_kinds("a=category,b=thirds") == {"a": "category", "b": "thirds"}
    with pytest.raises(ValueError, match="`conditions` must be of the kinds category, thirds"):
        condition_kinds("a=bins")


def test_a_rank_of_what_does_not_vary_is_none():
    rising = np.arange(4.0)
    assert rank_correlation(rising, rising**2) == 1
    assert rank_correlation(rising, -rising) == -1
    assert rank_correlation(rising, np.ones(4)) is None


def test_too_few_chips_are_refused(real, alike):
    made, _ = alike
    alone = {name: column[[0]] for name, column in made.rows.items()}
    one = MicrographSet(made.folder, made.settings, alone)
    config = CONFIG.model_copy(update={"chip": 128})
    with pytest.raises(ValueError, match="must have 4 generated chips of 128 x 128 pixels"):
        compare_micrographs(real, one, config=config)


def test_memory_follows_the_chips_and_not_the_images(tmp_path):
    """Four times the images, as many chips."""
    config = CONFIG.model_copy(update={"chips": 40, "splits": 2, "resamples": 10})
    series = PhantomSeries(("T5", "T6"), (7.5,), 2, 1, height=192, width=192)
    peaks = []
    for name, specimens in ("few", 2), ("many", 8):
        made = gathered(tmp_path / name, replace(series, specimens=specimens))
        kinds = {"conditions": "temper=category"}
        compare_micrographs(made, made, config=config.model_copy(update=kinds))  # compiled code
        gc.collect()
        tracemalloc.start()
        compare_micrographs(made, made, config=config.model_copy(update=kinds))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] + 100_000


@pytest.fixture(scope="module")
def uneven(real, tmp_path_factory):
    """Under each setting an image of few and small precipitates, and one of many."""
    made = gathered(tmp_path_factory.mktemp("uneven"), replace(SERIES, seed=4))
    rates = np.array(made.rows["feed_rate"])
    for temper in ("T5", "T6"):
        own = np.flatnonzero(np.array(made.rows["temper"]) == temper)
        rates[own] = np.resize([2.5, 7.5, 12.5], len(own))
    return MicrographSet(made.folder, made.settings, {**made.rows, "feed_rate": rates})


def test_images_of_a_setting_that_differ_as_wholes_are_told(real, alike, uneven):
    config = CONFIG.model_copy(update={"chip": 32, "chips": 400})
    even, other = (
        {
            row["measure"]: row
            for row in compare_micrographs(real, each, config=config).numbers["between_images"]
        }
        for each in (alike[0], uneven)
    )
    assert max(even["density"][side] for side in ("real", "generated")) < 0.1
    assert other["density"]["real"] == even["density"]["real"]
    assert other["density"]["generated"] > 0.15 > 1.5 * even["density"]["generated"]
    assert any("variance of the chips' area" in each for each in alike[1].numbers["summary"])
