"""Patches are drawn in memory that does not grow with the scan."""

import tracemalloc

import numpy as np
import pytest

from poroscale.engine import Run
from poroscale.segmentation.training.data import LabelledScan, TrainingData
from poroscale.segmentation.training.patches import PatchSampler
from tests.segmentation.pores_in_metal import CHUNK, bar

EDGE, CACHE = 16, 512 * 1024


@pytest.mark.parametrize("times", [1, 5])
def test_drawing_patches_takes_no_more_than_the_cache_and_some_patches(times, as_volume, tmp_path):
    grey, phases = (np.tile(each, (times, 1, 1)) for each in bar(shape=(64, 64, 64)))
    scan = LabelledScan(as_volume(grey, chunks=CHUNK), as_volume(phases, chunks=CHUNK))
    size = grey.nbytes + phases.nbytes
    del grey, phases
    data = TrainingData.of([scan], (), tmp_path, supervised=True, cache=CACHE, run=Run())
    sampler = PatchSampler(data.sources, data.split(1, 0).training, EDGE, 0.5, 0)
    sampler.patch(0, 0)
    tracemalloc.start()
    for number in range(60):
        sampler.patch(1, number)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert data.sources[0].scan.cache.nbytes <= CACHE
    assert peak < CACHE + 2.5e6
    if times == 5:
        assert peak < size
