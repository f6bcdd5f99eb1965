import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from poroscale.kernels.bodies.nearest_shares import BESIDE, WIDEST, Reach, share_sums
from poroscale.kernels.distance import distance_to
from poroscale.kernels.grey.partial_volume import OUTSIDE_SHARE

RADII = st.sampled_from([0.0, 1.0, 2.0, 3.5, 4.0, 5.2])


def nearest(labels):
    """Distance to the nearest label, and the smallest of those that are so near; no radius."""
    best, owner = np.full(labels.shape, np.inf), np.zeros(labels.shape, np.int64)
    for label in np.unique(labels[labels > 0]):
        distance = distance_transform_edt(labels != label)
        nearer = distance < best
        best[nearer], owner[nearer] = distance[nearer], label
    return best, owner


def expected_sums(labels, shares, radius, origin=(0, 0, 0)):
    """`{label: sums}` by looking at the whole array."""
    distance, owner = nearest(labels)
    found = {}
    for label in np.unique(owner[owner > 0]):
        at = (owner == label) & (shares != OUTSIDE_SHARE) & (distance <= radius)
        beside = at & (distance**2 <= BESIDE + 0.5)
        weights = shares[beside].astype(np.int64)
        moments = (np.argwhere(beside) + origin) * weights[:, None]
        sums = [shares[at].sum(dtype=np.int64), weights.sum(), *moments.sum(axis=0)]
        if any(sums):
            found[int(label)] = [int(n) for n in sums]
    return found


def scattered(seed, shape, fill, many=30):
    """Labels on a share of the voxels, ties among them, and shares of every value."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(shape) < fill) * rng.integers(1, many, shape, dtype=np.uint32)
    return labels.astype(np.uint32), rng.integers(-128, 128, shape).astype(np.int8)


@given(
    st.integers(0, 2**32 - 1),
    st.tuples(*[st.integers(1, 12)] * 3),
    st.sampled_from([0.0, 0.01, 0.1, 0.5]),
    RADII,
)
def test_sums_equal_the_whole_array(seed, shape, fill, radius):
    labels, shares = scattered(seed, shape, fill)
    reach = Reach.of(radius)
    grown = (np.pad(each, reach.width) for each in (labels, shares))
    present, sums = share_sums(*grown, reach=reach, origin=(7, -2, 100))
    expected = expected_sums(labels, shares, radius, (7, -2, 100))
    assert dict(zip(present.tolist(), sums.tolist(), strict=True)) == expected


def test_labels_in_the_halo_take_what_is_nearest_to_them():
    labels, shares = np.zeros((7, 7, 9), np.uint32), np.zeros((7, 7, 9), np.int8)
    labels[3, 3, 1], labels[3, 3, 7] = 4_000_000_000, 9
    shares[3, 3, 3:6] = 10, 20, -30
    present, sums = share_sums(labels, shares, reach=Reach.of(3.0))
    assert present.tolist() == [9, 4_000_000_000]
    assert sums[:, 0].tolist() == [-10, 10]  # the voxel in the middle goes to the smaller label
    assert not sums[:, 1:].any()


@pytest.mark.parametrize("radius", [0.0, 1.0, 1.73, 3.0, 3.5, 2.5 * 0.7984 + 1.5])
def test_reach_is_that_of_the_porosity(radius):
    mask = np.zeros((11, 11, 11), bool)
    mask[5, 5, 5] = True
    squares = ((np.indices(mask.shape) - 5) ** 2).sum(axis=0)
    near = distance_to(mask) <= np.float32(radius)
    squared, width = Reach.of(radius)
    np.testing.assert_array_equal(near, squares <= squared)
    assert near[5, 5, 5 + width]
    assert not near[5, 5, 6 + width]


@pytest.mark.parametrize("radius", [-1.0, WIDEST + 0.1, float("nan")])
def test_bad_radius(radius):
    with pytest.raises(ValueError, match="radius must be between"):
        Reach.of(radius)
