import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from poroscale.kernels.pyramid import LAYERS, coarsen

SHAPES = hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=2 * LAYERS + 3)


def cells(block):
    """The eight voxels that each coarse voxel stands for, an odd last layer counted twice."""
    padded = np.pad(block, [(0, n % 2) for n in block.shape], mode="edge")
    parts = [padded[z::2, y::2, x::2] for z in (0, 1) for y in (0, 1) for x in (0, 1)]
    return np.stack(parts)


@given(
    hnp.arrays(st.sampled_from(["uint8", "int16", "uint16", "int32"]), SHAPES, fill=st.nothing())
    | hnp.arrays(np.uint8, SHAPES, elements=st.integers(0, 255))
)
def test_every_voxel_stands_for_eight(block):
    mean = np.floor(cells(block).astype(np.float64).mean(axis=0) + 0.5)
    np.testing.assert_array_equal(coarsen(block, how="mean"), mean.astype(block.dtype))
    np.testing.assert_array_equal(coarsen(block, how="max"), cells(block).max(axis=0))


def test_floats_are_averaged():
    block = np.random.default_rng(2).normal(size=(5, 34, 7)).astype(np.float32)
    np.testing.assert_allclose(
        coarsen(block, how="mean"), cells(block).mean(axis=0), rtol=1e-5, atol=1e-7
    )


@pytest.mark.parametrize("how", ["mean", "max"])
def test_it_takes_little_beside_the_block(how):
    block = np.ones((128, 128, 128), np.uint16)
    tracemalloc.start()
    try:
        coarsen(block, how=how)
        assert tracemalloc.get_traced_memory()[1] < block.nbytes
    finally:
        tracemalloc.stop()


def test_another_rule_is_refused():
    with pytest.raises(ValueError, match="pyramid must be mean or max"):
        coarsen(np.ones((2, 2, 2)), how="median")
