"""Weights of small networks."""

import numpy as np
import pytest

from poroscale.microstructure.swnn_weights import import_published_swnn
from tests.networks.published_swnn import random_weights


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """(arrays with the authors' names, file of weights) of a network of three layers."""
    folder = tmp_path_factory.mktemp("swnn")
    arrays = random_weights(depth=3, width=8)
    np.savez(folder / "published.npz", **arrays)
    import_published_swnn(folder / "published.npz", folder / "swnn.safetensors")
    return arrays, folder / "swnn.safetensors"
