"""SliceGAN as a sampler: the plain network's volume, the same bytes for any box, periods."""

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from poroscale.engine import Run, fill_pass
from poroscale.microstructure.placed import sampler_pass
from poroscale.microstructure.shares import Gradient, Shares
from poroscale.microstructure.slicegan.biases import PhaseBiases, fitted_biases
from poroscale.microstructure.slicegan.sampler import (
    SliceGanGrey,
    SliceGanSampler,
    SliceGanScores,
)
from poroscale.microstructure.slicegan.tile import (
    plan_slicegan_tile,
    slicegan_held_bytes,
    slicegan_tile_bytes,
)
from poroscale.microstructure.slicegan.weights import (
    load_slicegan,
    reference_sample,
    save_slicegan,
)
from poroscale.networks.slicegan.generator import SliceGanShape
from poroscale.volume import VolumeSpec
from tests.microstructure.slicegan.conftest import random_generator

FRACTIONS = (0.2, 0.5, 0.3)


@pytest.fixture(scope="module")
def scores(weights):
    return SliceGanScores.of(weights, 16, seed=3)


@pytest.fixture(scope="module")
def sampler(weights, scores):
    return SliceGanSampler(scores, PhaseBiases.of(reference_sample(weights), Shares(FRACTIONS)))


@pytest.fixture(scope="module")
def cube(sampler):
    """The phases around the origin."""
    return sampler((-24, -24, -24), (48, 48, 48))


def part(cube, origin, shape):
    return cube[tuple(slice(o + 24, o + 24 + n) for o, n in zip(origin, shape, strict=True))]


def plain(generator, latents):
    """float32 (z, y, x, channels) of the network itself, all latents at once."""
    with torch.inference_mode():
        found = generator.scores(torch.from_numpy(np.ascontiguousarray(latents))[None])
    return np.moveaxis(found[0].numpy(), 0, -1)


def test_it_is_the_network_on_all_latents_at_once(generator, scores, sampler, cube):
    latents = scores.latents((-3, -3, -3), (8, 8, 8))
    assert abs(latents.std() - 1) < 0.05
    assert abs(np.corrcoef(latents.reshape(5, -1)) - np.eye(5)).max() < 0.2
    whole = plain(generator, latents)
    assert whole.shape == (48, 48, 48, 3)
    assert np.ptp(whole) > 0.5
    for first in [(-24, -24, -24), (-8, 0, 8)]:
        at = tuple(slice(o + 24, o + 24 + 16) for o in first)
        np.testing.assert_allclose(scores.computed(first, (16,) * 3), whole[at], atol=1e-5)
    wanted = (whole + np.float32(sampler.biases.values)).argmax(axis=-1)
    assert np.array_equal(cube, wanted)


BOX = st.tuples(*[st.integers(-24, 23)] * 3).flatmap(
    lambda o: st.tuples(st.just(o), st.tuples(*[st.integers(1, min(11, 24 - i)) for i in o]))
)


@settings(deadline=None, max_examples=25)
@given(box=BOX)
def test_every_box_has_the_same_bytes(sampler, cube, box):
    found = sampler(*box)
    assert found.dtype == np.uint8
    assert np.array_equal(found, part(cube, *box))


@pytest.mark.parametrize("tile", [(8, 8, 8), (8, 24, 16), (24, 40, 8)])
def test_any_tile_gives_the_same_bytes(scores, sampler, cube, tile):
    other = SliceGanSampler(scores.but(tile=tile), sampler.biases)
    assert np.array_equal(other((-24, -24, -24), (48, 48, 48)), cube)
    assert other.recipe == sampler.recipe
    big, small = scores.computed((8, -8, 0), (24, 40, 8)), scores.computed((16, 0, 0), (8, 8, 8))
    assert np.array_equal(big[8:16, 8:16], small)


