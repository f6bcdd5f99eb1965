import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poroscale.engine import Run, volume_from_array
from poroscale.statistics.interfaces import ALONG, count_volume
from poroscale.volume import VolumeSpec
from tests.kernels.solids import ellipsoid

QUIET = Run(progress=False)


def stored(folder, array, *, voxel=(1.0, 1.0, 1.0), chunks=None):
    spec = VolumeSpec(array.shape, array.dtype, voxel, chunks=chunks)
    return volume_from_array(array, folder / "v.zarr", spec=spec, run=QUIET)


@given(st.integers(0, 99), st.sampled_from([None, 0]))
def test_blocks_add_up_to_pairs_of_the_whole(tmp_path_factory, seed, outside):
    array = np.random.default_rng(seed).integers(0, 3, (6, 9, 11)).astype(np.uint8)
    volume = stored(tmp_path_factory.mktemp("v"), array, chunks=(4, 4, 4))
    found = count_volume(volume, pore=2, outside=outside, run=QUIET.but(block=(4, 8, 4)))
    assert found.pore_voxels == (array == 2).sum()
    part = np.ones_like(array, bool) if outside is None else array != outside
    for axis, column in enumerate(ALONG):
        n = array.shape[axis]
        a, b = (np.take(array, range(k, n - 1 + k), axis) for k in (0, 1))
        p, q = (np.take(part, range(k, n - 1 + k), axis) for k in (0, 1))
        differ = (a == 2) != (b == 2)
        expected = [(p & q).sum(), (differ & p & q).sum(), (differ & ~(p & q)).sum()]
        assert found.counts[:, column].tolist() == expected
    again = count_volume(volume, pore=2, outside=outside, run=QUIET)
    assert np.array_equal(found.counts, again.counts)


@pytest.mark.parametrize("voxel", [(1.0, 1.0, 1.0), (2.0, 1.0, 1.0)])
def test_a_ball_has_its_surface_and_its_chords(tmp_path, voxel):
    radius = 14.0
    ball = np.pad(ellipsoid((radius,) * 3, voxel_size=voxel).astype(np.uint8), 4)
    found = count_volume(stored(tmp_path, ball, voxel=voxel), pore=1, outside=None, run=QUIET)
    volume = ball.size * np.prod(voxel)
    area = found.specific_surface * volume
    assert area == pytest.approx(4 * np.pi * radius**2, rel=0.1)  # of the whole part, edges too
    for chord in found.mean_chords:
        assert chord == pytest.approx(4 / 3 * radius, rel=0.06)  # 4 V / S


def test_layers_that_reach_the_edge(tmp_path):
    """Channels of 4 voxels between walls of 4: the edge of the volume is no wall."""
    phases = np.zeros((64, 10, 12), np.uint8)
    phases[np.arange(64) % 8 < 4] = 1
    found = count_volume(stored(tmp_path, phases), pore=1, outside=None, run=QUIET)
    along_z, along_y, along_x = found.mean_chords
    assert along_z == pytest.approx(4, rel=0.06)
    assert np.isinf([along_y, along_x]).all()
    assert found.specific_surface == pytest.approx(1 / 4, rel=0.12)


def test_without_pores_there_is_no_surface(tmp_path):
    volume = stored(tmp_path, np.ones((5, 6, 7), np.uint8))
    found = count_volume(volume, pore=2, outside=0, run=QUIET)
    assert found.specific_surface == 0
    assert np.isnan(found.mean_chords).all()
