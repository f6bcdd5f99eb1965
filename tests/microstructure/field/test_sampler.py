"""A levelled field: the same voxels for any box, and the statistics that were asked for."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poroscale.kernels.gaussian.bivariate import both_below, level_of
from poroscale.microstructure.field.fit import FittedField, predicted
from poroscale.microstructure.field.sampler import LevelledField, field_tile
from poroscale.microstructure.placed import PlacedSampler, sampler_pass
from poroscale.microstructure.shares import Gradient, Shares
from poroscale.pipelines.microstructure.methods.by_field import save_field

INDEX = st.tuples(*[st.integers(-30, 30)] * 3)
SHAPE = st.tuples(*[st.integers(1, 25)] * 3)


def bell(reach, width):
    """A kernel whose covariance is exp(-(r / width)^2 / 4)."""
    z, y, x = np.ogrid[tuple(slice(-reach, reach + 1) for _ in range(3))]
    kernel = np.exp(-(z**2 + y**2 + x**2) / (2 * width**2))
    return (kernel / np.sqrt((kernel**2).sum())).astype(np.float32)


@pytest.fixture(scope="module")
def fitted():
    return FittedField((1, 0, 2), (bell(4, 1.5), bell(3, 1.0)), (0.3, 0.2, 0.5), {})


@pytest.fixture(scope="module")
def sampler(fitted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("field")
    digest = save_field(fitted, folder)
    return LevelledField(
        folder / "weights.safetensors",
        digest,
        order=fitted.order,
        reaches=(4, 3),
        shares=Shares(fitted.fractions),
        tile=(16, 24, 16),
        seed=5,
    )


@pytest.fixture(scope="module")
def large(sampler):
    return sampler.but(tile=(96, 96, 96))((0, 0, 0), (96, 96, 96))


@given(origin=INDEX, shape=SHAPE, data=st.data())
def test_a_box_within_a_box_is_the_same(sampler, origin, shape, data):
    whole = sampler(origin, shape)
    start = [data.draw(st.integers(0, n - 1)) for n in shape]
    extent = [data.draw(st.integers(1, n - a)) for n, a in zip(shape, start, strict=True)]
    first = tuple(o + a for o, a in zip(origin, start, strict=True))
    part = sampler(first, tuple(extent))
    place = tuple(slice(a, a + n) for a, n in zip(start, extent, strict=True))
    assert whole.dtype == np.uint8
    assert np.array_equal(whole[place], part)


def test_a_copy_in_another_process_gives_the_same(sampler):
    assert np.array_equal(
        pickle.loads(pickle.dumps(sampler))((-3, 2, 5), (8, 9, 10)), sampler((-3, 2, 5), (8, 9, 10))
    )


def test_another_seed_is_another_medium(sampler):
    assert not np.array_equal(
        sampler((0, 0, 0), (16, 24, 16)), sampler.but(seed=6)((0, 0, 0), (16, 24, 16))
    )


def test_fractions_are_those_asked_for(large):
    shares = np.bincount(large.ravel(), minlength=3) / large.size
    assert shares == pytest.approx([0.3, 0.2, 0.5], abs=0.01)


def test_s2_is_that_of_the_model(fitted, large):
    vectors = np.array([(0, 0, k) for k in range(1, 8)] + [(2, 1, 3), (4, 0, 2)])
    expected = predicted(fitted, vectors)
    for k, (z, y, x) in enumerate(vectors):
        near = large[: 96 - z, : 96 - y, : 96 - x]
        far = large[z:, y:, x:]
        for (a, b), values in expected.items():
            both = ((near == a) & (far == b)).mean()
            back = ((near == b) & (far == a)).mean()
            assert 0.5 * (both + back) == pytest.approx(values[k], abs=0.01)


def test_the_first_field_has_the_covariance_of_its_kernel(sampler):
    field = sampler.but(tile=(96, 96, 96)).field(0, (0, 0, 0), (96, 96, 96))
    assert field.mean() == pytest.approx(0.0, abs=0.03)
    assert field.std() == pytest.approx(1.0, abs=0.02)
    for lag in (1, 2, 4):
        expected = np.exp(-((lag / 1.5) ** 2) / 4)
        assert (field[lag:] * field[:-lag]).mean() == pytest.approx(expected, abs=0.03)


def test_seams_of_tiles_do_not_show(sampler):
    """As many changes of phase across the faces of tiles as within them."""
    box = sampler((0, 0, 0), (64, 48, 64))
    changes = (box[1:] != box[:-1]).mean(axis=(1, 2))
    across = changes[15::16]
    assert across.mean() == pytest.approx(changes.mean(), rel=0.1)


def test_a_periodic_medium_repeats_and_its_faces_fit(sampler):
    periodic = sampler.but(period=(20, 30, 16), tile=(20, 30, 16))
    box = periodic((0, 0, 0), (20, 30, 16))
    assert np.array_equal(periodic((20, -30, 32), (20, 30, 16)), box)
    inside = (box[1:] != box[:-1]).mean()
    assert (box[0] != box[-1]).mean() == pytest.approx(inside, abs=0.15)


def test_a_gradient_sets_the_fraction_layer_by_layer(sampler):
    shares = Shares((0.3, 0.2, 0.5), 0, Gradient(0, 0.1, 0.7, 96))
    box = sampler.but(tile=(96, 96, 96), shares=shares)((0, 0, 0), (96, 96, 96))
    bottom, top = box[:16], box[-16:]
    assert (bottom == 0).mean() == pytest.approx(0.15, abs=0.03)
    assert (top == 0).mean() == pytest.approx(0.65, abs=0.03)
    others = np.bincount(top.ravel(), minlength=3)[1:]
    assert others[0] / others.sum() == pytest.approx(0.2 / 0.7, abs=0.05)


def test_a_volume_lies_anywhere_in_the_medium(sampler):
    """With its gradient, which belongs to the volume."""
    at = (-20, 7, 3)
    here = PlacedSampler(sampler, at)
    assert np.array_equal(here((5, 0, 1), (9, 8, 7)), sampler((-15, 7, 4), (9, 8, 7)))
    varying = Gradient(0, 0.1, 0.7, 30, at)
    moved = sampler.but(shares=Shares((0.3, 0.2, 0.5), 0, varying))
    layers = [moved.shares.of_box((z - 20, 7, 3), (1, 1, 1))[0].item() for z in (0, 29)]
    assert layers == pytest.approx([0.1, 0.7])
    assert PlacedSampler(moved, at)((0, 0, 0), (30, 24, 16)).shape == (30, 24, 16)


def test_every_process_holds_the_transforms(sampler):
    declared = sampler_pass(sampler)
    assert declared.held == sampler.held > 0
    assert declared.driver == 0
    assert declared.multiple == sampler.tile


def test_other_weights_under_the_same_name_are_refused(sampler, fitted, tmp_path):
    save_field(fitted, tmp_path)
    other = sampler.but(weights=tmp_path / "weights.safetensors", digest="0" * 64)
    with pytest.raises(OSError, match="replaced"):
        other((0, 0, 0), (4, 4, 4))


def test_the_tile_grows_with_the_memory():
    small, large = (field_tile((24,), allowed=size << 20, workers=2) for size in (200, 1500))
    assert small.bytes * 2 <= 200 << 20
    assert large.tile > small.tile
    assert large.halo_cost < small.halo_cost
    with pytest.raises(MemoryError, match="tile"):
        field_tile((24,), allowed=1 << 20, workers=1)


def test_a_checkerboard_of_pairs_sums_to_one(fitted):
    vectors = np.array([(0, 0, 0), (1, 2, 3)])
    found = predicted(fitted, vectors)
    total = sum(values * (1 if a == b else 2) for (a, b), values in found.items())
    assert total == pytest.approx([1.0, 1.0])
    assert found[1, 1][0] == pytest.approx(0.2)
    assert found[1, 1][1] == pytest.approx(both_below(level_of(0.2), np.exp(-14 / 9)), abs=0.002)
