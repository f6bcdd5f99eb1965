"""The distance of local patterns beside a plain statement of it."""

import numpy as np
import pytest
import torch

from poroscale.microstructure.swnn_training.distance import (
    projected_sections,
    random_filters,
    sliced_wasserstein,
    thinned,
)
from poroscale.microstructure.swnn_training.patterns import patterns_of


def plainly(first, second, filters):
    """Equations 17 and 18: sort what each filter sees, and compare one by one."""
    total = 0.0
    for each in filters:
        ours = sorted(sum(a * b for a, b in zip(each, row, strict=True)) for row in first)
        theirs = sorted(sum(a * b for a, b in zip(each, row, strict=True)) for row in second)
        total += sum(abs(a - b) for a, b in zip(ours, theirs, strict=True)) / len(ours)
    return total / len(filters)


def test_the_distance_is_that_of_sorted_projections():
    generator = np.random.default_rng(0)
    ours, theirs = generator.random((2, 6, 7), np.float32)
    torch.manual_seed(1)
    filters = random_filters(5, 3)
    wanted = plainly(patterns_of(ours, 3), patterns_of(theirs, 3), filters.tolist())
    projected = projected_sections(torch.from_numpy(ours)[None, None], filters)
    patterns = torch.from_numpy(patterns_of(theirs, 3).copy())
    assert sliced_wasserstein(projected, filters @ patterns.T) == pytest.approx(wanted, rel=1e-5)


def test_patterns_of_several_sections_are_one_set():
    sections = torch.randn(4, 1, 5, 6)
    filters = random_filters(3, 2)
    every = torch.cat([projected_sections(each[None], filters) for each in sections], dim=1)
    found = projected_sections(sections, filters)
    assert torch.allclose(found.sort(dim=1).values, every.sort(dim=1).values, atol=1e-5)


def test_filters_are_divided_by_their_deviation_over_the_filters():
    filters = random_filters(512, 7)
    assert filters.shape == (512, 49)
    assert torch.allclose(filters.std(dim=0), torch.ones(49), atol=1e-5)
    assert not torch.allclose(filters.norm(dim=1), torch.ones(512), atol=0.5)
    assert random_filters(1, 7).isfinite().all()
    assert not torch.equal(filters, random_filters(512, 7))


def test_a_smaller_set_is_repeated():
    small, large = torch.tensor([[1.0, 3.0]]), torch.tensor([[1.0, 3.0, 1.0, 3.0]])
    assert sliced_wasserstein(small, large) == 0
    odd = torch.tensor([[1.0, 1.0, 1.0, 1.0, 1.0]])
    assert sliced_wasserstein(torch.tensor([[1.0, 1.0]]), odd) == 0
    assert sliced_wasserstein(small, large + 2) == pytest.approx(2)


def test_gradients_lead_to_the_other_set():
    values = torch.tensor([[0.0, 5.0]], requires_grad=True)
    sliced_wasserstein(values, torch.tensor([[6.0, 1.0]])).backward()
    assert values.grad.tolist() == [[-0.5, -0.5]]


def test_a_thinned_set_is_a_part():
    values = torch.arange(20.0)[None]
    assert set(thinned(values, 5)[0].tolist()) <= set(range(20))
    assert thinned(values, 5).shape == (1, 5)
    assert thinned(values, 20) is values


def test_orthogonal_filters_are_so_in_sets_and_as_long_as_the_others():
    torch.manual_seed(0)
    filters = random_filters(20, 3, "orthogonal")
    assert filters.shape == (20, 9)
    products = filters @ filters.T / 9
    for first in (0, 9):
        part = products[first : first + 9, first : first + 9]
        torch.testing.assert_close(part, torch.eye(9), rtol=0, atol=1e-5)
    assert random_filters(2000, 3).square().sum(dim=1).mean() == pytest.approx(9, rel=0.02)


def test_a_coarse_pattern_is_one_of_means():
    torch.manual_seed(0)
    section, filters = torch.randn(1, 1, 9, 11), random_filters(4, 3)
    found = projected_sections(section, filters, 2)
    assert found.shape == (4, 4 * 6)
    window = section[0, 0, 1:7, 3:9].reshape(3, 2, 3, 2).mean(dim=(1, 3))
    torch.testing.assert_close(found[:, 1 * 6 + 3], filters @ window.ravel())
