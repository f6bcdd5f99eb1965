"""Pairs of one label, counted from runs, against pairs counted one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poroscale.kernels.phases.cluster_pairs import equal_pairs


@settings(max_examples=30)
@given(
    st.integers(0, 2**32 - 1),
    st.tuples(*(st.integers(1, 20),) * 3),
    st.integers(0, 2),
    st.integers(0, 25),
    st.sampled_from([np.uint8, np.uint32]),
)
def test_pairs_of_runs_are_pairs_of_voxels(seed, shape, axis, lags, dtype):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, rng.integers(2, 5), shape).astype(dtype)
    count = int(rng.integers(0, shape[axis] + 1))
    found = equal_pairs(labels, axis, lags, count)
    lines = np.moveaxis(labels, axis, 0)
    for lag in range(lags + 1):
        begins, ends = lines[: min(count, max(0, len(lines) - lag))], lines[lag:]
        begins, ends = begins[: len(ends)], ends[: len(begins)]
        assert found[lag] == ((begins == ends) & (begins > 0)).sum()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_one_label_everywhere_has_all_pairs(axis):
    found = equal_pairs(np.ones((30, 30, 30), np.uint32), axis, 29, 30)
    assert found.tolist() == [900 * (30 - lag) for lag in range(30)]
