"""S2 of sections, counted by transforms as it is defined."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from poroscale.kernels.noise import correlated_noise
from poroscale.microstructure.swnn_training.autocorrelation import (
    s2_distance,
    section_s2,
    wanted_s2,
)
from poroscale.microstructure.swnn_training.recipe import STEPS
from poroscale.microstructure.swnn_training.task import SwnnTask
from poroscale.microstructure.swnn_training.train import trained_swnn
from tests.microstructure.swnn_training.test_training import CUBE, SHAPE, SLABS, image, targets_of


def test_it_is_the_share_of_pairs():
    phases = np.random.default_rng(0).integers(0, 2, (2, 9, 11))
    found = section_s2(torch.from_numpy(2.0 * phases - 1).float(), 4)
    assert found.shape == (5, 9)
    for dy in range(5):
        for dx in range(-4, 5):
            first = phases[:, : 9 - dy, max(0, -dx) : 11 - max(0, dx)]
            other = phases[:, dy:, max(0, dx) : 11 + min(0, dx)]
            assert float(found[dy, dx + 4]) == pytest.approx((first * other).mean(), abs=1e-6)


def test_images_count_by_their_voxels():
    first, second = image(seed=1), image(seed=2)[:12]
    found = wanted_s2([first, second], 2, 3)
    assert float(found[0, 3]) == pytest.approx(
        np.concatenate([first.ravel(), second.ravel()]).mean(), abs=1e-6
    )
    alone = wanted_s2([first], 2, 3)
    grey = torch.from_numpy(2.0 * first - 1).float()[None, None]
    assert float(s2_distance(grey, alone)) == pytest.approx(0, abs=2e-6)
    assert float(s2_distance(-grey, alone)) > 0.05


def test_a_network_learns_it(tmp_path):
    field = correlated_noise((0, 0, 0), (1, 128, 128), seed=1, sigma=0.8)[0]
    section = (field > 0.4).astype(np.uint8)
    _, target = targets_of([(0, section)])
    recipe = replace(CUBE, edge=20, loss="autocorrelation", iterations=4 * STEPS)
    s2 = wanted_s2([section], 2, 5)
    network, _ = trained_swnn(
        [replace(target, s2=dict.fromkeys(range(3), s2))],
        tmp_path,
        shape=SHAPE,
        recipe=recipe,
        template=3,
    )
    noise = torch.randn(1, 3, 36, 36, 36, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found = section_s2(network(noise)[0, 0], 5)
    assert float((found - s2).abs().mean()) < 0.02
    ends = found[0, 5] - found[0, -1], s2[0, 5] - s2[0, -1]
    assert float(ends[0]) == pytest.approx(float(ends[1]), rel=0.3)


def test_slabs_are_compared_too():
    section = image()
    _, target = targets_of([(0, section)])
    recipe = replace(SLABS, loss="autocorrelation")
    s2 = dict.fromkeys(range(3), wanted_s2([section], 2, recipe.edge // 2))
    task = SwnnTask(SHAPE, [replace(target, s2=s2)], recipe, template=3)
    assert 0 < task.step(0)["distance"] < 1
    assert all(each.grad is not None for each in task.network.parameters())
