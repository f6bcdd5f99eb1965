"""From a set to a model: order of chips, exact resume, models of both kinds, held-out settings."""

import json
import shutil
from collections import Counter
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from poroscale.manifest import record_results
from poroscale.micrographs.chips import ChipLattice, MicrographChips
from poroscale.micrographs.dataset import MicrographSet
from poroscale.micrographs.gan.batches import ChipBatches
from poroscale.micrographs.gan.fit import (
    conditioned_images,
    setting_areas,
    train_micrograph_gan,
)
from poroscale.micrographs.gan.levels import GreyWindow
from poroscale.micrographs.gan.model import WEIGHTS, MicrographModel, load_generator
from poroscale.networks.acwgan.losses import area_shares
from poroscale.pipelines.checks import verify
from tests.micrographs.conftest import CHIPS, KINDS, TINY


def batches_of(small_set, **changes):
    chips = small_set.chips(32, 16)
    settings = np.array([0] * 9 + [1, 1, 2])
    codes = np.stack([settings, np.arange(12)], axis=1).astype(np.float32)
    return ChipBatches(chips, codes, settings, **{"batch": 5, "critic_steps": 2, **changes})


def test_an_epoch_shows_each_chip_once(small_set):
    batches = batches_of(small_set)
    found = np.concatenate([each.ravel() for each in batches.numbers(0)])
    assert len(found) == batches.in_epoch * 10 == len(batches.chips) // 10 * 10
    assert len({*found}) == len(found)
    other = np.concatenate([each.ravel() for each in batches.numbers(1)])
    assert (found != other).any()


def test_batches_are_a_function_of_the_epoch_and_hold_their_chips(small_set):
    batches = batches_of(small_set, steps=3)
    first, again = list(batches(4)), list(batches(4))
    assert len(first) == 3
    for one, other, numbers in zip(first, again, batches.numbers(4), strict=True):
        assert (one.chips == other.chips).all()
        expected = batches.chips.take(numbers.ravel()).reshape(2, 5, 32, 32)
        np.testing.assert_array_equal(one.chips.numpy(), expected)
        images = batches.chips.lattice.places(numbers.ravel())[:, 0]
        np.testing.assert_array_equal(one.codes[..., 1].numpy().ravel(), images)
        np.testing.assert_array_equal(one.settings.numpy().ravel(), batches.settings[images])


def test_more_steps_than_chips_begin_the_next_round(small_set):
    batches = batches_of(small_set, steps=40)
    found = Counter(np.concatenate([each.ravel() for each in batches.numbers(0)]).tolist())
    assert max(found.values()) - min(found.values()) <= 1


def test_balanced_draws_take_every_setting_as_often(small_set):
    shares = {}
    for balanced in (False, True):
        batches = batches_of(small_set, steps=60, balanced=balanced)
        numbers = np.concatenate([each.ravel() for each in batches.numbers(0)])
        settings = batches.settings[batches.chips.lattice.places(numbers)[:, 0]]
        shares[balanced] = np.bincount(settings) / len(settings)
    np.testing.assert_allclose(shares[True], 1 / 3, atol=0.06)
    np.testing.assert_allclose(shares[False], [0.75, 1 / 6, 1 / 12], atol=0.06)


def test_areas_are_those_of_the_chips_of_a_setting(small_set):
    batches, window = batches_of(small_set), GreyWindow(0, 255, 8)
    areas = setting_areas(batches, window, 3)
    own = small_set.chips(32, 16, images=np.array([11])).read()
    wanted = area_shares(window.to_unit(torch.from_numpy(own.astype(np.int32)))[:, None])
    torch.testing.assert_close(areas[2], wanted.mean(dim=0))


def test_a_training_that_is_resumed_comes_to_the_same_weights(small_set, tiny_model, tmp_path):
    one = TINY.model_copy(update={"epochs": 1})
    train_micrograph_gan(small_set, tmp_path, kinds=KINDS, config=one, chips=CHIPS)
    half = (tmp_path / WEIGHTS).read_bytes()
    resumed = train_micrograph_gan(small_set, tmp_path, kinds=KINDS, config=TINY, chips=CHIPS)
    assert resumed.weights.read_bytes() == tiny_model.weights.read_bytes() != half
    assert resumed.settings == tiny_model.settings
    with pytest.raises(ValueError, match="other data or with other settings"):
        train_micrograph_gan(small_set, tmp_path, kinds=KINDS, config=TINY, chips=CHIPS, seed=1)