def test_resize_convolutions_are_as_exact_for_any_tile(new_path):
    network = random_generator(SliceGanShape(3, latent=5, widths=(12, 10), upsampling="resize"))
    path = new_path().with_suffix(".safetensors")
    save_slicegan(path, network)
    scores = SliceGanScores.of(path, 16, seed=4)
    whole = plain(network, scores.latents((-3, -3, -3), (8, 8, 8)))
    assert np.ptp(whole) > 0.1
    found = scores.computed((-24, -24, -24), (48, 48, 48))
    np.testing.assert_allclose(found, whole, atol=1e-5)
    for tile, first in [((8, 8, 8), (-8, 0, 8)), ((16, 8, 24), (0, -24, -8))]:
        at = tuple(slice(o + 24, o + 24 + n) for o, n in zip(first, tile, strict=True))
        assert np.array_equal(scores.computed(first, tile), found[at])
    box = SliceGanSampler(scores, PhaseBiases((0.0, 0.0, 0.0)))((-5, 2, 3), (9, 7, 4))
    assert np.array_equal(box, found.argmax(axis=-1)[19:28, 26:33, 27:31])


def test_torch_gives_the_same_and_is_as_exact_for_any_box(scores, sampler, cube):
    direct = SliceGanSampler(scores.but(arithmetic="direct"), sampler.biases)
    assert direct.recipe["scores"]["tile"] == [16] * 3
    whole = direct((-16, -16, -16), (32, 32, 32))
    assert (whole != cube[8:40, 8:40, 8:40]).mean() < 1e-3
    box = ((-4, 3, -7), (9, 5, 8))
    assert np.array_equal(direct(*box), whole[12:21, 19:24, 9:17])


@pytest.mark.parametrize("cluster", ["threads", "processes"])
def test_a_volume_has_the_same_bytes_for_any_block_and_worker(sampler, new_path, request, cluster):
    if cluster == "processes":
        cluster = request.getfixturevalue("scheduler")
    whole = sampler((0, 0, 0), (20, 30, 34))
    spec = VolumeSpec(whole.shape, np.dtype(np.uint8), (1, 1, 1), chunks=(8, 16, 16))
    for block in [None, (8, 16, 32), (16, 32, 16)]:
        run = Run(block=block, workers=2, cluster=cluster, progress=False)
        declared, recipe = sampler_pass(sampler), sampler.recipe
        volume = fill_pass(declared, new_path(), spec=spec, recipe=recipe, run=run)
        assert np.array_equal(volume.read(), whole)


def test_it_pickles_without_weights(sampler):
    data = pickle.dumps(sampler)
    assert len(data) < 2500
    again = pickle.loads(data)
    assert np.array_equal(again((1, 2, 3), (2, 2, 2)), sampler((1, 2, 3), (2, 2, 2)))


def test_it_repeats_after_its_period(scores, sampler):
    periodic = SliceGanSampler(scores.but(period=(16, None, 40)), sampler.biases)
    box = periodic((-5, 2, 3), (40, 9, 70))
    assert np.array_equal(box[:24], box[16:])
    assert np.array_equal(box[:, :, :30], box[:, :, 40:])
    assert not np.array_equal(box, sampler((-5, 2, 3), (40, 9, 70)))
    with pytest.raises(ValueError, match="a period must be a multiple of 8 voxels"):
        scores.but(period=(16, None, 20))


def test_biases_give_the_wanted_fractions_elsewhere(sampler):
    found = sampler((800, 0, 0), (96, 96, 96))
    shares = np.bincount(found.ravel(), minlength=3) / found.size
    np.testing.assert_allclose(shares, FRACTIONS, atol=0.02)


