"""A network with conditions: interpolated, exact for any box and tile, with either arithmetic."""

import pickle
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from poroscale.microstructure.swnn import SwnnField, SwnnSampler
from poroscale.microstructure.swnn_folded import FoldedSwnn, folded_layers, winograd_chain
from poroscale.microstructure.swnn_tile import tile_bytes
from poroscale.microstructure.swnn_weights import load_swnn, save_swnn
from poroscale.networks.swnn import SLOPE, Swnn, SwnnShape

SHAPE = SwnnShape(depth=3, width=6, targets=3)


def network_of(shape, seed=0):
    """A network whose normalisations have seen something."""
    torch.manual_seed(seed)
    network = Swnn(shape)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    return network.eval()


@dataclass(frozen=True)
class Ramp:
    """A condition that grows along all axes, from 0 to 2."""

    scale: float = 0.02

    def __call__(self, origin, shape):
        places = (np.arange(o, o + n) for o, n in zip(origin, shape, strict=True))
        z, y, x = np.ix_(*places)
        return np.clip(self.scale * (3 * z + y + 2 * x) + 1, 0, 2).astype(np.float32)


def by_definition(network, noise, conditions):
    """Normalisations of the two nearest targets, mixed at each voxel."""
    values = torch.from_numpy(noise)[None]
    with torch.inference_mode():
        for number, block in enumerate(network.blocks):
            values = block.convolution(values)
            if number:
                ahead = number + 1
                at = torch.from_numpy(conditions[(slice(ahead, -ahead),) * 3])
                seen = torch.stack([norm(values)[0] for norm in block.normalisation.of])
                hats = [torch.clamp(1 - torch.abs(at - k), min=0) for k in range(len(seen))]
                values = sum(hat * each for hat, each in zip(hats, seen, strict=True))[None]
            values = functional.leaky_relu(values, SLOPE)
        return network.last(values)[0, 0].numpy()


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    path = tmp_path_factory.mktemp("conditions") / "swnn.safetensors"
    save_swnn(path, network_of(SHAPE))
    return SwnnField.of(path, 6, seed=3, condition=Ramp())


@pytest.fixture(scope="module")
def cube(field):
    return field((-12, -12, -12), (24, 24, 24))


@pytest.mark.parametrize("arithmetic", ["winograd", "direct"])
def test_each_voxel_has_the_normalisations_of_its_condition(field, arithmetic):
    here = ((-3, -3, -3), (26, 24, 25))
    noise, conditions = field.noise(*here), field.conditions(*here)
    assert (conditions.min(), conditions.max()) == (pytest.approx(0.64), 2.0)
    wanted = by_definition(load_swnn(field.weights)[0], noise, conditions)
    found = field.but(arithmetic=arithmetic, tile=(20, 18, 19))((0, 0, 0), (20, 18, 19))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("arithmetic", ["winograd", "direct"])
def test_every_box_has_the_same_bytes_where_the_condition_varies(field, arithmetic):
    field = field.but(arithmetic=arithmetic)
    whole = field((-12, -12, -12), (24, 24, 24))
    for origin, shape in [((-5, 3, -7), (9, 5, 8)), ((4, -12, 1), (1, 24, 2))]:
        part = tuple(slice(o + 12, o + 12 + n) for o, n in zip(origin, shape, strict=True))
        assert np.array_equal(field(origin, shape), whole[part])
        phases = SwnnSampler(field, (0.0, Ramp()))(origin, shape)
        places = np.broadcast_to(Ramp()(origin, shape), shape)
        assert np.array_equal(phases, (whole[part] >= 0) + (whole[part] >= places).astype(np.uint8))


@pytest.mark.parametrize("tile", [(8, 8, 8), (2, 4, 24), (40, 12, 14)])
def test_even_tiles_give_the_same_bytes_where_the_condition_varies(field, cube, tile):
    other = field.but(tile=tile)
    assert other.free_of_tiles
    assert np.array_equal(other((-12, -12, -12), (24, 24, 24)), cube)


