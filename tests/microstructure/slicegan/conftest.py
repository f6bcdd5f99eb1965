"""A small generator of SliceGAN with statistics as after a training."""

import pytest
import torch

from poroscale.microstructure.slicegan.reference import sampled_scores
from poroscale.microstructure.slicegan.weights import save_slicegan
from poroscale.networks.slicegan.generator import SliceGanShape, SliceGenerator


def random_generator(shape, seed=0):
    """A generator whose normalisation is not that of the beginning."""
    torch.manual_seed(seed)
    network = SliceGenerator(shape)
    for normalisation in network.normalisations:
        torch.nn.init.uniform_(normalisation.running_mean, -0.3, 0.3)
        torch.nn.init.uniform_(normalisation.running_var, 0.3, 1.5)
        torch.nn.init.uniform_(normalisation.weight, 0.5, 2.0)
        torch.nn.init.normal_(normalisation.bias, 0.0, 0.3)
    return network.eval()


@pytest.fixture(scope="session")
def generator():
    """Three layers: a latent for 8 voxels, three phases."""
    return random_generator(SliceGanShape(3, latent=5, widths=(12, 10)))


@pytest.fixture(scope="session")
def weights(generator, tmp_path_factory):
    """File of the generator with its reference sample."""
    path = tmp_path_factory.mktemp("slicegan") / "weights.safetensors"
    save_slicegan(path, generator, sampled_scores(generator))
    return path
