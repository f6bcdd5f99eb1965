"""A chain of transposed convolutions by pairs against torch, for odd and even extents."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional

from poroscale.kernels.convolution import transposed
from poroscale.kernels.convolution.transposed import (
    TransposedChain,
    paired_of,
    scratch_bytes,
    weight_bytes,
)


def layers_of(widths, seed=0):
    rng = np.random.default_rng(seed)
    return [
        (rng.normal(0, 0.2, (a, b, 4, 4, 4)), rng.normal(0, 0.2, b)) for a, b in pairwise(widths)
    ]


def by_torch(layers, latents):
    values = torch.from_numpy(latents)[None].double()
    for number, (weight, bias) in enumerate(layers):
        last = number == len(layers) - 1
        padding = 3 if last else 2
        values = functional.conv_transpose3d(
            values, torch.from_numpy(weight), torch.from_numpy(bias), 2, padding
        )
        values = values if last else values.relu()
    return np.moveaxis(values[0].numpy(), 0, -1)


@pytest.mark.parametrize("few", [1, 1000])
@pytest.mark.parametrize("most", [0, 20_000, 1 << 30])
@pytest.mark.parametrize("widths", [(3, 9, 2), (4, 8, 16, 5), (2, 30, 7, 9, 1)])
def test_it_is_the_plain_sum(widths, most, few, monkeypatch):
    monkeypatch.setattr(transposed, "FEW", few)
    layers = layers_of(widths)
    chain = TransposedChain.of(layers, widths, most=most)
    for extent in [(3, 4, 5), (5, 3, 3)]:
        latents = np.random.default_rng(1).normal(size=(widths[0], *extent)).astype(np.float32)
        wanted = by_torch(layers, latents)
        found = chain(latents)
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-6 * np.abs(wanted).max())


def test_a_group_of_blocks_may_be_small(monkeypatch):
    monkeypatch.setattr(transposed, "SEEN_BYTES", 1)
    monkeypatch.setattr(transposed, "FEW", 4)
    layers = layers_of((3, 8, 3))
    latents = np.random.default_rng(1).normal(size=(3, 4, 5, 4)).astype(np.float32)
    found = TransposedChain.of(layers, (3, 8, 3))(latents)
    np.testing.assert_allclose(found, by_torch(layers, latents), rtol=0, atol=1e-5)


def test_bits_do_not_depend_on_the_extent():
    layers = layers_of((3, 8, 8, 2))
    chain = TransposedChain.of(layers, (3, 8, 8, 2))
    latents = np.random.default_rng(1).normal(size=(3, 6, 7, 6)).astype(np.float32)
    whole = chain(latents)
    for z, y, x in [(0, 0, 0), (1, 3, 2), (2, 1, 3)]:
        part = chain(np.ascontiguousarray(latents[:, z : z + 4, y : y + 3, x : x + 3]))
        at = tuple(slice(8 * o, 8 * o + n) for o, n in zip((z, y, x), part.shape, strict=False))
        assert np.array_equal(whole[at], part)


def test_weights_take_what_the_plan_says():
    widths = (4, 16, 24, 8, 3)
    for most in (0, 1 << 17, 1 << 30):
        chain = TransposedChain.of(layers_of(widths), widths, most=most)
        assert [each.paired for each in chain.layers] == paired_of(widths, most)
        stated = sum(
            weight_bytes(a, b, axes)
            for (a, b), axes in zip(pairwise(widths), paired_of(widths, most), strict=True)
        )
        assert chain.bytes <= stated <= 1.5 * chain.bytes
    assert not any(paired_of(widths)[0])
    assert scratch_bytes(widths) > 0
