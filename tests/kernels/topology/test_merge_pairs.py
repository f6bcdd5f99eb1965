from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from poroscale.kernels.topology.image_pairs import image_pairs
from poroscale.kernels.topology.merge_graph import ClosedBox, merge_block
from poroscale.kernels.topology.merge_pairs import merge_pairs
from poroscale.kernels.topology.order_keys import order_keys, unflipped
from tests.kernels.topology.brute_force import betti_numbers, components_by_value

TYPES = [np.uint8, np.float32]
"""Two types of keys: kernels are compiled for each, which takes seconds."""


@st.composite
def images(draw, axes=(2, 3), least=1):
    """Arrays with many and with few ties."""
    shape = tuple(draw(st.lists(st.integers(least, 7), min_size=axes[0], max_size=axes[1])))
    dtype = np.dtype(draw(st.sampled_from(TYPES)))
    numbers = draw(arrays(np.int16, shape, elements=st.integers(0, draw(st.sampled_from([2, 90])))))
    return (numbers * dtype.type(0.37) if dtype.kind == "f" else numbers).astype(dtype)


def counted(pairs):
    return Counter(map(tuple, pairs.tolist()))


@given(images(least=2))
def test_pairs_are_those_of_gudhi(values):
    gudhi = pytest.importorskip("gudhi")
    cells = gudhi.CubicalComplex(top_dimensional_cells=values.astype(np.float64))
    cells.compute_persistence(homology_coeff_field=2)
    found = merge_pairs(values)
    for dimension, ours in ((0, found.components), (values.ndim - 1, found.cavities)):
        theirs = cells.persistence_intervals_in_dimension(dimension).reshape(-1, 2)
        assert counted(ours.astype(np.float64)) == counted(theirs[np.isfinite(theirs[:, 1])])


@given(images(axes=(3, 3)), st.booleans())
def test_pairs_of_components_are_those_of_the_definition(values, wide):
    found = merge_pairs(values, wide=wide)
    assert counted(found.components) == components_by_value(values, wide=wide)
    assert found.oldest == values.min()


@given(images(axes=(3, 3), least=2), st.booleans())
def test_pairs_alive_are_components_and_cavities(values, wide):
    found = merge_pairs(values, wide=wide)
    for level in np.unique(values):
        components, _, cavities = betti_numbers(values <= level, wide=wide)
        assert 1 + alive(found.components, level) == components
        assert alive(found.cavities, level) == cavities


def alive(pairs, level):
    return np.count_nonzero((pairs[:, 0] <= level) & (level < pairs[:, 1]))


@given(images(axes=(2, 2)), st.booleans())
def test_images_are_flat_volumes(values, wide):
    """The sweep over pixels gives what the sweep over basins gives."""
    keys = order_keys(values)[None]
    ny, nx = values.shape
    whole = ClosedBox((0, 0, 0), (0, ny - 1, nx - 1), keys.shape)
    found = image_pairs(keys[0], wide=wide)
    _, components = merge_block(keys, whole, wide=wide)
    assert counted(found[0].T) == counted(components.T)
    if min(ny, nx) > 1:
        _, cavities = merge_block(~keys, whole, wide=not wide, outside=True)
        assert counted(found[1].T) == counted(unflipped(cavities[::-1], keys.dtype).T)
    else:
        assert not found[1].size


def test_a_ring_and_a_shell_are_born_closed_and_end_when_filled():
    ring = np.full((5, 5), 9, np.uint8)
    ring[1:4, 1:4] = 3
    ring[2, 2] = 7
    assert merge_pairs(ring).cavities.tolist() == [[3, 7]]
    shell = np.full((5, 5, 5), 9, np.uint8)
    shell[1:4, 1:4, 1:4] = 3
    shell[2, 2, 2] = 7
    found = merge_pairs(shell)
    assert found.cavities.tolist() == [[3, 7]]
    assert not len(found.components)
    assert found.oldest == 3


def test_corners_join_by_26_neighbours_and_not_by_6():
    values = np.full((4, 4, 4), 5, np.uint8)
    values[1, 1, 1], values[2, 2, 2] = 0, 1
    assert not len(merge_pairs(values).components)
    assert merge_pairs(values, wide=False).components.tolist() == [[1, 5]]


@pytest.mark.parametrize("thin", [(1, 5, 6), (5, 1, 6), (5, 6, 1)])
def test_a_volume_one_voxel_thick_is_an_image(thin):
    image = np.random.default_rng(3).integers(0, 9, (5, 6)).astype(np.uint8)
    flat, thick = merge_pairs(image), merge_pairs(image.reshape(thin))
    assert np.array_equal(flat.components, thick.components)
    assert len(flat.cavities)
    assert np.array_equal(flat.cavities, thick.cavities)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.array([[1.0, np.nan]]), "finite, got NaN"),
        (np.zeros(5), "two or three axes"),
        (np.zeros((0, 5)), "two or three axes"),
    ],
)
def test_what_has_no_pairs_is_refused(values, words):
    with pytest.raises(ValueError, match=words):
        merge_pairs(values)
