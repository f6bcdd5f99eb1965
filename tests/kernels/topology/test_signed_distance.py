import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from poroscale.kernels.topology.signed_distance import distance_halo, phase_distance


@given(st.integers(0, 99), st.sampled_from([(1.0, 1.0, 1.0), (2.5, 1.0, 0.7)]))
def test_distances_are_those_of_scipy_up_to_the_cap(seed, voxel):
    rng = np.random.default_rng(seed)
    phase = rng.random(rng.integers(1, 12, 3)) < rng.choice([0.05, 0.5, 0.95])
    phase.flat[0] = not phase.flat[-1] if phase.size > 1 else True
    found = phase_distance(phase, voxel_size=voxel, cap=5.0)
    known = distance_transform_edt(phase, sampling=voxel)
    known -= distance_transform_edt(~phase, sampling=voxel)
    if phase.all():  # one voxel: scipy counts from a voxel that is not there
        known = np.full(phase.shape, 5.0)
    assert found == pytest.approx(-np.clip(known, -5, 5), rel=1e-6)


@pytest.mark.parametrize("voxel", [(1.0, 1.3, 0.8), (0.9, 0.9, 0.9)])
def test_a_halo_gives_the_distances_of_the_whole(voxel):
    phase = np.random.default_rng(2).random((20, 20, 20)) < 0.05
    settings = {"voxel_size": voxel, "cap": 4.0}
    z, y, x = distance_halo(voxel, 4.0)
    assert max(z, y, x) <= 5
    whole = phase_distance(phase, **settings)
    box = np.s_[6 - z : 13 + z, 6 - y : 13 + y, 6 - x : 13 + x]
    part = phase_distance(phase[box], **settings)[z:-z, y:-y, x:-x]
    assert np.array_equal(part, whole[6:13, 6:13, 6:13])


def test_without_a_surface_all_is_the_cap():
    phase = np.ones((3, 4, 5), bool)
    assert (phase_distance(phase, voxel_size=(1, 1, 1), cap=7.5) == -7.5).all()
    assert (phase_distance(~phase, voxel_size=(1, 1, 1), cap=7.5) == 7.5).all()


def test_cubes_and_boxes_agree():
    """Cubes are measured in whole numbers, boxes in um."""
    phase = np.random.default_rng(3).random((25, 30, 20)) < 0.03
    cubes = phase_distance(phase, voxel_size=(2.0, 2.0, 2.0), cap=20.0)
    boxes = phase_distance(phase, voxel_size=(2.0, 2.0, 2.0 * (1 + 1e-15)), cap=20.0)
    assert cubes == pytest.approx(boxes, rel=1e-6)
