"""What the ten networks cost, against Table 8 of the paper and against other counts."""

from functools import lru_cache

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from poroscale.benchmarks.complexity import TABLE_8
from poroscale.networks.complexity import multiply_accumulates, parameter_count
from poroscale.networks.segmenter import Segmenter
from poroscale.networks.segmenters import SEGMENTERS, build_segmenter

CONVOLUTIONS = {
    "unet": 14.1,
    "mss-unet": 14.2,
    "unet++": 34.7,
    "unet3+": 84.5,
    "acc-unet": 35.5,
    "vae": 2.28,
    "cevae": 4.55,
    "gmvae": 151,
}
"""10⁹ multiply-accumulates that the authors' convolutions make."""


@lru_cache
def on_meta(name):
    with torch.device("meta"):
        network, patch = build_segmenter(name), torch.zeros(1, 1, 64, 64, 64)
    # Table 8's forward of gmVAE goes through the prior of its latents, as in training.
    return network, patch, network.loss if name == "gmvae" else None


@pytest.mark.parametrize("name", TABLE_8)
def test_parameters_are_those_of_table_8(name):
    assert round(parameter_count(on_meta(name)[0]) / 1e6, 3) == TABLE_8[name].parameters


@pytest.mark.parametrize("name", TABLE_8)
def test_multiply_accumulates_are_those_of_table_8(name):
    network, patch, call = on_meta(name)
    with torch.device("meta"):
        found = multiply_accumulates(network, patch, call=call, as_published=True)
    # ACC-UNet's many normalisations and poolings are in the paper's count.
    share = 0.07 if name == "acc-unet" else 0.035
    assert found / 1e9 == pytest.approx(TABLE_8[name].macs, rel=share)


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_multiply_accumulates_that_are_made(name):
    network, patch, call = on_meta(name)
    with torch.device("meta"):
        found = multiply_accumulates(network, patch, call=call)
    assert found / 1e9 == pytest.approx(CONVOLUTIONS[name], rel=0.025)


@pytest.mark.parametrize("name", [name for name in SEGMENTERS if name != "vqvae"])
def test_multiply_accumulates_are_those_that_torch_dispatches(name):
    """torch's own counter sees operations, so also those that are called as functions."""
    network, patch, _ = on_meta(name)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval().window_values(patch)
    assert 2 * multiply_accumulates(network, patch) == counter.get_total_flops()


class Layers(Segmenter):
    """Two layers whose multiply-accumulates can be counted by hand."""

    multiple, smallest = 1, 1

    def __init__(self):
        super().__init__(4)
        self.all = torch.nn.Sequential(
            torch.nn.Conv3d(2, 4, 3, padding=1, groups=2),
            torch.nn.ConvTranspose3d(4, 5, 2, stride=2),
            torch.nn.Linear(8, 6),
        )

    def loss(self, patches, truth=None):
        return {"loss": self.all(patches).mean()}

    def window_values(self, patches):
        return self.all(patches)

    @staticmethod
    def finish(values):
        return values


def test_multiply_accumulates_by_hand():
    network, field = Layers(), torch.zeros(1, 2, 4, 4, 4)
    grouped, linear = 64 * 4 * 27, 8 * 8 * 5 * 6 * 8
    assert multiply_accumulates(network, field) == grouped + 64 * 4 * 5 * 8 + linear
    at_output = grouped + 512 * 4 * 5 * 8 + linear
    assert multiply_accumulates(network, field, as_published=True) == at_output


def test_counting_leaves_the_network_as_it_was():
    network = Layers().train()
    multiply_accumulates(network, torch.zeros(1, 2, 4, 4, 4))
    assert network.training
    assert not any(layer._forward_hooks for layer in network.all)
