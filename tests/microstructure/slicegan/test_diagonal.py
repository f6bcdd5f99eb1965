"""Slices at 45°, their pixels as far apart as voxels, and a critic that sees them."""

import numpy as np
import pytest
import torch

from poroscale.microstructure.slicegan.config import SliceGanConfig
from poroscale.microstructure.slicegan.diagonal import (
    HALF,
    DiagonalPlaces,
    blurred_alike,
    diagonal_slices,
)
from poroscale.microstructure.slicegan.training import SliceGan
from poroscale.networks.slicegan.generator import SliceGanShape

EDGE = 12


def places(**changes):
    starts = torch.tensor([[0.0, 2.25], [1.5, 0.75]])
    given = {"rows": 0, "first": 1, "second": 2, "starts": starts, "turned": False}
    return DiagonalPlaces(**given | changes)


@pytest.mark.parametrize(("rows", "first", "second"), [(0, 1, 2), (1, 0, 2), (2, 0, 1)])
@pytest.mark.parametrize("turned", [False, True])
def test_pixels_lie_on_a_line_at_45_degrees(rows, first, second, turned):
    """A volume of coordinates tells where each pixel was read."""
    coordinates = torch.from_numpy(np.indices((EDGE,) * 3).astype(np.float32))[None]
    at = places(rows=rows, first=first, second=second, turned=turned)
    found = diagonal_slices(coordinates, at)
    assert found.shape == (2, 3, EDGE, EDGE)
    steps = HALF * torch.arange(EDGE)
    for number, (one, two) in enumerate(at.starts):
        torch.testing.assert_close(found[number, first, 3], one + steps)
        along = two + steps
        torch.testing.assert_close(found[number, second, 3], EDGE - 1 - along if turned else along)
        torch.testing.assert_close(found[number, rows, :, 5], torch.arange(EDGE).float())


def test_drawn_places_lie_inside():
    for seed in range(20):
        torch.manual_seed(seed)
        whole, part = DiagonalPlaces.drawn(EDGE, 5).steps(EDGE)
        assert whole.min() >= 0
        assert whole.max() + 1 < EDGE
        assert part.min() >= 0
        assert part.max() <= 1 + 1e-5


def test_crops_are_blurred_as_slices_are():
    """Of white noise a slice keeps the variance of its weights; a crop as much along its rows."""
    torch.manual_seed(0)
    even = places(starts=torch.tensor([[0.3, 0.3]]))
    crop = torch.randn(4000, 1, EDGE, EDGE)
    found = blurred_alike(crop, even).var(dim=(0, 1, 2))
    _, part = even.steps(EDGE)
    f = part[0, 0]
    torch.testing.assert_close(found, f**2 + (1 - f) ** 2, atol=0.02, rtol=0)
    step = torch.zeros(1, 1, EDGE, EDGE)
    step[..., 6:] = 1
    blurred = blurred_alike(step, even)[0, 0, 0]
    assert 0 < blurred[5] < 1
    assert torch.equal(blurred[6:], step[0, 0, 0, 6:])


def test_a_critic_of_its_own_sees_them():
    config = SliceGanConfig(
        latent=3, generator=(4,), critic=(4, 8), critic_steps=2, batch=2, critic_batch=2, crops=3,
        slices=5, diagonal=True,
    )  # fmt: skip
    task = SliceGan(config, SliceGanShape(2, 3, (4,)), [True] * 3, isotropic=True)
    before = [each.clone() for each in task.modules["critic_diagonal"].parameters()]
    losses = task.step(torch.zeros(2, 3, 3, 16, 16, dtype=torch.uint8))
    assert all(np.isfinite(value) for value in losses.values())
    after = task.modules["critic_diagonal"].parameters()
    assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))
    with pytest.raises(ValueError, match="`diagonal` must be false where directions differ"):
        SliceGan(config, SliceGanShape(2, 3, (4,)), [True] * 3, isotropic=False)
