"""The two-point cluster function, equal to brute force for every grid."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from poroscale.engine import Run
from poroscale.statistics.cluster_function import cluster_function
from poroscale.statistics.connectivity import connectivity
from poroscale.statistics.phases import PhaseMap, phase_map
from tests.statistics.random_phases import phase_volumes

QUIET = Run(progress=False, workers=1)


def pairs(array, axis, lag):
    """Both ends of all pairs at a lag."""
    n = array.shape[axis]
    return (np.take(array, range(k, max(k, n - lag + k)), axis) for k in (0, min(lag, n)))


@settings(max_examples=12)
@given(phase_volumes(), st.integers(0, 12))
def test_blocks_count_the_pairs_of_the_whole(as_volume, sample, lags):
    lags = min(lags, max(sample.phases.shape) - 1)
    volume, inside = (None if a is None else as_volume(a) for a in (sample.phases, sample.inside))
    found = cluster_function(
        volume,
        sample.map,
        sample.value,
        lags=lags,
        inside=inside,
        run=QUIET.but(block=sample.block),
    )
    assert repr(found.clusters) == repr(  # NaN of nothing is equal, too
        connectivity(volume, sample.map, sample.value, inside=inside, run=QUIET)
    )
    labels, _ = ndimage.label(sample.phase)
    for axis in range(3):
        for lag in range(lags + 1):
            a, b = pairs(labels, axis, lag)
            assert found.together[axis, lag] == ((a == b) & (a > 0)).sum()
            p, q = pairs(sample.phase, axis, lag)
            assert found.together[axis, lag] <= (p & q).sum()  # C2 <= S2
            p, q = pairs(sample.counted, axis, lag)
            assert found.inside[axis, lag] == (p & q).sum()
    if sample.counted.any():
        assert found.values[:, 0] == pytest.approx(sample.phase.sum() / sample.counted.sum())


def test_layers_are_connected_along_themselves_only(as_volume):
    layers = np.zeros((12, 4, 6), np.uint8)
    layers[::2] = 1
    found = cluster_function(as_volume(layers), PhaseMap((0, 1)), 1, lags=4, run=QUIET).values
    assert found[0].tolist() == [0.5, 0, 0, 0, 0]  # S2 is 0.5 at every second lag
    assert found[1][:4].tolist() == [0.5] * 4
    assert np.isnan(found[1][4])
    assert found[2].tolist() == [0.5] * 5


def test_lags_beyond_the_volume_are_refused(as_volume):
    volume = as_volume(np.zeros((2, 3, 4), np.uint8))
    with pytest.raises(ValueError, match=r"`lags` must be from 0 to 3, .* got 4"):
        cluster_function(volume, phase_map(volume), 0, lags=4)
