"""S2 of the whole array, for any blocks, phases and mask, and its closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poroscale.engine import Run
from poroscale.kernels.phases import pair_counts
from poroscale.statistics.pair_counting import correlations, reach_of
from poroscale.statistics.phases import PhaseMap
from tests.statistics.media import boolean_model, layers, media, pairs_at
from tests.strategies import blocks


def pairs_of(first, second, vector):
    """Voxels of `first` that find one of `second` at the vector; plain slices."""
    here, there = pairs_at(vector, first.shape)
    return np.count_nonzero(first[here] & second[there])


@pytest.fixture(params=[1 << 28, 0], ids=["all layers at once", "a few layers at a time"])
def kept(request, monkeypatch):
    monkeypatch.setattr(pair_counts, "KEPT", request.param)


@settings(max_examples=12)
@given(media(), st.booleans(), blocks(), st.integers(0, 3))
def test_pairs_are_those_of_the_whole_array(as_volume, kept, medium, masked, block, lags):
    array, inside = medium
    lags = min(lags, max(array.shape) - 1)
    mask = as_volume(inside) if masked else None
    inside = inside if masked else np.ones_like(inside)
    found = correlations(
        as_volume(array), pairs=[(0, 0), (0, 1)], lags=lags, inside=mask,
        phases=PhaseMap((0,), rest=True), run=Run(block=block),
    )  # fmt: skip
    fields = {0: (array == 0) & inside, 1: (array != 0) & inside}
    z, y, x = found.reach
    for vector in np.ndindex(z + 1, 2 * y + 1, 2 * x + 1):
        step = np.subtract(vector, (0, y, x))
        for a, b in [(0, 0), (0, 1), (1, 1)]:
            either = pairs_of(fields[a], fields[b], step) + pairs_of(fields[b], fields[a], step)
            assert 2 * found.pairs[a, b][vector] == either
        assert found.part[vector] == pairs_of(inside, inside, step)
        for code, field in fields.items():
            ends = pairs_of(field, inside, step) + pairs_of(inside, field, step)
            assert found.ends[code][vector] == ends


@settings(max_examples=12)
@given(media(), blocks())
def test_pairs_of_many_phases(as_volume, medium, block):
    array, _ = medium
    count = len(np.unique(array))
    every = [(a, b) for a in range(count) for b in range(a, count)]
    lags = min(3, max(array.shape) - 1)
    found = correlations(as_volume(array), pairs=every, lags=lags, run=Run(block=block))
    fields = [array == value for value in found.phases.values]
    z, y, x = found.reach
    for vector in [(z, 0, x), (0, y, 2 * x), (z, 2 * y, 0)]:
        step = np.subtract(vector, (0, y, x))
        for a, b in every:
            either = pairs_of(fields[a], fields[b], step) + pairs_of(fields[b], fields[a], step)
            assert 2 * found.pairs[a, b][vector] == either


def test_overlapping_spheres_have_their_closed_forms(as_volume):
    """Void of equal spheres: phi ** (union of two spheres over one); Torquato (2002), ch. 5."""
    radius = 7.0
    medium = boolean_model((128, 128, 128), radius=radius, fraction=0.5, seed=2)
    found = correlations(as_volume(medium, chunks=(64, 64, 128)), lags=24)
    void, lags = found.fraction(0), np.arange(25)
    apart = np.minimum(lags / (2 * radius), 1)
    union = np.where(apart < 1, 1 + 1.5 * apart - 0.5 * apart**3, 2)
    assert found.radial(0, 0) == pytest.approx(void**union, abs=0.01)
    assert found.along(0, 0, 1) == pytest.approx(void**union, abs=0.02)
    density = -np.log(void) / (4 / 3 * np.pi * radius**3)
    surface = density * 4 * np.pi * radius**2 * void
    assert found.surface(0) == pytest.approx(surface, rel=0.07)  # S2 is convex within one voxel
    assert found.surface(1) == pytest.approx(found.surface(0))
    normal = (void**union - void**2) / (void - void**2)
    expected = np.interp(-np.exp(-1), -normal, lags)
    assert found.correlation_length(0) == pytest.approx(expected, rel=0.05)


def test_a_sample_knows_how_well_it_knows_its_fraction(as_volume):
    """The deviation that one sample states is the one that many samples show."""
    fractions, stated = [], []
    for seed in range(16):
        image = boolean_model((1, 128, 128), radius=6.0, fraction=0.6, seed=seed)
        found = correlations(as_volume(image, chunks=(1, 128, 128)), lags=24)
        fractions.append(found.fraction(1))
        stated.append(found.fraction_deviation(1))
    assert np.nanmedian(stated) == pytest.approx(np.std(fractions), rel=0.35)


def test_an_ordered_sample_states_a_bound(as_volume):
    """Layers sum up to less than nothing; up to the first zero they say how large a layer is."""
    found = correlations(as_volume(layers((64, 16, 16), period=8)), lags=15)
    assert 0 < found.fraction_deviation(1) < 0.1
    assert found.fraction_deviation(0) == pytest.approx(found.fraction_deviation(1))


def test_layers_are_alike_along_them_and_opposed_across(as_volume):
    found = correlations(as_volume(layers((64, 16, 16), period=8)), lags=15)
    assert found.along(1, 1, 2) == pytest.approx(np.full(16, 0.5))
    assert found.along(1, 1, 0)[[0, 4, 8]] == pytest.approx([0.5, 0, 0.5], abs=0.05)
    cross = correlations(as_volume(layers((64, 16, 16), period=8)), lags=4, pairs=[(0, 1)])
    assert cross.along(0, 1, 0)[[0, 4]] == pytest.approx([0, 0.5], abs=0.01)


@pytest.mark.parametrize("masked", [False, True])
def test_both_phases_have_the_surface_between_them_where_the_edge_holds_one_only(as_volume, masked):
    z, y, x = np.ogrid[:32, :34, :36]
    ball = ((z - 16) ** 2 + (y - 17) ** 2 + (x - 18) ** 2 < 12**2).astype(np.uint8)
    inside = as_volume(np.ones_like(ball)) if masked else None
    found = correlations(as_volume(ball), lags=4, inside=inside)
    assert found.surface(1) == pytest.approx(4 * np.pi * 12**2 / ball.size, rel=0.05)
    assert found.surface(0) == pytest.approx(found.surface(1))


@pytest.mark.parametrize("lags", [0, 2])
def test_lags_below_the_correlation_length_give_no_deviation(as_volume, lags):
    volume = as_volume(boolean_model((40, 40, 40), radius=8.0, fraction=0.5, seed=1))
    assert np.isnan(correlations(volume, lags=lags).fraction_deviation(1))


def test_voxels_may_be_flat(as_volume):
    medium = layers((32, 16, 16), period=8)
    found = correlations(as_volume(medium, voxel_size=(4.0, 2.0, 2.0)), lags=8)
    assert found.step == 2.0
    assert len(found.radial(1, 1)) == 9
    assert found.surface(1) == pytest.approx(7 / 62 / 4 * 4 / 3)


def test_lags_longer_than_the_volume_are_refused(as_volume):
    with pytest.raises(ValueError, match=r"`lags` must be at least 0 and at most 9 voxels"):
        correlations(as_volume(np.zeros((2, 3, 10), np.uint8)), lags=10)
    assert reach_of((2, 3, 10), 9) == (1, 2, 9)
    assert reach_of((512, 512, 512), None) == (64, 64, 64)
