"""Losses and moments against what they are defined as."""

import numpy as np
import pytest
import torch

from poroscale.networks.rv_vae import leaky_moments, moments_of, sigmoid_moments
from poroscale.networks.tversky import EPSILON, FocalTversky, supervised_loss
from poroscale.networks.vae import divergence


def logits_of(probability):
    p = torch.tensor(probability)
    return torch.log(p) - torch.log(1 - p)


def test_focal_tversky_by_hand():
    found, truth = [0.9, 0.4, 0.2, 0.1], torch.tensor([1.0, 1.0, 0.0, 0.0])
    both, missed, false = 1.3, 0.7, 0.3
    whole = both + 0.633 * missed + 0.1 * false
    wanted = (1 - (both + EPSILON) / (whole + EPSILON)) ** 1.5
    loss = FocalTversky(gamma=1.5)(logits_of(found), truth)
    assert float(loss) == pytest.approx(wanted, rel=1e-5)


def test_focal_tversky_is_one_minus_dice():
    rng = np.random.default_rng(0)
    found = rng.uniform(0.01, 0.99, 4000).astype(np.float32)
    truth = torch.from_numpy((rng.random(4000) < 0.3).astype(np.float32))
    loss = FocalTversky(0.5, 0.5, 1.0)(logits_of(found), truth)
    dice = 2 * float((torch.from_numpy(found) * truth).sum()) / float(found.sum() + truth.sum())
    assert float(loss) == pytest.approx(1 - dice, abs=1e-3)


def test_a_batch_without_pores_has_a_gradient():
    logits = torch.zeros(50, requires_grad=True)
    FocalTversky()(logits, torch.zeros(50)).backward()
    assert float(logits.grad.min()) > 0


def test_cross_entropy_is_added_and_has_a_gradient_where_all_is_called_a_pore():
    logits = torch.full((60,), 40.0, requires_grad=True)
    truth = (torch.arange(60) < 5).float()
    FocalTversky()(logits, truth).backward()
    assert float(logits.grad.abs().max()) == 0
    loss = FocalTversky(entropy=0.1)(logits, truth)
    assert float((loss - FocalTversky()(logits, truth)).detach()) == pytest.approx(
        0.1 * 40 * 55 / 60
    )
    loss.backward()
    assert float(logits.grad[5:].min()) > 0


def test_depths_weigh_half_of_the_finer_one():
    def criterion(logits, truth):
        return logits.mean()

    depths = [torch.full((2,), value) for value in (1.0, 2.0, 4.0)]
    loss = supervised_loss(depths, torch.zeros(2), criterion)
    assert float(loss["loss"]) == pytest.approx((1 + 1 + 1) / 1.75)
    assert float(loss["finest"]) == 1.0


def test_divergence_of_normal_laws():
    mean, log_variance = torch.tensor([[0.5, -1.0]]), torch.tensor([[0.2, -0.7]])
    p = torch.distributions.Normal(mean, torch.exp(0.5 * log_variance))
    wanted = torch.distributions.kl_divergence(p, torch.distributions.Normal(0.0, 1.0)).sum()
    assert float(divergence(mean, log_variance)) == pytest.approx(float(wanted), rel=1e-5)


@pytest.mark.parametrize(("mean", "variance"), [(0.0, 1.0), (1.5, 0.3), (-2.0, 2.0)])
def test_moments_of_leaky_relu_by_sampling(mean, variance):
    torch.manual_seed(0)
    drawn = torch.randn(400_000, dtype=torch.float64) * variance**0.5 + mean
    drawn = torch.nn.functional.leaky_relu(drawn, 0.1)
    found = leaky_moments(torch.tensor(mean).double(), torch.tensor(variance).double(), 0.1)
    assert float(found[0]) == pytest.approx(float(drawn.mean()), abs=6e-3)
    assert float(found[1]) == pytest.approx(float(drawn.var()), rel=0.02)


@pytest.mark.parametrize("mean", [-2.0, 0.0, 1.0])
def test_moments_of_the_sigmoid_by_sampling(mean):
    torch.manual_seed(0)
    drawn = torch.sigmoid(torch.randn(400_000, dtype=torch.float64) * 0.2 + mean)
    found = sigmoid_moments(torch.tensor(mean).double(), torch.tensor(0.04).double())
    assert float(found[0]) == pytest.approx(float(drawn.mean()), abs=1e-3)
    assert float(found[1]) == pytest.approx(float(drawn.var()), rel=0.03)


@pytest.mark.parametrize(
    "layer",
    [
        torch.nn.Conv3d(2, 3, 3, padding=1, padding_mode="replicate"),
        torch.nn.ConvTranspose3d(2, 3, 2, stride=2),
    ],
)
def test_moments_of_convolutions_by_sampling(layer):
    torch.manual_seed(0)
    mean, variance = torch.randn(1, 2, 3, 3, 3), torch.rand(1, 2, 3, 3, 3)
    with torch.no_grad():
        # Voxels that the replicated edge repeats are one variable; the inner one repeats none.
        drawn = layer(mean + variance.sqrt() * torch.randn(40_000, 2, 3, 3, 3))
        found = moments_of(layer, mean, variance)
    inner = (0, slice(None), 1, 1, 1)
    assert torch.allclose(found[0][inner], drawn.mean(dim=0)[inner[1:]], atol=0.03)
    assert torch.allclose(found[1][inner], drawn.var(dim=0)[inner[1:]], rtol=0.05)


def test_layers_without_moments_are_refused():
    with pytest.raises(TypeError, match="cannot pass Tanh"):
        moments_of(torch.nn.Tanh(), torch.zeros(1), torch.ones(1))
