import numpy as np
import pytest

from poroscale.segment.fields import CoarseSeeds


def coarse_mask():
    mask = np.zeros((5, 6, 7), bool)
    mask[:, :3] = True  # cut by the frame
    mask[2, 5, 1:6] = True  # thin
    return mask


def test_coarse_seeds_are_the_same_in_whatever_box_they_are_asked_for():
    seeds = CoarseSeeds(coarse_mask(), (20, 25, 29), 4)
    whole = seeds((0, 0, 0), seeds.shape)
    assert whole.dtype == seeds.dtype
    for origin, shape in (((3, 5, 7), (9, 11, 13)), ((17, 20, 20), (3, 5, 9))):
        box = tuple(slice(o, o + n) for o, n in zip(origin, shape, strict=True))
        np.testing.assert_array_equal(seeds(origin, shape), whole[box])
    beyond = seeds((-2, 0, 0), (4, 25, 29))
    assert not beyond[:2].any()
    np.testing.assert_array_equal(beyond[2:], whole[:2])


def test_coarse_seeds_lie_inside_the_mask_and_in_each_of_its_components():
    seeds = CoarseSeeds(coarse_mask(), (20, 24, 28), 4)
    whole = seeds((0, 0, 0), seeds.shape)
    fine = np.repeat(np.repeat(np.repeat(seeds.mask, 4, 0), 4, 1), 4, 2)
    assert not (whole & ~fine).any()
    assert whole[:, :8].all()  # up to the frame
    assert not whole[:, 8:12].any()  # a coarse voxel away from what is not outside
    assert whole[8:12, 20:].any()


def test_a_coarse_mask_too_small_for_the_scan_is_refused():
    with pytest.raises(ValueError, match="must hold"):
        CoarseSeeds(coarse_mask(), (40, 24, 28), 4)
