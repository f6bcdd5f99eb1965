"""Samples: their shapes, their places, and their voxels."""

import numpy as np
import pytest

from poroscale.compare.microstructure.config import CompareMicrostructureConfig
from poroscale.compare.microstructure.samples import (
    ComparedMedium,
    SampleCut,
    sample_shape,
    section_samples,
    sub_samples,
    write_sample,
)
from poroscale.engine import Run
from poroscale.statistics.phases import PhaseMap

CONFIG = CompareMicrostructureConfig()


@pytest.mark.parametrize(
    ("reference", "generated", "edge", "shape"),
    [
        ((400, 400, 400), (128, 128, 128), None, (128, 128, 128)),
        ((128, 128, 128), (128, 128, 128), None, (64, 64, 64)),
        ((64, 64, 64), (40, 40, 40), None, (32, 32, 32)),
        ((32, 300, 300), (64, 256, 256), None, (32, 100, 100)),
        ((400, 400, 400), (128, 128, 128), 50, (50, 50, 50)),
        ((1, 427, 427), (128, 128, 128), None, (1, 128, 128)),
        ((1, 128, 128), (128, 256, 256), None, (1, 64, 64)),
        ((1, 40, 200), (64, 64, 64), None, (1, 40, 50)),
    ],
)
def test_a_reference_gives_enough_samples(reference, generated, edge, shape):
    config = CompareMicrostructureConfig(edge=edge)
    assert sample_shape([reference], [generated], config) == shape


def test_sides_that_are_too_small_are_refused():
    with pytest.raises(ValueError, match="at least 8 voxels wide"):
        sample_shape([(1, 100, 100)], [(4, 40, 40)], CONFIG)


@pytest.fixture
def medium(as_volume):
    voxels = np.random.default_rng(0).integers(0, 3, (16, 24, 40)).astype(np.uint8) * 100
    return ComparedMedium("medium", as_volume(voxels), PhaseMap((0, 100, 200))), voxels


def test_sub_volumes_lie_side_by_side(medium, tmp_path):
    one, voxels = medium
    cuts = sub_samples([one], (8, 12, 12), 100)
    assert len(cuts) == 2 * 2 * 3
    assert len({cut.origin for cut in cuts}) == len(cuts)
    assert len(sub_samples([one], (8, 12, 12), 5)) == 5
    made = write_sample(cuts[-1], (8, 12, 12), tmp_path / "s.zarr", run=Run(progress=False))
    assert np.array_equal(made.read(), voxels[8:, 12:, 28:] // 100)


@pytest.mark.parametrize("normal", [0, 1, 2])
def test_a_section_has_the_axis_across_it_first(medium, normal):
    one, voxels = medium
    cut = SampleCut(one.volume, one.phases, (3, 4, 5), normal)
    box = np.moveaxis(voxels, normal, 0) // 100
    first = [3, 4, 5]
    across, row, column = first.pop(normal), *first
    expected = box[across : across + 1, row + 1 : row + 9, column : column + 9]
    assert np.array_equal(cut((0, 1, 0), (1, 8, 9)), expected)


def test_sections_are_taken_in_every_plane_or_in_one(medium):
    one, _ = medium
    every = section_samples([one], (1, 8, 8), CONFIG)
    assert [cut.normal for cut in every] == [0] * 4 + [1] * 4 + [2] * 4
    for cut in every:  # all lie in the volume
        assert cut((0, 0, 0), (1, 8, 8)).shape == (1, 8, 8)
    plane = CompareMicrostructureConfig(plane="zx", sections=2)
    assert [cut.normal for cut in section_samples([one], (1, 8, 8), plane)] == [1, 1]