def test_a_falling_rate_goes_on_where_it_was(small_set, tmp_path):
    config = TINY.model_copy(update={"decay": 1.0})

    def stop(_):
        raise KeyboardInterrupt

    fit = partial(train_micrograph_gan, small_set, kinds=KINDS, chips=CHIPS)
    whole = fit(tmp_path / "whole", config=config)
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "stopped", config=config, progress=stop)
    assert fit(tmp_path / "stopped", config=config).weights.read_bytes() == (
        whole.weights.read_bytes()
    )
    longer = config.model_copy(update={"epochs": 3})
    with pytest.raises(ValueError, match="with other settings"):
        fit(tmp_path / "whole", config=longer)


def test_the_model_keeps_what_generation_needs(tiny_model):
    found = MicrographModel.open(tiny_model.folder)
    assert [each.name for each in found.conditions] == ["temper", "feed_rate"]
    assert found.conditions[0].levels == ("T5", "T6")
    assert found.conditions[0].open_ended
    assert found.conditions[1].span == (2.5, 12.5)
    assert found.settings.pixel_um == 0.25
    assert {*found.settings.details["measures"]} == {
        "area",
        "real_temper",
        "real_feed_rate",
        "made_temper",
        "made_feed_rate",
    }
    assert sum(found.settings.images.values()) == 6
    lines = list(found.describe())
    assert "any size" in lines[0]
    assert any("temper: one of T5, T6, none" in line for line in lines)
    network, digest = load_generator(found.weights)
    assert not network.training
    card = json.loads((found.folder / f"{WEIGHTS}.json").read_text())
    assert card["sha256"] == digest
    assert card["recipe"]["network"] == "acwgan-gp"


def test_both_published_models(small_set, tmp_path):
    """Feed rate with all specimens; strength with the tempered ones, as only they have it."""
    first = conditioned_images(small_set, {"temper": "category", "feed_rate": "thirds"})
    second = conditioned_images(small_set, {"temper": "category", "strength": "thirds"})
    assert first.used.sum() == 12
    assert second.used.sum() == 8
    assert not second.conditions[0].open_ended
    published = TINY.model_copy(
        update={"latents": "one", "shared": 0, "generator": (8, 6, 4), "average": 0.0, "epochs": 1}
    )
    kinds = {"temper": "category", "strength": "thirds"}
    model = train_micrograph_gan(small_set, tmp_path, kinds=kinds, config=published, chips=CHIPS)
    assert model.shape.classes == (2, 3)
    assert "32 x 32 pixels" in next(model.describe())


def test_a_held_out_setting_is_not_trained_on(small_set):
    images = conditioned_images(
        small_set, KINDS, held_out={"temper": "T6", "feed_rate": 12.5}, validation=0.3
    )
    out = (small_set.rows["temper"] == "T6") & (small_set.rows["feed_rate"] == 12.5)
    np.testing.assert_array_equal(images.used, ~out)
    both = np.concatenate([images.split.training, images.split.validation])
    assert not out[both].any()
    assert images.conditions[1].span == (2.5, 12.5)


def test_specimens_without_a_category_can_be_held_out(small_set):
    images = conditioned_images(small_set, KINDS, held_out={"temper": "none"})
    np.testing.assert_array_equal(images.used, small_set.rows["temper"] != "")
    assert not images.conditions[0].open_ended


def test_duplicates_of_duplicates_are_held_out(small_set):
    pairs = ((0, 11, True), (11, 8, False))
    settings = small_set.settings.model_copy(update={"duplicates": pairs})
    chained = replace(small_set, settings=settings)
    rate = float(small_set.rows["feed_rate"][0])
    held_out = {"temper": str(small_set.rows["temper"][0]), "feed_rate": rate}
    images = conditioned_images(chained, KINDS, held_out=held_out)
    assert not images.used[[0, 11, 8]].any()


