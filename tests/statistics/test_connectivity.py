"""Clusters of a phase, equal to labels of the whole array for every grid."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from poroscale.engine import Run, volume_from_array
from poroscale.statistics.connectivity import connectivity
from poroscale.statistics.phases import PhaseMap, phase_map
from poroscale.volume import VolumeSpec
from tests.statistics.random_phases import phase_volumes

QUIET = Run(progress=False, workers=1)


def whole(phase, neighbours):
    """Clusters by scipy: their number, the largest share, and shares that reach through."""
    labels, count = ndimage.label(phase, np.ones((3, 3, 3)) if neighbours == 26 else None)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    through = []
    for axis in range(3):
        ends = [np.unique(labels.take(k, axis)) for k in (0, -1)]
        both = np.intersect1d(*ends)
        through.append(sizes[both].sum())
    return count, sizes.max(), through


@settings(max_examples=12)
@given(phase_volumes(), st.sampled_from([6, 26]))
def test_blocks_give_the_clusters_of_the_whole(as_volume, sample, neighbours):
    volume, inside = (None if a is None else as_volume(a) for a in (sample.phases, sample.inside))
    found = connectivity(
        volume,
        sample.map,
        sample.value,
        connectivity=neighbours,
        inside=inside,
        run=QUIET.but(block=sample.block),
    )
    total = int(sample.phase.sum())
    count, largest, through = whole(sample.phase, neighbours)
    assert (found.clusters, found.voxels, found.neighbours) == (count, total, neighbours)
    if not total:
        assert math.isnan(found.connected_fraction)
        return
    assert found.connected_fraction == largest / total
    for axis, n in enumerate(sample.phases.shape):
        expected = None if n == 1 else through[axis] / total
        assert found.percolating_fraction[axis] == expected
        assert found.percolates[axis] == (None if n == 1 else through[axis] > 0)


def test_an_image_has_no_way_along_z(as_volume):
    image = np.zeros((1, 6, 9), np.uint8)
    image[0, 2] = 1
    found = connectivity(as_volume(image), PhaseMap((0, 1)), 1, run=QUIET)
    assert found.percolates == (None, False, True)
    assert found.percolating_fraction == (None, 0, 1)


def test_what_makes_no_sense_is_refused(as_volume, tmp_path):
    array = np.zeros((2, 3, 4), np.uint8)
    volume = as_volume(array)
    with pytest.raises(ValueError, match="one of the values 0, got 1"):
        connectivity(volume, phase_map(volume), 1)
    with pytest.raises(ValueError, match="`connectivity` must be 6, 18 or 26, got 8"):
        connectivity(volume, phase_map(volume), 0, connectivity=8)
    other = volume_from_array(
        np.ones((2, 3, 5), bool), tmp_path / "m.zarr", spec=VolumeSpec((2, 3, 5), bool, (1, 1, 1))
    )
    with pytest.raises(ValueError, match=r"mask .*m.zarr must have the shape \(2, 3, 4\)"):
        connectivity(volume, phase_map(volume), 0, inside=other)
