"""The ten segmentation networks: shapes, training, what they depend on, and what they refuse."""

import numpy as np
import pytest
import torch

from poroscale.networks.rv_vae import RVVAE
from poroscale.networks.segmenters import SEGMENTERS, build_segmenter
from tests.networks.makers import batch, small

with torch.device("meta"):
    UNSUPERVISED = [name for name in SEGMENTERS if not small(name).supervised]


@pytest.mark.parametrize("name", SEGMENTERS)
def test_values_of_windows(name):
    network = small(name).eval()
    patches = batch(network.edge)[0]
    with torch.inference_mode():
        values, again = network.window_values(patches), network.window_values(patches)
    assert values.shape == patches[:, 0].shape
    assert values.dtype == torch.float32
    assert torch.equal(values, again)
    assert float(values.abs().max()) <= network.bound
    score = network.finish(values.numpy())
    assert score.dtype == np.float32
    assert score.min() >= 0
    assert score.max() <= 1


@pytest.mark.parametrize("name", SEGMENTERS)
def test_training_lowers_the_loss_and_moves_every_weight(name):
    network = small(name, width=0.125 if name == "acc-unet" else 0.25).train()
    patches, truth = batch(network.edge, number=1 if name == "acc-unet" else 2)
    # The mixture, deep and without normalisation, bounces at more than the rate of the paper.
    rate = 1e-4 if name == "gmvae" else 2e-3
    optimiser = torch.optim.Adam(network.parameters(), lr=rate)
    before = {key: value.detach().clone() for key, value in network.named_parameters()}
    losses = []
    for _ in range(6):
        torch.manual_seed(0)  # the same latents and masks, so that losses can be compared
        optimiser.zero_grad()
        loss = network.loss(patches, truth)["loss"]
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert all(bool(torch.isfinite(p.grad).all()) for p in network.parameters())
    still = [key for key, p in network.named_parameters() if torch.equal(p, before[key])]
    assert still == []
    assert losses[5] < losses[0]


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", [name for name in SEGMENTERS if name != "acc-unet"])
def test_mixed_precision(name, precision):
    network = small(name, width=0.125).train()
    patches, truth = batch(network.edge)
    with torch.autocast("cpu", dtype=precision):
        loss = network.loss(patches, truth)["loss"]
    loss.backward()
    assert loss.dtype == torch.float32
    assert bool(torch.isfinite(loss))
    # Their values are not looked at: on the CPU torch reads memory there that was never written.
    assert all(p.grad is not None and p.grad.dtype == p.dtype for p in network.parameters())
    with torch.inference_mode():
        full = network.eval().window_values(patches)
        with torch.autocast("cpu", dtype=precision):
            half = network.window_values(patches)
    assert half.dtype == torch.float32
    assert float((half - full).abs().mean()) < 0.02


@pytest.mark.parametrize("name", SEGMENTERS)
def test_weights_are_all_that_a_network_is(name):
    """What was trained comes back from its state alone."""
    network = small(name, width=0.125).train()
    patches, truth = batch(network.edge)
    if name != "acc-unet":  # its state changes as that of any with normalisation
        network.loss(patches, truth)
    again = build_segmenter(name, width=0.125, edge=network.edge).eval()
    again.load_state_dict(network.state_dict())
    with torch.inference_mode():
        assert torch.equal(again.window_values(patches), network.eval().window_values(patches))


@pytest.mark.parametrize("name", UNSUPERVISED)
def test_unsupervised_networks_do_not_look_at_the_truth(name):
    network, (patches, truth) = small(name).eval(), batch(16)
    losses = []
    for given in (None, truth, 1 - truth):
        torch.manual_seed(3)
        losses.append(float(network.loss(patches, given)["loss"].detach()))
    assert losses[0] == losses[1] == losses[2]


def test_supervised_networks_need_the_truth():
    with pytest.raises(ValueError, match="must be given the truth"):
        small("unet").loss(batch(16)[0])


