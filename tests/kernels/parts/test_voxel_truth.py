from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from poroscale.kernels.parts.voxel_truth import AT_EDGE, COUNT, FIRST, OPEN, PIECES, voxelise
from poroscale.phantoms.config import PhantomConfig
from poroscale.phantoms.part import PartPhases, PoreIds
from poroscale.phantoms.plan import phantom_plan

SHAPE = (70, 84, 90)


@pytest.mark.parametrize("part", ["cylinder", "cube"])
def test_statistics_equal_those_of_the_whole_array(part):
    config = PhantomConfig(shape=SHAPE, porosity=0.04, part=part, open_fraction=0.2, seed=3)
    plan = phantom_plan(config)
    statistics, pieces = voxelise(plan.outline, plan.pores, SHAPE)
    ids, phases = PoreIds(config)((0, 0, 0), SHAPE), PartPhases(config)((0, 0, 0), SHAPE)
    outside = ndimage.binary_dilation(phases == 0)
    edge = np.ones(SHAPE, bool)
    edge[1:-1, 1:-1, 1:-1] = False
    assert (statistics[:, OPEN] > 0).sum() > 3
    for i, row in enumerate(statistics):
        where = ids == i + 1
        assert row[COUNT] == where.sum()
        if row[COUNT]:
            assert row[FIRST] == np.flatnonzero(where)[0]
            assert row[1:4].tolist() == np.argwhere(where).sum(axis=0).tolist()
        assert row[PIECES] == ndimage.label(where)[1]
        assert row[OPEN] == bool((where & outside).any())
        assert row[AT_EDGE] == bool((where & edge).any())
    assert pieces[:, 2].sum() == statistics[:, COUNT].sum()
    assert len(pieces) == ndimage.label(phases == 2)[1]
