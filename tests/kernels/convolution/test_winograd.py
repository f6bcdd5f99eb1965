"""Winograd's convolutions give what the plain sums give, wherever and however they are cut."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional

from poroscale.kernels.convolution import winograd
from poroscale.kernels.convolution.winograd import WinogradChain

SLOPE = 0.01


def layers_of(depth, width, channels, seed=0):
    rng = np.random.default_rng(seed)
    widths = [channels, *[width] * depth]
    layers = [
        (rng.normal(0, (2 / (27 * a)) ** 0.5, (b, a, 3, 3, 3)), rng.normal(0, 0.3, b))
        for a, b in pairwise(widths)
    ]
    return [*layers, (rng.normal(0, 1, (1, width, 1, 1, 1)), rng.normal(0, 1, 1))]


def plain(layers, noise):
    """The chain in float64."""
    values = torch.from_numpy(noise).double()[None]
    *inner, last = [(torch.from_numpy(w), torch.from_numpy(b)) for w, b in layers]
    for weight, bias in inner:
        values = functional.leaky_relu(functional.conv3d(values, weight, bias), SLOPE)
    return functional.conv3d(values, *last)[0, 0].numpy()


@pytest.mark.parametrize(
    ("depth", "width", "channels", "edges"),
    [
        (1, 24, 3, (4, 4, 4)),
        (2, 5, 1, (1, 2, 3)),
        (3, 8, 3, (7, 9, 61)),
        (2, 30, 9, (4, 6, 5)),
        (8, 24, 3, (6, 40, 4)),
        (4, 8, 3, (40, 6, 4)),
    ],
)
def test_the_chain_is_that_of_plain_sums(depth, width, channels, edges):
    layers = layers_of(depth, width, channels)
    shape = [n + 2 * depth for n in edges]
    noise = np.random.default_rng(1).normal(size=(channels, *shape)).astype(np.float32)
    found = WinogradChain.of(layers, SLOPE)(noise)
    wanted = plain(layers, noise)
    assert found.shape == edges
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-6 * np.abs(wanted).max() + 1e-6)


def test_bits_do_not_depend_on_the_box_whose_origin_is_even():
    layers = layers_of(3, 8, 3)
    chain = WinogradChain.of(layers, SLOPE)
    noise = np.random.default_rng(1).normal(size=(3, 50, 40, 70)).astype(np.float32)
    whole = chain(noise)
    for origin, shape in [
        ((0, 0, 0), (5, 5, 5)),
        ((2, 6, 4), (9, 20, 58)),
        ((40, 0, 0), (4, 3, 9)),
    ]:
        box = tuple(slice(o, o + n + 6) for o, n in zip(origin, shape, strict=True))
        inner = tuple(slice(o, o + n) for o, n in zip(origin, shape, strict=True))
        assert np.array_equal(chain(noise[(slice(None), *box)]), whole[inner])


def test_what_a_group_leaves_over_is_not_seen(monkeypatch):
    """Blocks beyond the end of a row are multiplied with what the scratch holds."""
    layers = layers_of(2, 8, 3)
    noise = np.random.default_rng(1).normal(size=(3, 8, 8, 10)).astype(np.float32)
    chain = WinogradChain.of(layers, SLOPE)
    clean = chain(noise)
    original = winograd._scratch

    def soiled(*widths):
        arrays = original(*widths)
        for array in arrays:
            array[...] = np.nan
        return arrays

    monkeypatch.setattr(winograd, "_scratch", soiled)
    assert np.array_equal(chain(noise), clean)
