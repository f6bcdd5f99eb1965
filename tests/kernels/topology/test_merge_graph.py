from functools import reduce
from itertools import pairwise, product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from poroscale.kernels.topology.merge_graph import ClosedBox, glue, merge_block


def pairs_by_blocks(keys, cuts, *, wide, outside):
    """Pairs of blocks that are joined along x, then along y, then along z."""
    pairs = []

    def swept(low, high):
        place = ClosedBox(low, high, keys.shape)
        box = tuple(slice(a, b + 1) for a, b in zip(low, high, strict=True))
        graph, found = merge_block(
            np.ascontiguousarray(keys[box]), place, wide=wide, outside=outside
        )
        pairs.append(found)
        return place, graph

    def joined(a, b):
        place = ClosedBox(a[0].first, b[0].last, keys.shape)
        graph, found = glue(a[1], b[1], place)
        pairs.append(found)
        return place, graph

    spans = [
        [(a, min(b, n - 1)) for a, b in pairwise([*cut, n])]
        for cut, n in zip(cuts, keys.shape, strict=True)
    ]
    slabs = []
    for z in spans[0]:
        rows = [
            reduce(joined, (swept(*zip(z, y, x, strict=True)) for x in spans[2])) for y in spans[1]
        ]
        slabs.append(reduce(joined, rows))
    graph = reduce(joined, slabs)[1]
    return np.concatenate(pairs, axis=1), graph


@st.composite
def cut_arrays(draw):
    shape = draw(st.tuples(*[st.integers(1, 7)] * 3))
    seed, most = draw(st.integers(0, 999)), draw(st.sampled_from([2, 4, 200]))
    keys = np.random.default_rng(seed).integers(0, most, shape).astype(np.uint8)
    cuts = [sorted({0, *draw(st.sets(st.integers(0, n - 1), max_size=n))}) for n in shape]
    return keys, cuts


@given(cut_arrays(), st.booleans(), st.booleans())
def test_blocks_give_the_pairs_of_the_whole(cut, wide, outside):
    keys, cuts = cut
    whole = ClosedBox((0, 0, 0), tuple(n - 1 for n in keys.shape), keys.shape)
    graph, pairs = merge_block(keys, whole, wide=wide, outside=outside)
    found, left = pairs_by_blocks(keys, cuts, wide=wide, outside=outside)
    assert sorted(map(tuple, found.T.tolist())) == sorted(map(tuple, pairs.T.tolist()))
    assert left.birth.tolist() == graph.birth.tolist()
    assert len(left.birth) == 1
    assert not len(left.level)


def test_a_block_hands_on_a_small_part_of_its_faces():
    keys = np.random.default_rng(1).integers(0, 255, (40, 40, 40)).astype(np.uint8)
    place = ClosedBox((40, 40, 40), (79, 79, 79), (120, 120, 120))
    graph, _ = merge_block(keys, place, wide=True)
    faces = 40**3 - 38**3
    assert len(graph.voxel) < 0.4 * faces
    graph, _ = merge_block(~keys, place, wide=False, outside=True)
    assert len(graph.voxel) < 0.7 * faces


def test_every_cut_through_a_volume_of_one_value_leaves_one_component():
    keys = np.zeros((4, 4, 4), np.uint8)
    for cuts in product([[0], [0, 1, 2, 3]], repeat=3):
        pairs, graph = pairs_by_blocks(keys, cuts, wide=True, outside=False)
        assert not pairs.size
        assert graph.birth.tolist() == [0]
