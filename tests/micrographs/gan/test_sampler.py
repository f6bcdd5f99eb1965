"""Generated micrographs: exact for any box, seamless at any size, by condition and seed."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poroscale.engine import Run, fill_blocks
from poroscale.micrographs.gan.fit import train_micrograph_gan
from poroscale.micrographs.gan.sampler import GeneratedMicrographs
from poroscale.volume import VolumeSpec
from tests.micrographs.conftest import CHIPS, KINDS, TINY

CODES = ((0.0, 0.2), (1.0, 0.9), (-1.0, 0.5))


@pytest.fixture(scope="module")
def sampler(tiny_model):
    return GeneratedMicrographs.of(tiny_model, CODES, (150, 290), seed=4)


@pytest.fixture(scope="module")
def whole(sampler):
    return sampler((0, 0, 0), sampler.shape)


@given(st.integers(0, 2), st.integers(-5, 140), st.integers(-5, 280), st.integers(1, 9))
@settings(max_examples=8)
def test_a_box_is_cut_from_the_whole(sampler, whole, image, y, x, edge):
    box = sampler((image, y, x), (1, edge, edge))
    assert box.dtype == np.uint8
    inside = box[0, max(0, -y) :, max(0, -x) :][: 150 - max(y, 0), : 290 - max(x, 0)]
    expected = whole[image, max(y, 0) : max(y + edge, 0), max(x, 0) : max(x + edge, 0)]
    np.testing.assert_array_equal(inside, expected)


def test_blocks_of_the_engine_give_the_same(sampler, whole, tmp_path):
    spec = VolumeSpec(sampler.shape, sampler.dtype, (1, 1, 1), chunks=(1, 64, 64))
    run = Run(block=(1, 64, 128), workers=2)
    made = fill_blocks(sampler, tmp_path / "a.zarr", spec=spec, recipe=sampler.recipe, run=run)
    np.testing.assert_array_equal(made.read(), whole)


def test_a_larger_image_continues_a_smaller_one(sampler, whole):
    larger = replace(sampler, height=300, width=400)
    np.testing.assert_array_equal(larger((0, 0, 0), (3, 150, 290)), whole)


def test_there_is_no_seam(sampler):
    """Differences across the edges of tiles and cells are those of any other rows."""
    image = replace(sampler, height=512, width=256)((0, 0, 0), (1, 512, 256))[0].astype(float)
    steps = np.abs(np.diff(image, axis=0)).mean(axis=1)
    cell = sampler.network.cell
    at_tiles = steps[sampler.tile[1] - 1 :: sampler.tile[1]].mean()
    by_place = np.array([steps[k::cell][:60].mean() for k in range(cell)])
    assert by_place.min() * 0.8 < at_tiles < by_place.max() * 1.2


def test_conditions_seed_and_number_change_the_image(sampler, whole):
    other = replace(sampler, codes=((1.0, 0.2), *CODES[1:]))((0, 0, 0), (3, 150, 290))
    assert (other[0] != whole[0]).any()
    np.testing.assert_array_equal(other[1:], whole[1:])
    assert (replace(sampler, seed=5)((0, 0, 0), (1, 150, 290))[0] != whole[0]).any()
    twins = replace(sampler, codes=(CODES[0],) * 2)((0, 0, 0), (2, 150, 290))
    assert (twins[0] != twins[1]).any()


def test_numbers_of_the_whole_image_are_everywhere(sampler):
    first, other = (sampler.noise(0, (y, 0), (128, 128)) for y in (0, 1024))
    np.testing.assert_array_equal(first[:2, :1, :1], other[:2, :1, :1])
    assert (first[:2] == first[:2, :1, :1]).all()
    assert (first[2:] != other[2:]).mean() > 0.9


def test_one_noise_makes_chips_alone(small_set, tmp_path):
    config = TINY.model_copy(
        update={
            "latents": "one",
            "shared": 0,
            "generator": (8, 6, 4),
            "average": 0.0,
            "epochs": 1,
            "steps": 40,  # the running statistics of its normalisation need some
            "batch": 3,
            "critic_steps": 1,
            "learning_rate": 0.01,
        }
    )
    model = train_micrograph_gan(small_set, tmp_path, kinds=KINDS, config=config, chips=CHIPS)
    made = GeneratedMicrographs.of(model, CODES)
    whole = made((0, 0, 0), made.shape)
    assert whole.shape == (3, 32, 32)
    assert (whole[0] != whole[1]).any()
    np.testing.assert_array_equal(made((1, 5, 6), (2, 7, 8)), whole[1:, 5:12, 6:14])
    with pytest.raises(ValueError, match=r"`size` must be 32 32: .* has one noise for an image"):
        GeneratedMicrographs.of(model, CODES, (64, 64))


def test_no_images_of_no_size(tiny_model):
    with pytest.raises(ValueError, match="`size` must be positive and `count` 1 at least"):
        GeneratedMicrographs.of(tiny_model, CODES, (0, 5))
    with pytest.raises(ValueError, match="`size` must be positive and `count` 1 at least"):
        GeneratedMicrographs.of(tiny_model, ())


def test_memory_and_recipe_are_stated(sampler):
    assert sampler.need > sampler.held > 0
    assert sampler.recipe["weights"] == sampler.digest
    assert sampler.recipe["codes"] == [list(each) for each in CODES]


def test_grain_is_exact_for_any_box_and_keyed(small_set, tmp_path):
    config = TINY.model_copy(update={"grain": 2, "epochs": 1, "body": (6,)})
    model = train_micrograph_gan(small_set, tmp_path, kinds=KINDS, config=config, chips=CHIPS)
    assert model.shape.grain == 2
    made = GeneratedMicrographs.of(model, CODES, (150, 200), seed=1)
    whole = made((0, 0, 0), made.shape)
    np.testing.assert_array_equal(made((1, 120, 100), (1, 20, 60)), whole[1:2, 120:140, 100:160])
    first, other = (made.grain(0, (y, 0), (128, 128)) for y in (0, 128))
    for one, below, shared in zip(first, other, [2] * (len(first) - 1) + [4], strict=True):
        # a tile begins with the places that the tile above ends with
        np.testing.assert_array_equal(one[0, :, -shared:].numpy(), below[0, :, :shared].numpy())
    assert [each.shape[2:] for each in first] == [(n, n) for n in made.network.grain_of(128)]
    apart = made.grain(1, (0, 0), (128, 128))
    assert all((one != two).float().mean() > 0.9 for one, two in zip(apart, first, strict=True))
