"""The lineal path of sections: counted as defined, and a term that a network learns from."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from poroscale.microstructure.swnn_training.lineal import (
    lineal_distance,
    memberships,
    section_lineal_path,
    wanted_lineal_path,
)
from poroscale.microstructure.swnn_training.task import SwnnTask
from tests.microstructure.swnn_training.test_training import CUBE, SHAPE, image, targets_of


def test_it_is_the_share_of_rows_in_one_phase():
    codes = np.random.default_rng(0).integers(0, 3, (2, 9, 11))
    found = section_lineal_path(torch.from_numpy(codes - 1.0).float(), 3, 3)
    assert found.shape == (2, 3, 4)
    for phase in range(3):
        inside = codes == phase
        for lag in range(4):
            down = np.all([inside[:, k : 9 - lag + k] for k in range(lag + 1)], axis=0)
            along = np.all([inside[:, :, k : 11 - lag + k] for k in range(lag + 1)], axis=0)
            assert float(found[0, phase, lag]) == pytest.approx(down.mean(), abs=1e-6)
            assert float(found[1, phase, lag]) == pytest.approx(along.mean(), abs=1e-6)


def test_grey_levels_belong_to_phases_in_shares_of_one():
    values = torch.linspace(-1.2, 1.2, 49)
    for phases in (2, 3, 5):
        found = memberships(values, phases)
        assert torch.allclose(found.sum(dim=0), torch.ones(49), atol=1e-6)
        assert float(found[0, 0]) == float(found[-1, -1]) == 1.0
    assert memberships(torch.tensor([-0.5, 0.0, 0.5]), 2)[1].tolist() == [0.0, 0.5, 1.0]


def test_images_count_by_their_voxels():
    first, second = image(seed=1), image(seed=2)[:12]
    wanted = wanted_lineal_path([first, second], 2, 3)
    share = np.concatenate([first.ravel(), second.ravel()]).mean()
    assert float(wanted[0, 1, 0]) == pytest.approx(share, abs=1e-6)
    grey = torch.from_numpy(2.0 * first - 1).float()[None, None]
    alone = wanted_lineal_path([first], 2, 3)
    assert float(lineal_distance(grey, alone)) == pytest.approx(0, abs=2e-6)
    assert float(lineal_distance(-grey, alone)) > 0.05


def test_a_step_adds_it_with_its_weight():
    section = image()
    _, target = targets_of([(0, section)])
    lineal = dict.fromkeys(range(3), wanted_lineal_path([section], 2, 6))
    weighted = replace(CUBE, lineal_path=3.0)
    found = []
    for recipe in (CUBE, weighted):
        torch.manual_seed(0)
        task = SwnnTask(SHAPE, [replace(target, lineal=lineal)], recipe, template=3)
        torch.manual_seed(1)
        found.append(task.step(0)["distance"])
    torch.manual_seed(0)
    task = SwnnTask(SHAPE, [target], CUBE, template=3)
    torch.manual_seed(1)
    made = task.made([CUBE.edge] * 3)[0, 0]
    terms = [lineal_distance(made.movedim(k, 0)[:, None], lineal[k]) for k in range(3)]
    assert found[1] - found[0] == pytest.approx(
        3.0 * float(torch.stack(terms).sum().detach()) / 3, rel=1e-3
    )