def test_a_fraction_may_vary(weights, scores):
    sample = reference_sample(weights)
    shares = Shares((0.2, 0.5, 0.3), 1, Gradient(0, 0.1, 0.9, 120))
    biases = PhaseBiases.of(sample, shares)
    found = SliceGanSampler(scores, biases)((0, 0, 0), (120, 80, 80))
    for first in (0, 40, 100):
        slab = found[first : first + 20]
        wanted = 0.1 + 0.8 * (first + 9.5) / 119
        assert abs((slab == 1).mean() - wanted) < 0.04
        assert abs((slab == 2).sum() / (slab == 0).sum() - 1.5) < 0.4
    assert biases.recipe["varying"] == {"gradient": [0, 0.1, 0.9, 120], "at": [0, 0, 0]}


@pytest.mark.parametrize("fractions", [(0.3, 0.7), (0.1, 0.2, 0.7), (0.05, 0.15, 0.5, 0.3)])
def test_fitted_biases_are_exact_on_their_sample(fractions):
    sample = np.random.default_rng(1).normal(size=(20_000, len(fractions))).astype(np.float32)
    sample[:, 1] += 3 * sample[:, 0]
    biases = fitted_biases(sample, fractions)
    assert biases[0] == 0
    found = np.bincount((sample + np.array(biases)).argmax(axis=1), minlength=len(fractions))
    np.testing.assert_allclose(found / len(sample), fractions, atol=1e-3)


def test_grey_values(new_path):
    network = random_generator(SliceGanShape(1, latent=4, widths=(6,), output="grey"))
    path = new_path().with_suffix(".safetensors")
    save_slicegan(path, network)
    grey = SliceGanGrey(SliceGanScores.of(path, 8, seed=1))
    found = grey((-3, 5, 0), (13, 8, 9))
    assert found.dtype == np.uint8
    latents = torch.from_numpy(np.ascontiguousarray(grey.scores.latents((-1, 1, 0), (6, 5, 5))))
    with torch.inference_mode():
        wanted = network(latents[None])[0, 0].numpy()[1:14, 1:9, :9]
    np.testing.assert_allclose(found, 255 * wanted, atol=0.51)
    with pytest.raises(ValueError, match="must be one for each of 1 grey"):
        SliceGanSampler(grey.scores, PhaseBiases((0.0, 0.0)))
    with pytest.raises(ValueError, match="`thresholds` must be 255 scores, got 1"):
        SliceGanGrey(grey.scores, (0.0,))


def test_the_plan_of_tiles():
    network = SliceGanShape(2)
    large = plan_slicegan_tile(network, memory=3 << 29, workers=2)
    small = plan_slicegan_tile(network, memory=200 << 20)
    assert small.tile[0] <= large.tile[0]
    assert small.halo_cost > large.halo_cost > 1
    assert "the halo costs" in str(large)
    assert all(edge % 32 == 0 for edge in large.tile)
    assert slicegan_tile_bytes(network, small.tile) + slicegan_held_bytes(network) <= 200 << 20
    for widths in [(8,), (2,) * 9]:  # a latent for 4 and for 1024 voxels
        few = SliceGanShape(2, latent=2, widths=widths)
        assert min(plan_slicegan_tile(few, memory=64 << 30).tile) in (256, 1024)
    with pytest.raises(MemoryError, match="memory must be at least"):
        plan_slicegan_tile(network, memory=100 << 20)


def test_bad_settings_are_refused(weights, scores, tmp_path):
    with pytest.raises(ValueError, match="`tile` must be a multiple of 8"):
        scores.but(tile=(16, 16, 12))
    with pytest.raises(ValueError, match="`arithmetic` must be paired or direct"):
        scores.but(arithmetic="fft")
    network, _ = load_slicegan(weights)
    network.shape = SliceGanShape(3, latent=5, widths=(12, 11))
    save_slicegan(tmp_path / "w.safetensors", network)
    with pytest.raises(ValueError, match=r"must hold the weights that its card states: 5 latent"):
        load_slicegan(tmp_path / "w.safetensors")
    with pytest.raises(ValueError, match="fit the model again"):
        reference_sample(tmp_path / "w.safetensors")
