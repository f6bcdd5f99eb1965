"""The network of SWNN: as published, from the authors' weights, and folded."""

from pathlib import Path

import numpy as np
import pytest
import torch

from poroscale.microstructure.swnn_folded import FoldedSwnn
from poroscale.networks.swnn import (
    Swnn,
    SwnnShape,
    depth_for,
    from_published,
    published_shape,
)
from tests.networks.published_swnn import published_field, random_weights

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def network_of(arrays):
    network = Swnn(published_shape(arrays))
    network.load_published(arrays)
    return network.eval()


def noise_of(shape, edge, seed=0):
    axes = [edge + 2 * shape.depth + i for i in range(shape.dimensions)]
    return np.random.default_rng(seed).normal(size=(shape.noise, *axes)).astype(np.float32)


def test_the_published_network_has_as_many_parameters_as_published():
    assert sum(p.numel() for p in Swnn().parameters()) == 111_361


def test_depth_follows_from_the_autocorrelation_distance():
    assert [depth_for(d) for d in (0.5, 2, 4, 4.1, 16, 16.1, 18)] == [1, 1, 1, 2, 7, 8, 8]
    for wrong in (0, -3, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="autocorrelation distance must be positive"):
            depth_for(wrong)


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("depth", [1, 3, 8])
def test_folded_and_unfolded_give_the_published_field(dimensions, depth):
    arrays = random_weights(depth=depth, width=8, dimensions=dimensions)
    network = network_of(arrays)
    noise = noise_of(network.shape, 5)
    wanted = published_field(arrays, noise)
    with torch.inference_mode():
        whole = network(torch.from_numpy(noise)[None])[0, 0].numpy()
    folded = FoldedSwnn(network)(torch.from_numpy(noise)[None])[0, 0].numpy()
    assert whole.shape == wanted.shape == tuple(5 + i for i in range(dimensions))
    assert np.abs(wanted).max() > 0.1
    np.testing.assert_allclose(whole, wanted, rtol=0, atol=1e-5)
    np.testing.assert_allclose(folded, wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("material", ["M1", "M2", "M3", "M4"])
def test_the_authors_weights_give_the_published_field(material):
    path = SHARED / f"swnn_{material}_weights.npz"
    if not path.exists():
        pytest.skip(f"{path.name} is not here")
    arrays = dict(np.load(path))
    network = network_of(arrays)
    assert network.shape == SwnnShape()
    noise = noise_of(network.shape, 12)
    folded = FoldedSwnn(network)(torch.from_numpy(noise)[None])[0, 0].numpy()
    np.testing.assert_allclose(folded, published_field(arrays, noise), rtol=0, atol=1e-5)


def test_weights_of_another_architecture_are_refused_in_one_sentence():
    arrays = random_weights(depth=2, width=4)
    with pytest.raises(ValueError, match=r"m\.npz must be those of a network of SWNN with 3 dimen"):
        from_published(arrays, SwnnShape(), name="m.npz")
    with pytest.raises(ValueError, match=r"cb1_1\.conv\.weight is missing"):
        from_published({"layers.0.weight": np.zeros(3)})
    damaged = {**arrays, "cb2_1.bn.weight": np.zeros(5, np.float32)}
    with pytest.raises(ValueError, match="or other layers"):
        from_published(damaged)
    del arrays["last_conv.bias"]
    with pytest.raises(ValueError, match="or other layers"):
        from_published(arrays)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_is_close(precision):
    arrays = random_weights(depth=2, width=4)
    network = network_of(arrays)
    noise = noise_of(network.shape, 3)
    found = FoldedSwnn(network, precision=precision)(torch.from_numpy(noise)[None])
    assert found.dtype == torch.float32
    wanted = published_field(arrays, noise)
    off = np.abs(found[0, 0].numpy() - wanted).max() / np.abs(wanted).max()
    assert 0 < off < 0.05
