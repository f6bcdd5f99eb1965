"""Moments of random variables against samples of them."""

import pytest
import torch

from poroscale.networks.rv_vae import (
    RandomVariables,
    leaky_moments,
    moments_of,
    sigmoid_moments,
)
from tests.networks.makers import batch, small


@pytest.mark.parametrize(("mean", "variance"), [(0.0, 1.0), (1.5, 0.3), (-2.0, 2.0)])
def test_moments_of_leaky_relu_by_sampling(mean, variance):
    torch.manual_seed(0)
    drawn = torch.randn(400_000, dtype=torch.float64) * variance**0.5 + mean
    drawn = torch.nn.functional.leaky_relu(drawn, 0.1)
    found = leaky_moments(torch.tensor(mean).double(), torch.tensor(variance).double(), 0.1)
    assert float(found[0]) == pytest.approx(float(drawn.mean()), abs=6e-3)
    assert float(found[1]) == pytest.approx(float(drawn.var()), rel=0.02)


@pytest.mark.parametrize(("mean", "slope"), [(5.0, 1.0), (-5.0, 0.01), (300.0, 1.0)])
def test_small_variances_survive_leaky_relu(mean, slope):
    """Far from zero the layer only multiplies, in single precision, too."""
    variance = torch.tensor(1e-6, requires_grad=True)
    found = leaky_moments(torch.tensor(mean), variance, 0.01)
    found[1].backward()
    assert float(found[0].detach()) == pytest.approx(slope * mean, rel=1e-5)
    assert float(found[1].detach()) == pytest.approx(slope**2 * 1e-6, rel=1e-5)
    assert float(variance.grad) == pytest.approx(slope**2, rel=1e-5)


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
        drawn = layer(mean + variance.sqrt() * torch.randn(20_000, 2, 3, 3, 3))
        found = moments_of(layer, mean, variance)
    inner = (0, slice(None), 1, 1, 1)
    assert torch.allclose(found[0][inner], drawn.mean(dim=0)[inner[1:]], atol=0.04)
    assert torch.allclose(found[1][inner], drawn.var(dim=0)[inner[1:]], rtol=0.06)


def test_moments_of_a_chain_by_sampling():
    """Linear, LeakyReLU, sigmoid: what comes out of several layers at once."""
    torch.manual_seed(0)
    layers = [torch.nn.Conv3d(24, 3, 1), torch.nn.LeakyReLU(0.1), torch.nn.Sigmoid()]
    chain = RandomVariables(layers).double()
    mean, variance = torch.randn(24).double(), 0.3 * torch.rand(24).double()
    drawn = mean + variance.sqrt() * torch.randn(200_000, 24).double()
    with torch.no_grad():
        found = chain(mean.view(1, 24, 1, 1, 1), variance.view(1, 24, 1, 1, 1))
        drawn = torch.nn.Sequential(*layers)(drawn.view(-1, 24, 1, 1, 1))
    assert torch.allclose(found[0].flatten(), drawn.mean(dim=0).flatten(), atol=3e-3)
    assert torch.allclose(found[1].flatten(), drawn.var(dim=0).flatten(), rtol=0.05)


def test_without_variance_it_is_the_vae():
    """A latent without spread passes the decoder as a number does."""
    network, (patches, _) = small("rvvae").eval(), batch(16)
    plain = torch.nn.Sequential(*network.decoder)
    with torch.inference_mode():
        mean = network.encoder(patches)[0]
        found, spread = network.decoder(mean, torch.zeros_like(mean))
        assert torch.allclose(found, plain(mean), atol=1e-5)
    assert float(spread.max()) < 1e-6


def test_uncertain_latents_make_uncertain_voxels():
    network, (patches, _) = small("rvvae").eval(), batch(16)
    with torch.inference_mode():
        mean = network.encoder(patches)[0]
        little, much = (network.decoder(mean, torch.full_like(mean, v))[1] for v in (0.01, 0.1))
    assert bool((much > little).all())


def test_layers_without_moments_are_refused():
    with pytest.raises(TypeError, match="cannot pass Tanh"):
        moments_of(torch.nn.Tanh(), torch.zeros(1), torch.ones(1))