def test_specimens_of_the_validation_are_not_trained_on(small_set):
    images = conditioned_images(small_set, KINDS, validation=0.3)
    groups = small_set.rows["group"]
    assert not {*groups[images.split.training]} & {*groups[images.split.validation]}
    assert len(images.split.validation) == 6


@pytest.mark.parametrize(
    ("held_out", "sentence"),
    [
        ({"alloy": "A"}, "`held_out` must name columns of .*temper.*, got 'alloy'"),
        ({"temper": "T9"}, "`held_out` must be values of some image, got"),
        ({"feed_rate": "fast"}, "`held_out` must have a number for feed_rate, got 'fast'"),
    ],
)
def test_what_cannot_be_held_out(small_set, held_out, sentence):
    with pytest.raises(ValueError, match=sentence):
        conditioned_images(small_set, KINDS, held_out=held_out)


def test_a_model_and_a_set_are_verified_as_results(small_set, tiny_model, tmp_path):
    assert verify(small_set.folder) == []
    assert verify(tiny_model.folder) == []
    copy = shutil.copytree(tiny_model.folder, tmp_path / "copy")
    (copy / WEIGHTS).write_bytes(b"other")
    assert any(WEIGHTS in each for each in verify(copy))


def test_a_model_that_is_none(tiny_model, tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"holds no model of micrographs: no generator.json$"
    ):
        MicrographModel.open(tmp_path)
    (tmp_path / "training").mkdir()
    with pytest.raises(FileNotFoundError, match="its training has not ended"):
        MicrographModel.open(tmp_path)
    copy = shutil.copytree(tiny_model.folder, tmp_path / "copy")
    (copy / "generator.json").write_bytes(
        (copy / "generator.json").read_bytes().replace(b"T5", b"T7")
    )
    with pytest.raises(OSError, match=r"generator.json is damaged"):
        MicrographModel.open(copy)


def test_chips_must_fit_the_networks(small_set, tmp_path):
    chips = CHIPS.model_copy(update={"edge": 64})
    with pytest.raises(ValueError, match="`critic` must have layers for chips of 64 pixels"):
        train_micrograph_gan(small_set, tmp_path, kinds=KINDS, config=TINY, chips=chips)


def test_reading_ahead_does_not_hide_an_error(small_set):
    lattice = ChipLattice(((64, 80),) * 20, 32, 16)
    chips = MicrographChips(small_set.images, lattice, {})
    rows = np.zeros((20, 1), np.float32)
    batches = ChipBatches(chips, rows, np.zeros(20, np.int64), 50, 1, 4)
    with pytest.raises(IndexError, match="leaves"):
        list(batches(0))


def test_settings_count_by_their_values_where_specimens_allow_it(small_set):
    """Two specimens for each of six settings; one of them alone, and thirds are what is left."""
    values = np.linspace(2.5, 3.0, 6)  # all of one third
    rows = {**small_set.rows, "feed_rate": np.repeat([*values[:5], 12.5], 2)}
    found = conditioned_images(replace(small_set, rows=rows), {"feed_rate": "continuous"})
    np.testing.assert_array_equal(found.settings, np.repeat(np.arange(6), 2))
    rows["feed_rate"] = np.array([*np.repeat(values[:5], 2), 12.0, 12.5])
    found = conditioned_images(replace(small_set, rows=rows), {"feed_rate": "continuous"})
    np.testing.assert_array_equal(found.settings, [0] * 10 + [1] * 2)


def test_files_of_another_format(tiny_model, small_set, tmp_path):
    for folder, name, reader in (
        (tiny_model.folder, "generator.json", MicrographModel),
        (small_set.folder, "micrographs.json", MicrographSet),
    ):
        copy = shutil.copytree(folder, tmp_path / name)
        settings = json.loads((copy / name).read_text())
        (copy / name).write_text(json.dumps({**settings, "format": 9}))
        record_results(copy, files=[name])
        with pytest.raises(ValueError, match=rf"{name}: `format` must be [12], got 9"):
            reader.open(copy)
