from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


@st.composite
def boxes(draw, shape):
    """Origin and shape of any box inside a volume of `shape`."""
    spans = []
    for size in shape:
        start = draw(st.integers(0, size - 1))
        spans.append((start, draw(st.integers(1, size - start))))
    return tuple(span[0] for span in spans), tuple(span[1] for span in spans)


def box_of(array, origin, shape):
    return array[tuple(slice(o, o + s) for o, s in zip(origin, shape, strict=True))]


@pytest.fixture
def reads_like():
    """Any box of a source is that box of the array: values, dtype, layout."""

    def check(source, array, *, examples=25):
        assert source.shape == array.shape
        assert source.dtype == array.dtype

        @settings(max_examples=examples, deadline=None, database=None)
        @given(boxes(array.shape))
        def any_box(box):
            got = source(*box)
            assert got.dtype == array.dtype
            assert got.flags.c_contiguous
            assert got.flags.writeable
            np.testing.assert_array_equal(got, box_of(array, *box))

        any_box()
        np.testing.assert_array_equal(source((0, 0, 0), array.shape), array)

    return check


@pytest.fixture
def voxels():
    """A (7, 11, 13) volume without symmetry; `voxels(dtype)`."""

    def make(dtype=np.uint16, shape=(7, 11, 13)):
        dtype = np.dtype(dtype)
        random = np.random.default_rng(7)
        if dtype.kind == "f":
            return random.normal(size=shape).astype(dtype)
        limits = np.iinfo(dtype)
        return random.integers(limits.min, limits.max, shape, dtype, endpoint=True)

    return make


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real volumes beside the repository."""
    folder = Path(__file__).resolve().parents[3] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the folder of real volumes is not there")
    return folder
