import numpy as np
import pytest

from poroscale.statistics import two_point
from poroscale.statistics.two_point import count_pairs


def brute(phases, lag):
    """Pairs by rounded distance, one voxel at a time."""
    pore, part = np.zeros(lag + 1), np.zeros(lag + 1)
    for counted, inside in ((pore, phases == 2), (part, phases != 0)):
        at = np.argwhere(inside)
        for point in at:
            distance = np.rint(np.sqrt(((at - point) ** 2).sum(axis=1))).astype(int)
            counted[:] += np.bincount(distance[distance <= lag], minlength=lag + 1)
    return pore, part


@pytest.mark.parametrize("core", [64, 5])
def test_pairs_of_all_blocks_are_those_of_the_volume(as_volume, monkeypatch, core):
    phases = np.random.default_rng(1).choice(3, (11, 9, 7), p=[0.3, 0.4, 0.3]).astype(np.uint8)
    monkeypatch.setattr(two_point, "CORE", core)
    found = count_pairs(as_volume(phases), 4, most=100)
    pore, part = brute(phases, 4)
    np.testing.assert_array_equal(found.pore.sum(axis=0), pore)
    np.testing.assert_array_equal(found.part.sum(axis=0), part)


def test_the_first_lag_is_the_porosity_and_far_ones_its_square(as_volume):
    phases = np.random.default_rng(2).choice([1, 2], (40, 40, 40), p=[0.8, 0.2]).astype(np.uint8)
    found = count_pairs(as_volume(phases), 6).probability()
    porosity = (phases == 2).mean()
    assert found[0] == pytest.approx(porosity)
    np.testing.assert_allclose(found[1:], porosity**2, rtol=0.03)


def test_no_more_blocks_than_asked_for_are_counted(as_volume, monkeypatch):
    monkeypatch.setattr(two_point, "CORE", 4)
    phases = np.full((16, 8, 8), 2, np.uint8)
    assert len(count_pairs(as_volume(phases), 2, most=5).pore) == 5
