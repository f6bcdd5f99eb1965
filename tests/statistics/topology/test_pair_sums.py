import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poroscale.kernels.topology.order_keys import order_keys
from poroscale.statistics.topology.pair_sums import PairSum, alive_by_level, unique_pairs


def pairs_of(seed, dtype):
    rng = np.random.default_rng(seed)
    births = rng.integers(0, 30, 300)
    both = np.stack([births, births + rng.integers(1, 20, 300)]).astype(dtype)
    return order_keys(both).astype(np.int64)


@given(st.integers(0, 99), st.sampled_from(["uint8", "float32", "int64"]), st.integers(1, 40))
def test_the_longest_pairs_stay_in_whatever_order_they_come(seed, dtype, most):
    pairs = pairs_of(seed, dtype)
    whole = PairSum(np.dtype(dtype), most=10**6)
    whole.add(unique_pairs(pairs))
    table = whole.table()
    assert (table.total, table.listed, table.cut) == (300, 300, 0)
    tables = []
    for order in (np.arange(300), np.random.default_rng(seed).permutation(300)):
        some = PairSum(np.dtype(dtype), most=most)
        for part in np.array_split(order, 7):
            some.add(unique_pairs(pairs[:, part]))
            some.table()
        tables.append(some.table())
    first, second = tables
    kept = table.death - table.birth > first.cut
    for name in ("birth", "death", "count"):
        assert np.array_equal(getattr(first, name), getattr(second, name))
        assert np.array_equal(getattr(first, name), getattr(table, name)[kept])
    assert first.cut == second.cut
    assert len(first.count) <= most
    assert first.total == 300


def test_pairs_are_alive_from_birth_to_before_death():
    pairs = np.array([[2, 2, 5], [6, 6, 40]])
    changes = alive_by_level(unique_pairs(pairs), np.array([1, 2, 5, 6, 9]))
    assert np.cumsum(changes).tolist() == [0, 2, 3, 1, 1, 0]


@pytest.mark.parametrize("shape", [(2, 0), (2, 1)])
def test_few_pairs(shape):
    table = PairSum(np.dtype(np.uint8))
    table.add(unique_pairs(np.arange(np.prod(shape), dtype=np.int64).reshape(shape)))
    assert table.table().total == shape[1]