def shows_every_path(network):
    """Equal positive weights, so that nothing cancels and no activation cuts, and no sigmoid."""
    with torch.no_grad():
        for p in network.parameters():
            if p.dim() > 1:
                p.fill_(1 / p[0].numel())
            else:
                p.zero_()
    return network.double().eval()


def field_of(network, name):
    if name == "vqvae":
        return lambda x: network.decoder[:-1](network.encoder(x))  # a code hides what it came from
    if name == "gmvae":
        network.up = network.up[:-1]
        return network.reconstruct
    return lambda x: network(x)[0]


@pytest.mark.parametrize("name", ["unet", "mss-unet", "unet++", "unet3+", "gmvae", "vqvae"])
def test_the_halo_is_what_a_value_depends_on(name):
    """A voxel is seen as far as the halo says, at every other place relative to the pooling."""
    network = shows_every_path(build_segmenter(name, width=1 / 32))
    values, every = field_of(network, name), network.multiple
    middle = 2 * every * (-(-network.halo // every))
    reach = []
    with torch.inference_mode():
        field = torch.zeros(1, 1, every, every, 2 * middle, dtype=torch.float64)
        before = values(field)
        for at in range(middle, middle + every, 2):
            changed = field.clone()
            changed[..., at] = 1e9
            moved = (values(changed) - before).abs().amax(dim=(0, 1, 2, 3))
            seen = torch.nonzero(moved)[:, 0]
            reach += [at - int(seen[0]), int(seen[-1]) - at]
    assert network.halo % every == 0
    assert network.halo - every < max(reach) <= network.halo


@pytest.mark.parametrize("name", ["unet", "vqvae"])
def test_a_tile_with_its_halo_agrees_with_the_whole(name):
    network = build_segmenter(name, width=1 / 16).eval()
    every, halo = network.multiple, network.halo
    whole = torch.rand(1, 1, 16, 16, 2 * halo + 3 * every)
    tile = whole[..., every : 2 * halo + 2 * every]
    with torch.inference_mode():
        wanted = network.window_values(whole)[..., every + halo : 2 * every + halo]
        found = network.window_values(tile)[..., halo : halo + every]
    assert torch.allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize("name", ["acc-unet", "vae", "cevae", "rvvae"])
def test_networks_that_see_the_whole_patch_have_no_halo(name):
    with torch.device("meta"):
        assert build_segmenter(name).halo is None


@pytest.mark.parametrize("name", SEGMENTERS)
@pytest.mark.parametrize("edge", [16, 48])
def test_edges(name, edge):
    with torch.device("meta"):
        if name == "acc-unet" and edge == 16:
            with pytest.raises(ValueError, match="at least 32, got 16"):
                build_segmenter(name, edge=edge)
            return
        network = build_segmenter(name, width=0.25, edge=edge).eval()
        values = network.window_values(torch.zeros(1, 1, edge, edge, edge))
    assert values.shape == (1, edge, edge, edge)


@pytest.mark.parametrize(
    ("name", "edge", "message"),
    [
        ("resnet", 64, "model must be one of unet, mss-unet"),
        ("unet", 60, "multiple of 8"),
        ("vae", 24, "multiple of 16"),
        ("gmvae", 8, "multiple of 16"),
        ("vqvae", 20, "multiple of 8"),
        ("acc-unet", 48 + 8, "multiple of 16"),
    ],
)
def test_what_cannot_be_built(name, edge, message):
    with pytest.raises(ValueError, match=message):
        build_segmenter(name, edge=edge)


@pytest.mark.parametrize("name", SEGMENTERS)
def test_width_must_be_positive(name):
    with pytest.raises(ValueError, match="width must be positive"):
        build_segmenter(name, width=0.0)


def test_reconstructions_of_random_variables_are_grey_values():
    """Appendix C's expansion leaves [0, 1] where the variance is large."""
    network = RVVAE(width=0.125, edge=16).eval()
    network.encoder.layers[-1].weight.data *= 50
    with torch.inference_mode():
        values = network.window_values(batch(16)[0])
    assert 0 <= float(values.min()) <= float(values.max()) <= 1
