"""The critic of persistence images: the same images as the kernel's, with a gradient to pixels."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from poroscale.kernels.topology.image_pairs import hole_places
from poroscale.kernels.topology.merge_pairs import merge_pairs
from poroscale.kernels.topology.order_keys import order_keys
from poroscale.kernels.topology.persistence_images import ImageGrid
from poroscale.micrographs.gan.fit import train_micrograph_gan
from poroscale.micrographs.gan.topology import (
    persistence_of,
    persistence_scale,
    places_of_holes,
    topology_loss,
    topology_of_chips,
)
from poroscale.networks.acwgan.averages import SettingAverages
from poroscale.networks.acwgan.topology import TopologyCritic, persistence_of_places
from poroscale.statistics.topology.chips import persistence_images
from tests.micrographs.conftest import CHIPS, KINDS, TINY
from tests.micrographs.gan.test_training import batch_of, step, task_of, weights

UNIT = ImageGrid((-1.0, 1.0), (0.0, 2.0), 0.2)


def levels_of(count=3, edge=14, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, edge, edge)).astype(np.uint8)


def unit_of(levels):
    return torch.from_numpy(levels.astype(np.float32))[:, None] / 255 * 2 - 1


@given(st.integers(0, 200), st.integers(2, 256), st.booleans())
@settings(max_examples=20)
def test_places_hold_the_values_of_the_pairs(seed, many, wide):
    levels = (levels_of(seed=seed) // (256 // many + 1)).astype(np.uint8)
    births, deaths, counts = hole_places(order_keys(levels), wide=wide)
    flat, start = levels.reshape(-1), 0
    for image, count in zip(levels, counts, strict=True):
        own = slice(start, start + count)
        start += int(count)
        found = np.stack([flat[births[own]], flat[deaths[own]]], axis=1)
        expected = merge_pairs(image, wide=wide).cavities
        np.testing.assert_array_equal(found[np.lexsort(found.T[::-1])], expected)
    assert start == len(births)


def test_persistence_images_are_those_of_the_statistics():
    levels = levels_of(9)
    found = persistence_of(unit_of(levels), 1.0).reshape(9, 10, 10)
    expected = persistence_images(unit_of(levels)[:, 0].numpy().astype(np.float64), UNIT)[:, 1]
    np.testing.assert_allclose(found.numpy(), expected, atol=2e-4)


def test_threads_change_nothing():
    images = unit_of(levels_of(7))
    places = places_of_holes(images)
    for k in range(7):
        alone = persistence_of(images[k : k + 1], 1.0)
        torch.testing.assert_close(persistence_of_places(images, places)[k : k + 1], alone)


def test_a_gradient_goes_to_the_pixels_of_the_pairs():
    """As finite differences say, which move no pair."""
    images = unit_of(levels_of(1, 8, seed=3)).double().float().requires_grad_()
    weight = torch.linspace(-1, 1, 100)
    (persistence_of(images, 1.0) * weight).sum().backward()
    places = places_of_holes(images)
    touched = torch.zeros(64, dtype=torch.bool)
    touched[places.births] = True
    touched[places.deaths] = True
    gradient = images.grad.flatten()
    assert (gradient[~touched] == 0).all()
    for pixel in touched.nonzero()[:4, 0]:
        moved = [images.detach().flatten().clone() for _ in range(2)]
        moved[0][pixel] += 1e-3
        moved[1][pixel] -= 1e-3
        up, down = (
            float((persistence_of_places(each.reshape(1, 1, 8, 8), places) * weight).sum())
            for each in moved
        )
        assert abs((up - down) / 2e-3 - float(gradient[pixel])) < 2e-2


def test_an_image_without_holes_has_an_empty_persistence_image():
    flat = torch.zeros(2, 1, 8, 8)
    assert (persistence_of(flat, 1.0) == 0).all()
    assert persistence_scale(flat) == 1e-6


def test_the_critic_tells_two_topologies_apart():
    torch.manual_seed(0)
    critic = TopologyCritic((2,), 4)
    many, few = levels_of(12), (levels_of(12) // 8 + 100).astype(np.uint8)
    scale = persistence_scale(unit_of(many))
    sides = [topology_of_chips(unit_of(each), scale) for each in (many, few)]
    codes = torch.zeros(12, 1)
    optimiser = torch.optim.AdamW(critic.parameters(), lr=1e-2)
    told = []
    for _ in range(25):
        loss, distance = topology_loss(critic, *sides, codes, 10.0)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        told.append(float(distance.detach()))
    assert told[-1] > told[0] + 0.5


def test_a_step_of_the_training_moves_both_by_it():
    task = task_of(topology=5.0)
    before = weights(task.modules["topology"])
    plain, told = step(task_of()), step(task)
    assert {*told} - {*plain} == {"topology", "holes"}
    assert (weights(task.modules["topology"]) != before).float().mean() > 0.5
    assert all(each.requires_grad for each in task.modules["topology"].parameters())
    seen = {}
    other = task_of(topology=5.0, generator_classification=0.0)
    descend = other._descend
    other._descend = lambda name, loss: (
        seen.update({name: float(loss.detach())}) or descend(name, loss)
    )
    found = step(other, batch=batch_of(1))
    assert abs(seen["generator"] - found["generator"] - 5 * found["holes"]) < 1e-4


def test_a_training_keeps_and_resumes_it(small_set, tmp_path):
    config = TINY.model_copy(update={"topology": 1.0})
    one = config.model_copy(update={"epochs": 1})
    whole = train_micrograph_gan(small_set, tmp_path / "a", kinds=KINDS, config=config, chips=CHIPS)
    train_micrograph_gan(small_set, tmp_path / "b", kinds=KINDS, config=one, chips=CHIPS)
    again = train_micrograph_gan(small_set, tmp_path / "b", kinds=KINDS, config=config, chips=CHIPS)
    assert again.weights.read_bytes() == whole.weights.read_bytes()


def test_averages_pull_each_setting_to_its_own():
    """The direction is that of the running average: images of a setting may scatter."""
    wanted, spread = torch.tensor([[1.0, 0.0], [0.0, 4.0]]), torch.tensor([1.0, 2.0])
    averages = SettingAverages(wanted, spread)
    settings = torch.tensor([0, 0, 1])
    features = torch.tensor([[2.0, 0.0], [0.0, 0.0], [0.0, 0.0]], requires_grad=True)
    pulled, apart = averages(features, settings)
    pulled.backward()
    # setting 0 has the average that it should have, however its images scatter
    np.testing.assert_allclose(features.grad, [[0, 0], [0, 0], [0, 2 * -2 / 2 / 6]], atol=1e-6)
    assert float(apart) == pytest.approx(4 / 6)
    averages(torch.tensor([[3.0, 0.0]]), torch.tensor([0]))
    assert float(averages.made[0, 0]) == pytest.approx(0.98 * 1 + 0.02 * 3)
    assert float(averages.made[1, 1]) == 0


def test_averages_count_after_some_steps():
    averages = SettingAverages(torch.zeros(1, 3), torch.ones(3), after=2)
    pulled = [
        float(averages(torch.ones(2, 3), torch.zeros(2, dtype=torch.int64))[0]) for _ in range(4)
    ]
    assert pulled[:2] == [0, 0]
    assert min(pulled[2:]) > 0
    assert float(averages.state_dict()["steps"]) == 4


def test_averages_train_on_persistence_images_of_real_chips(small_set, tmp_path):
    config = TINY.model_copy(update={"averages": 1.0, "epochs": 1})
    train_micrograph_gan(small_set, tmp_path, kinds=KINDS, config=config, chips=CHIPS)
    (line,) = (tmp_path / "training" / "metrics.jsonl").read_text().splitlines()
    assert json.loads(line)["averages"] > 0
    assert json.loads(line)["sizes"] > 0
    longer = config.model_copy(update={"epochs": 2})
    train_micrograph_gan(small_set, tmp_path, kinds=KINDS, config=longer, chips=CHIPS)
    resumed = (tmp_path / "training" / "metrics.jsonl").read_text().splitlines()[-1]
    other = tmp_path / "whole"
    train_micrograph_gan(small_set, other, kinds=KINDS, config=longer, chips=CHIPS)
    whole = (other / "training" / "metrics.jsonl").read_text().splitlines()[-1]
    assert json.loads(resumed)["averages"] == json.loads(whole)["averages"]
