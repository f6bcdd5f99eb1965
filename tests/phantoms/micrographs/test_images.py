"""Phantom micrographs: exact for any box, and true to their law."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from scipy.stats import spearmanr

from poroscale.engine import Run, fill_blocks
from poroscale.kernels.plane_noise import plane_noise, smooth_plane_noise
from poroscale.phantoms.micrographs import (
    PhantomMicrographs,
    PhantomSeries,
    Population,
    PrecipitateLaw,
    write_phantom_series,
)
from poroscale.volume import VolumeSpec

LAW = PrecipitateLaw()
DENSE = replace(LAW.population("T5", 12.5), density=4000, large=300)
PAIR = PhantomMicrographs((DENSE, LAW.population("T6", 2.5)), 150, 170, seed=3)


@pytest.fixture(scope="module")
def whole():
    return PAIR((0, 0, 0), PAIR.shape)


@given(st.integers(0, 1), st.integers(0, 130), st.integers(0, 150), st.integers(1, 20))
def test_a_box_is_cut_from_the_whole(whole, image, y, x, edge):
    box = PAIR((image, y, x), (1, edge, edge))
    np.testing.assert_array_equal(box[0], whole[image, y : y + edge, x : x + edge])


def test_blocks_of_the_engine_give_the_same(whole, tmp_path):
    spec = VolumeSpec(PAIR.shape, PAIR.dtype, (1, 0.25, 0.25), chunks=(1, 64, 64))
    made = fill_blocks(
        PAIR, tmp_path / "a.zarr", spec=spec, recipe=PAIR.recipe, run=Run(block=(1, 64, 64))
    )
    np.testing.assert_array_equal(made.read(), whole)


def test_a_seed_and_an_image_of_its_own_give_other_pixels(whole):
    other = replace(PAIR, seed=4)((0, 0, 0), PAIR.shape)
    assert (other != whole).mean() > 0.8
    twins = replace(PAIR, populations=(DENSE, DENSE))((0, 0, 0), PAIR.shape)
    assert (twins[0] != twins[1]).mean() > 0.8


def test_precipitates_do_not_touch_and_are_counted():
    """Of an image without cut ones at its frame, the components of the mask are the count."""
    plain = PhantomMicrographs((replace(DENSE, density=1500),), 700, 700, seed=1)
    mask = plain.shares(0, (0, 0), (700, 700)) >= 0.5
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    truth = plain.truth(0)
    at_frame = {*labels[0], *labels[-1], *labels[:, 0], *labels[:, -1]} - {0}
    assert count - len(at_frame) <= truth.count <= count
    assert truth.area_fraction == mask.mean()
    assert truth.density == pytest.approx(truth.count / 0.49)


def test_number_size_and_contrast_follow_the_law():
    rates = np.linspace(2.5, 12.5, 4)
    for temper in LAW.tempers:
        laws = tuple(replace(LAW.population(temper, rate), large=0) for rate in rates)
        images = PhantomMicrographs(laws, 900, 900, seed=5)
        truths = [images.truth(k) for k in range(len(rates))]
        for name in ("count", "area_fraction"):  # large ones are too few to be counted on
            found = [getattr(each, name) for each in truths]
            assert spearmanr(rates, found).statistic > 0.9, (temper, name)
        offered = np.array([law.density for law in laws])
        kept = np.array([each.density for each in truths]) / offered
        assert (kept > 0.6).all()
        assert (kept < 1.15).all()


def test_large_ones_have_their_frequency():
    images = PhantomMicrographs((LAW.population("T5", 5.0),), 2000, 2000)
    truth = images.truth(0)
    assert truth.large == pytest.approx(40 * 4, rel=0.2)


def test_brightness_of_background_and_precipitates():
    law = replace(LAW.population("T5", 7.5), texture=0.0)
    images = PhantomMicrographs((law,), 400, 400, jitter=0.0)
    pixels, shares = images((0, 0, 0), images.shape)[0], images.shares(0, (0, 0), (400, 400))
    background = pixels[shares == 0].astype(float)
    assert background.mean() == pytest.approx(law.background, abs=0.2)
    assert background.std() == pytest.approx(law.noise, rel=0.03)
    inside = pixels[shares == 1].mean() - law.background
    assert inside == pytest.approx(law.contrast, rel=0.1)


def test_sixteen_bits_are_those_of_eight_times_256(whole):
    deep = replace(PAIR, bits=16)((0, 0, 0), PAIR.shape)
    assert deep.dtype == np.uint16
    np.testing.assert_allclose(deep / 256, whole, atol=0.51)


def test_a_series_writes_pictures_table_and_truth(tmp_path):
    series = PhantomSeries(("T5", "none"), (2.5, 12.5), 1, 2, height=64, width=80, bits=16)
    truths = write_phantom_series(series, tmp_path, suffix=".tif")
    import tifffile

    rows = list(csv.DictReader((tmp_path / "conditions.csv").read_text().splitlines()))
    assert len(rows) == len(truths) == 8
    assert [row["temper"] for row in rows] == ["T5"] * 4 + [""] * 4
    assert rows[0]["specimen"] == rows[1]["specimen"] != rows[2]["specimen"]
    assert float(rows[0]["strength"]) == 510
    assert rows[4]["strength"] == ""
    found = tifffile.imread(tmp_path / rows[3]["image"])
    np.testing.assert_array_equal(found, series.micrographs()((3, 0, 0), (1, 64, 80))[0])


def test_what_the_law_does_not_know_is_refused(tmp_path):
    with pytest.raises(ValueError, match="temper must be one of T5, T6, none, got 'T7'"):
        LAW.population("T7", 5)
    with pytest.raises(ValueError, match=r"feed_rate must lie between 2.5 and 12.5, got 20"):
        LAW.population("T5", 20)
    with pytest.raises(ValueError, match="radius must be positive"):
        Population(100, 0, 50)
    with pytest.raises(ValueError, match="a BMP must have 8 bits"):
        write_phantom_series(PhantomSeries(bits=16), tmp_path, suffix=".bmp")


@given(st.integers(-40, 40), st.integers(-40, 40), st.integers(1, 30), st.integers(1, 30))
def test_plane_noise_of_a_box_is_that_of_a_larger_one(y, x, height, width):
    key = {"layer": 2, "seed": 7, "stream": 9}
    large = plane_noise((-40, -40), (110, 110), channels=3, edge=8, **key)
    box = plane_noise((y, x), (height, width), channels=3, edge=8, **key)
    cut = (slice(y + 40, y + 40 + height), slice(x + 40, x + 40 + width))
    np.testing.assert_array_equal(box, large[:, *cut])
    smooth = smooth_plane_noise((-40, -40), (110, 110), sigma=1.2, **key)
    part = smooth_plane_noise((y, x), (height, width), sigma=1.2, **key)
    np.testing.assert_array_equal(part, smooth[cut])


def test_plane_noise_is_standard_normal():
    noise = plane_noise((0, 0), (256, 256), layer=0, seed=1, stream=1)
    assert abs(noise.mean()) < 0.02
    assert noise.std() == pytest.approx(1, abs=0.02)
    smooth = smooth_plane_noise((0, 0), (256, 256), layer=0, seed=1, stream=1, sigma=2.0)
    assert smooth.std() == pytest.approx(1, abs=0.06)
