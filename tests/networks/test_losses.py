"""Losses against what they are defined as."""

import numpy as np
import pytest
import torch

from poroscale.networks import gm_vae
from poroscale.networks.tversky import EPSILON, FocalTversky, supervised_loss
from poroscale.networks.vae import KL_WEIGHT, divergence, masked
from tests.networks.makers import batch, small


def logits_of(probability):
    p = torch.tensor(probability)
    return torch.log(p) - torch.log(1 - p)


@pytest.mark.parametrize("epsilon", [0.0, EPSILON])
def test_focal_tversky_by_hand(epsilon):
    found, truth = [0.9, 0.4, 0.2, 0.1], torch.tensor([1.0, 1.0, 0.0, 0.0])
    both, missed, false = 1.3, 0.7, 0.3
    whole = both + 0.633 * missed + 0.1 * false
    wanted = (1 - (both + epsilon) / (whole + epsilon)) ** 1.5
    loss = FocalTversky(gamma=1.5, epsilon=epsilon)(logits_of(found), truth)
    assert float(loss) == pytest.approx(wanted, rel=1e-5)


def test_focal_tversky_is_one_minus_dice():
    rng = np.random.default_rng(0)
    found = rng.uniform(0.01, 0.99, 4000).astype(np.float32)
    truth = torch.from_numpy((rng.random(4000) < 0.3).astype(np.float32))
    loss = FocalTversky(0.5, 0.5, 1.0, epsilon=0.0)(logits_of(found), truth)
    dice = 2 * float((torch.from_numpy(found) * truth).sum()) / float(found.sum() + truth.sum())
    assert float(loss) == pytest.approx(1 - dice, rel=1e-5)


def test_weights_favour_recall_or_precision():
    truth = torch.tensor([1.0] * 10 + [0.0] * 10)
    misses, invents = torch.full((20,), -9.0), torch.full((20,), 9.0)
    misses[:5], invents[15:] = 9.0, -9.0
    recall, precision = FocalTversky(0.9, 0.1), FocalTversky(0.1, 0.9)
    assert recall(misses, truth) > recall(invents, truth)
    assert precision(misses, truth) < precision(invents, truth)


def test_a_batch_without_pores_has_a_gradient():
    logits = torch.zeros(50, requires_grad=True)
    FocalTversky()(logits, torch.zeros(50)).backward()
    assert float(logits.grad.min()) > 0


@pytest.mark.parametrize("gamma", [1 / 3, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("sure", [5.0, 20.0, 200.0])
def test_gradients_of_a_right_answer_are_finite(gamma, sure):
    """A root has no finite slope at no error at all: the whole range of gamma must be trainable."""
    truth = torch.zeros(50)
    truth[:10] = 1
    for labels in (truth, torch.zeros(50)):
        logits = (sure * (2 * labels - 1)).requires_grad_()
        loss = FocalTversky(gamma=gamma)(logits, labels)
        loss.backward()
        assert bool(torch.isfinite(logits.grad).all())
        assert 0 <= float(loss.detach()) < 0.4


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha": -0.1}, "0 or more"),
        ({"alpha": 0, "beta": 0}, "positive"),
        ({"gamma": 0}, "gamma"),
    ],
)
def test_what_is_no_loss(settings, message):
    with pytest.raises(ValueError, match=message):
        FocalTversky(**settings)


def test_cross_entropy_is_added_and_has_a_gradient_where_all_is_called_a_pore():
    logits = torch.full((60,), 40.0, requires_grad=True)
    truth = (torch.arange(60) < 5).float()
    FocalTversky()(logits, truth).backward()
    assert float(logits.grad.abs().max()) < 1e-12
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


@pytest.mark.parametrize(
    ("name", "depths"), [("unet", 1), ("mss-unet", 3), ("unet++", 3), ("unet3+", 4)]
)
def test_depths_of_the_supervised_networks(name, depths):
    network, (patches, truth) = small(name).eval(), batch(16)
    found = network(patches)
    assert [logits.shape for logits in found] == [truth.shape] * depths
    each = [float(network.criterion(logits, truth).detach()) for logits in found]
    weights = [0.5**i for i in range(depths)]
    wanted = sum(w * loss for w, loss in zip(weights, each, strict=True)) / sum(weights)
    assert float(network.loss(patches, truth)["loss"].detach()) == pytest.approx(wanted, rel=1e-6)


def test_divergence_of_normal_laws():
    mean, log_variance = torch.tensor([[0.5, -1.0]]), torch.tensor([[0.2, -0.7]])
    p = torch.distributions.Normal(mean, torch.exp(0.5 * log_variance))
    wanted = torch.distributions.kl_divergence(p, torch.distributions.Normal(0.0, 1.0)).sum()
    assert float(divergence(mean, log_variance)) == pytest.approx(float(wanted), rel=1e-5)


def test_loss_of_the_vae_is_l1_and_divergence():
    parts = small("vae").eval().loss(batch(16)[0])
    wanted = float(parts["l1"] + KL_WEIGHT * parts["kl"])
    assert float(parts["loss"].detach()) == pytest.approx(wanted, rel=1e-6)


def test_masked_patches_lose_boxes_and_the_originals_do_not():
    patches = torch.ones(6, 1, 64, 64, 64)
    torch.manual_seed(0)
    found = masked(patches)
    lost = (found == 0).flatten(1).sum(dim=1)
    assert bool((patches == 1).all())
    assert bool((lost >= 4**3).all())
    assert bool((lost <= 2 * 16**3).all())


def test_context_is_asked_for_what_was_masked():
    """A network that returns its input has no error on whole patches, but one on masked ones."""
    network, patches, seen = small("cevae").eval(), torch.ones(2, 1, 16, 16, 16), []
    network.reconstruct = lambda given: seen.append(given) or given
    parts = network.loss(patches)
    assert bool((patches == 1).all())
    lost = float((seen[0] == 0).float().mean())
    assert lost > 0
    assert float(parts["context"]) == pytest.approx(lost)
    plain = parts["l1"] + KL_WEIGHT * parts["kl"]
    halves = 0.5 * float(plain + parts["context"])
    assert float(parts["loss"].detach()) == pytest.approx(halves, rel=1e-6)


def test_a_mixture_of_one_law_is_that_law():
    """Divergence and responsibilities against torch's distributions."""
    torch.manual_seed(0)
    mean, spread = torch.randn(2, 3, 1, 1, 1), torch.randn(2, 3, 1, 1, 1)
    means, spreads = torch.randn(2, 4, 3, 1, 1, 1), torch.randn(2, 4, 3, 1, 1, 1)
    share = gm_vae._responsibilities(mean, means, spreads)
    prior = torch.distributions.Normal(means, torch.exp(0.5 * spreads))
    likelihood = prior.log_prob(mean[:, None]).sum(dim=2)
    assert torch.allclose(share, torch.softmax(likelihood, dim=1), atol=1e-6)
    law = torch.distributions.Normal(mean[:, None], torch.exp(0.5 * spread)[:, None])
    each = torch.distributions.kl_divergence(law, prior).sum(dim=2)
    wanted = (share * each).sum(dim=1).mean(dim=0).sum()
    found = gm_vae._between(mean, spread, means, spreads, share)
    assert float(found) == pytest.approx(float(wanted), rel=1e-5)


def test_parts_of_the_mixture_are_not_negative():
    parts = small("gmvae").eval().loss(batch(16)[0])
    assert all(float(parts[key]) >= 0 for key in ("conditional", "second", "mixture"))
