"""Duplicates, splits that keep them together, and the background without noise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poroscale.micrographs.denoising import denoised_background
from poroscale.micrographs.duplicates import (
    DuplicatePair,
    duplicate_pairs,
    joined_groups,
    thumbnail_of,
)
from poroscale.micrographs.splits import split_images
from poroscale.phantoms.micrographs import PhantomMicrographs, PrecipitateLaw

LAW = PrecipitateLaw()


@pytest.fixture(scope="module")
def images():
    laws = tuple(LAW.population(t, f) for t in ("T5", "T6") for f in (2.5, 7.5, 12.5))
    stack = PhantomMicrographs(laws, 256, 256)
    return stack((0, 0, 0), stack.shape)


def pairs_of(images):
    digests = [each.tobytes().hex() for each in images]
    return list(duplicate_pairs(digests, np.stack([thumbnail_of(each) for each in images])))


def test_images_of_one_law_are_no_duplicates(images):
    """Not even under one slow shading, which every image of a microscope has."""
    shade = np.linspace(0, 60, 256)[:, None] + np.zeros((256, 256))
    assert pairs_of(images) == []
    assert pairs_of(np.clip(images + shade, 0, 255).astype(np.uint8)) == []


def test_copies_and_treated_copies_are_found(images):
    brighter = np.clip(images[1] * 0.8 + 30, 0, 255).astype(np.uint8)
    noise = np.random.default_rng(0).normal(0, 5, images[2].shape)
    noisy = np.clip(images[2] + noise, 0, 255).astype(np.uint8)
    assert pairs_of([*images, images[0], brighter, noisy]) == [
        DuplicatePair(0, 6, True),
        DuplicatePair(1, 7, False),
        DuplicatePair(2, 8, False),
    ]


def test_images_of_one_level_are_equal_alone():
    flat = [np.full((40, 40), level, np.uint8) for level in (3, 9, 3)]
    assert pairs_of(flat) == [DuplicatePair(0, 2, True)]


def test_a_legend_that_all_images_have_makes_no_duplicates():
    """Its edges exceed all contrast of what is shown above it."""
    rng = np.random.default_rng(0)
    legend = np.zeros((24, 320), np.uint8)
    legend[6:18, 10:60], legend[8:14, 200:300:3] = 255, 255
    images = [
        np.vstack([rng.normal(120, 12, (256, 320)).astype(np.uint8), legend]) for _ in range(6)
    ]
    images.append(np.clip(images[2].astype(np.float64) * 0.8 + 20, 0, 255).astype(np.uint8))
    thumbnails = np.stack([thumbnail_of(each) for each in images])
    digests = [str(k) for k in range(7)]
    assert list(duplicate_pairs(digests, thumbnails)) == [DuplicatePair(2, 6, False)]


def test_duplicates_join_specimens():
    groups = joined_groups(["a", "a", "b", "c", "b"], [DuplicatePair(1, 3, False)])
    np.testing.assert_array_equal(groups, [0, 0, 1, 0, 1])


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=4, max_size=40),
    st.floats(0.05, 0.6),
    st.integers(0, 5),
)
def test_no_group_stands_on_both_sides(rows, share, seed):
    groups, settings = np.array(rows).T
    try:
        split = split_images(groups, settings, share=share, seed=seed)
    except ValueError:
        alone = [{*groups[settings == s]} for s in settings]
        assert all(any({g} == each for each in alone) for g in groups)
        return
    assert not {*groups[split.training]} & {*groups[split.validation]}
    assert {*settings[split.training]} == {*settings}
    both = np.sort(np.concatenate([split.training, split.validation]))
    np.testing.assert_array_equal(both, np.arange(len(groups)))


def test_every_setting_is_on_both_sides_where_it_can_be():
    groups = np.repeat(np.arange(12), 3)
    settings = groups // 3
    split = split_images(groups, settings, share=0.3, seed=1)
    assert {*settings[split.training]} == {*settings[split.validation]} == {0, 1, 2, 3}
    assert len({*groups[split.validation]}) == 4
    other = split_images(groups, settings, share=0.3, seed=2)
    assert {*groups[split.validation]} != {*groups[other.validation]}
    assert len(split_images(groups, settings, share=0, seed=0).validation) == 0
    with pytest.raises(ValueError, match="`validation` must be a share"):
        split_images(groups, settings, share=1, seed=0)


@pytest.mark.parametrize("bits", [8, 16])
def test_the_background_loses_noise_and_precipitates_keep_theirs(bits):
    stack = PhantomMicrographs((LAW.population("T5", 7.5),), 256, 256, bits=bits)
    image, shares = stack((0, 0, 0), stack.shape)[0], stack.shares(0, (0, 0), (256, 256))
    found = denoised_background(image)
    assert found.dtype == image.dtype
    background, inside = shares == 0, shares > 0.9
    assert found[background].std() < 0.7 * image[background].std()
    assert found[background].mean() == pytest.approx(image[background].mean(), rel=0.01)
    assert (found[inside] == image[inside]).mean() > 0.99