@pytest.mark.parametrize("condition", [0.0, 0.4, 1.0, 2.0])
def test_one_condition_becomes_part_of_the_convolutions(field, condition):
    same = field.but(condition=Ramp(0.0)).but(condition=lambda _o, _s: np.float32(condition))
    alone = field.but(condition=condition)
    here = ((-2, 1, 0), (6, 7, 8))
    np.testing.assert_allclose(alone(*here), same(*here), rtol=0, atol=2e-5)
    assert alone.recipe["condition"] == condition
    assert "condition" not in SwnnSampler(alone).recipe
    network = load_swnn(field.weights)[0]
    if condition == 1:
        noise = torch.from_numpy(alone.noise((0, 0, 0), (9, 9, 9)))[None]
        with torch.inference_mode():
            np.testing.assert_allclose(
                FoldedSwnn(network, 1.0)(noise), network(noise, [1]), rtol=0, atol=2e-5
            )


def test_images_have_conditions_too(tmp_path):
    save_swnn(tmp_path / "flat.safetensors", network_of(SwnnShape(2, 5, dimensions=2, targets=2)))
    field = SwnnField.of(tmp_path / "flat.safetensors", 16, condition=Ramp(0.01))
    whole = field((0, 0, 0), (3, 16, 16))
    assert np.array_equal(field((1, 0, 0), (1, 16, 16)), whole[1:2])
    for plane in range(3):
        here = ((plane, -2, -2), (1, 20, 20))
        conditions = np.repeat(field.conditions(*here), 5, axis=0)
        wanted = by_definition_flat(load_swnn(field.weights)[0], field.noise(*here), conditions[0])
        np.testing.assert_allclose(whole[plane], wanted, rtol=0, atol=2e-5)


def by_definition_flat(network, noise, conditions):
    values = torch.from_numpy(noise[:, 0])[None]
    with torch.inference_mode():
        values = functional.leaky_relu(network.blocks[0].convolution(values), SLOPE)
        values = network.blocks[1].convolution(values)
        share = torch.from_numpy(conditions[2:-2, 2:-2])
        first, second = (norm(values) for norm in network.blocks[1].normalisation.of)
        values = functional.leaky_relu((1 - share) * first + share * second, SLOPE)
        return network.last(values)[0, 0].numpy()


def test_a_condition_is_asked_for_where_there_are_targets(field, small):
    with pytest.raises(ValueError, match="`condition` must be given for 3 dimensions"):
        field.but(condition=None)
    with pytest.raises(ValueError, match="`condition` must be left out"):
        SwnnField.of(small[1], 6, condition=1.0)
    network = load_swnn(field.weights)[0]
    for wrong in (None, -0.1, 2.1):
        with pytest.raises(ValueError, match=f"must lie between 0 and 2, got {wrong}"):
            folded_layers(network, wrong)
    with pytest.raises(ValueError, match="`targets` must be 0 or at least 2, got 1"):
        SwnnShape(targets=1)


def test_a_chain_that_is_modulated_pickles_and_plans_its_conditions(field):
    again = pickle.loads(pickle.dumps(field))
    assert np.array_equal(again((0, 0, 0), (4, 4, 4)), field((0, 0, 0), (4, 4, 4)))
    assert winograd_chain(load_swnn(field.weights)[0]).modulation is not None
    assert field.need > field.but(condition=1.0).need
    direct = [tile_bytes(SHAPE, (32, 32, 32), modulated=each) for each in (False, True)]
    assert direct[0] < direct[1] < 2 * direct[0]


def test_the_noise_is_covered(field):
    covered = field.but(condition=1.0, cover=Half(), mean=0.3)
    noise = covered.noise((0, 0, -4), (2, 3, 8))
    assert not noise[..., :4].any()
    assert np.array_equal(noise[..., 4:], field.but(mean=0.3).noise((0, 0, 0), (2, 3, 4)))
    assert covered.recipe["cover"] is None
    assert "cover" not in field.recipe


class Half:
    """Material at x >= 0."""

    def __call__(self, origin, shape):
        return (np.arange(origin[2], origin[2] + shape[2]) >= 0).astype(np.float32)[None, None]
