"""The networks of SliceGAN are those of Table 1."""

import pytest
import torch

from poroscale.networks.slicegan.critic import SliceCritic, edge_of_slices
from poroscale.networks.slicegan.generator import (
    ResizeConvolution,
    SliceGanShape,
    SliceGenerator,
    check_density,
)
from tests.microstructure.slicegan.conftest import random_generator


def test_generator_and_critic_have_the_published_numbers():
    shape = SliceGanShape(3)
    generator = SliceGenerator(shape)
    count = sum(each.numel() for each in generator.parameters())
    assert round(count / 1e6, 1) == 13.1
    assert (shape.cell, shape.edge(4), shape.edge(10)) == (32, 64, 256)
    critic = SliceCritic(3)
    assert edge_of_slices((64, 128, 256, 512)) == 64
    assert critic(torch.zeros(2, 3, 64, 64)).shape == (2,)
    assert round(sum(4 * each.numel() for each in critic.parameters()) / 1e6) == 11


def test_the_layers_have_the_published_extents():
    generator = random_generator(SliceGanShape(3, latent=4, widths=(6, 5, 4, 3)))
    extents = []
    for layer in generator.convolutions:
        layer.register_forward_hook(lambda _m, _i, found: extents.append(found.shape[-1]))
    found = generator(torch.randn(1, 4, 4, 4, 4))
    assert extents == [6, 10, 18, 34, 64]
    torch.testing.assert_close(found.sum(dim=1), torch.ones(1, 64, 64, 64))


def test_every_voxel_is_made_of_as_much():
    """Weights of one and latents of one: the density of information is the same everywhere."""
    generator = SliceGenerator(SliceGanShape(2, latent=1, widths=(1, 1))).eval()
    for layer in generator.convolutions:
        torch.nn.init.constant_(layer.weight, 0.125)
    found = generator.scores(torch.ones(1, 1, 4, 4, 4))
    assert found.max() - found.min() < 1e-5 * found.max()


@pytest.mark.parametrize(
    ("numbers", "words"),
    [((4, 4, 4), "longer than the stride"), ((4, 3, 2), "multiple"), ((4, 2, 1), "the padding")],
)
def test_uneven_layers_are_refused(numbers, words):
    with pytest.raises(ValueError, match=words):
        check_density(*numbers)


def test_even_layers_are_taken():
    for numbers in [(4, 2, 2), (6, 3, 3), (6, 2, 4)]:
        check_density(*numbers)


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match="2 channels at least"):
        SliceGanShape(1)
    with pytest.raises(ValueError, match="`output` must be phases or grey"):
        SliceGanShape(2, output="colour")
    with pytest.raises(ValueError, match="latents must be 3"):
        SliceGanShape(2).edge(2)


@pytest.mark.parametrize("padding", [2, 3])
def test_a_resize_convolution_doubles_and_convolves(padding):
    torch.manual_seed(0)
    layer = ResizeConvolution(3, 5, 4, 2, padding)
    values = torch.randn(2, 3, 4, 5, 6)
    doubled = values
    for axis in (2, 3, 4):
        doubled = doubled.repeat_interleave(2, axis)
    wanted = torch.nn.functional.conv3d(doubled, layer.taps.transpose(0, 1))
    if padding == 3:
        wanted = wanted[:, :, 1:-1, 1:-1, 1:-1]
    torch.testing.assert_close(layer(values), wanted, atol=1e-5, rtol=0)
    assert [name for name, _ in layer.named_parameters()] == ["taps"]
    layer(values).sum().backward()
    assert layer.taps.grad is not None


def test_a_generator_of_resize_convolutions_has_fewer_numbers_and_the_same_lattice():
    plain, resized = (SliceGanShape(3, upsampling=each) for each in ("transposed", "resize"))
    few, many = (
        sum(each.numel() for each in SliceGenerator(shape).convolutions.parameters())
        for shape in (resized, plain)
    )
    assert few * 64 == many * 27
    assert resized.edge(4) == plain.edge(4)
    assert "resize-convolutions" in resized.words
    with pytest.raises(ValueError, match="`upsampling` must be transposed or resize"):
        SliceGanShape(2, upsampling="nearest")
