"""The ten segmentation networks: size, shapes, training, and what they depend on."""

import numpy as np
import pytest
import torch

from poroscale.networks.complexity import multiply_accumulates, parameter_count
from poroscale.networks.segmenters import SEGMENTERS, build_segmenter
from poroscale.networks.vae import masked
from poroscale.networks.vq_vae import CodeBook

TABLE_8 = {
    "unet": 1.325,
    "mss-unet": 1.328,
    "unet++": 1.503,
    "unet3+": 1.672,
    "acc-unet": 5.062,
    "vae": 29.024,
    "cevae": 140.650,
    "gmvae": 383.650,
    "vqvae": 2.511,
    "rvvae": 29.024,
}
"""Millions of parameters."""
GIGA_MACS = {"unet": 14.1, "unet++": 34.7, "unet3+": 84.5, "acc-unet": 35.5, "vae": 2.28}
GIGA_MACS |= {"mss-unet": 14.2, "cevae": 4.55}


def small(name, edge=32):
    torch.manual_seed(0)
    return build_segmenter(name, width=0.25 if name != "acc-unet" else 0.5, edge=edge)


def batch(edge=32, number=2, seed=1):
    """Bright patches with dark balls, and where the balls are."""
    rng = np.random.default_rng(seed)
    grid = np.indices((edge,) * 3)
    truth = np.zeros((number, 1, *grid.shape[1:]), np.float32)
    for each in truth:
        for _ in range(3):
            centre = rng.uniform(4, edge - 4, (3, 1, 1, 1))
            each[0][((grid - centre) ** 2).sum(axis=0) < rng.uniform(2, 4) ** 2] = 1
    grey = 0.7 - 0.5 * truth + rng.normal(0, 0.03, truth.shape)
    return torch.from_numpy(np.clip(grey, 0, 1).astype(np.float32)), torch.from_numpy(truth)


@pytest.mark.parametrize("name", SEGMENTERS)
def test_parameters_are_those_of_table_8(name):
    with torch.device("meta"):
        network = build_segmenter(name)
    assert parameter_count(network) / 1e6 == pytest.approx(TABLE_8[name], rel=5e-4)


@pytest.mark.parametrize("name", GIGA_MACS)
def test_multiply_accumulates_of_a_patch(name):
    with torch.device("meta"):
        network, patch = build_segmenter(name), torch.zeros(1, 1, 64, 64, 64)
        assert multiply_accumulates(network, patch) / 1e9 == pytest.approx(
            GIGA_MACS[name], rel=0.03
        )


def test_multiply_accumulates_of_single_layers():
    class Layers(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.all = torch.nn.Sequential(
                torch.nn.Conv3d(2, 3, 3, padding=1), torch.nn.ConvTranspose3d(3, 5, 2, stride=2)
            )

        def window_values(self, patches):
            return self.all(patches)

    found = multiply_accumulates(Layers(), torch.zeros(1, 2, 4, 4, 4))
    assert found == 64 * 27 * 2 * 3 + 64 * 8 * 3 * 5


@pytest.mark.parametrize("name", SEGMENTERS)
def test_values_of_windows(name):
    network, (patches, _) = small(name).eval(), batch()
    with torch.inference_mode():
        values = network.window_values(patches)
        again = network.window_values(patches)
    assert values.shape == (2, 32, 32, 32)
    assert torch.equal(values, again)
    assert float(values.abs().max()) <= network.bound
    score = network.finish(values.numpy())
    assert score.dtype == np.float32
    assert score.min() >= 0
    assert score.max() <= 1


@pytest.mark.parametrize("name", SEGMENTERS)
def test_training_lowers_the_loss_and_moves_every_weight(name):
    network, (patches, truth) = small(name).train(), batch()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    before = {key: value.detach().clone() for key, value in network.named_parameters()}
    losses = []
    for step in range(8):
        torch.manual_seed(step)
        optimiser.zero_grad()
        loss = network.loss(patches, truth)["loss"]
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert all(bool(torch.isfinite(p.grad).all()) for p in network.parameters())
    still = [key for key, p in network.named_parameters() if torch.equal(p, before[key])]
    assert still == []
    assert min(losses[-2:]) < losses[0]


@pytest.mark.parametrize("name", [name for name in SEGMENTERS if "vae" in name])
def test_unsupervised_networks_do_not_look_at_the_truth(name):
    network, (patches, truth) = small(name).eval(), batch()
    losses = []
    for given in (None, truth, 1 - truth):
        torch.manual_seed(3)
        losses.append(float(network.loss(patches, given)["loss"].detach()))
    assert losses[0] == losses[1] == losses[2]


def test_supervised_networks_need_the_truth():
    with pytest.raises(ValueError, match="must be given the truth"):
        small("unet").loss(batch()[0])


@pytest.mark.parametrize("name", ["unet", "mss-unet", "unet++", "unet3+"])
def test_nothing_beyond_the_halo_is_seen(name):
    network = build_segmenter(name, width=0.125, edge=64).double().eval()
    edge = 2 * network.halo + 16
    field = torch.rand(1, 1, 16, 16, edge, dtype=torch.float64)
    changed = field.clone()
    changed[..., -1] += 1
    with torch.inference_mode():
        moved = (network(field)[0] - network(changed)[0]).abs().amax(dim=(0, 1, 2, 3))
    reach = edge - int(torch.nonzero(moved)[0])
    assert 24 < reach <= network.halo + 1


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
    network = small("cevae").eval()
    network.reconstruct = lambda patches: patches
    torch.manual_seed(0)
    parts = network.loss(torch.ones(2, 1, 32, 32, 32))
    assert float(parts["context"]) > 0


def test_code_book_follows_in_training_alone():
    torch.manual_seed(0)
    book, field = CodeBook(4, 8), torch.randn(2, 4, 3, 3, 3)
    codes = book.codes.clone()
    book.eval()(field)
    assert torch.equal(book.codes, codes)
    book.train()(field)
    assert not torch.equal(book.codes, codes)
    assert {"codes", "sums", "counts"} == set(book.state_dict())


def test_codes_come_to_the_means_of_what_is_nearest():
    torch.manual_seed(0)
    book = CodeBook(2, 2).train()
    points = torch.tensor([[-3.0, 0.0], [3.0, 1.0]]).T.reshape(1, 2, 2, 1, 1)
    for _ in range(2000):
        book(points)
    found = book.codes[book.codes[:, 0].argsort()]
    assert torch.allclose(found, torch.tensor([[-3.0, 0.0], [3.0, 1.0]]), atol=1e-2)


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


def test_width_must_be_positive():
    with pytest.raises(ValueError, match="width must be positive"):
        build_segmenter("unet", width=0.0)
