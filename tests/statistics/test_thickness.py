"""Local thickness, equal to painting every ball of the whole array, for every grid."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poroscale.engine import Run
from poroscale.statistics.phases import PhaseMap, phase_map
from poroscale.statistics.thickness import plan_thickness, thickness, thickness_volume
from tests.statistics.random_phases import phase_volumes

QUIET = Run(progress=False, workers=1)
VOXELS = [(1.0, 1.0, 1.0), (2.5, 2.5, 2.5), (3.0, 1.0, 1.5)]


def painted(phase, walls, voxel_size, cap):
    """Diameters by painting all balls, each as far as the cap; in float64, without blocks."""
    steps = np.moveaxis(np.indices(phase.shape), 0, -1) * np.array(voxel_size, np.float64)
    centres, obstacles = steps[phase], steps[walls]
    out = np.zeros(phase.shape)
    for centre in centres:
        far = ((obstacles - centre) ** 2).sum(1).min(initial=np.inf)
        radius = min(np.sqrt(far), cap / 2)
        # The last bits of roots of floats decide nothing: whole steps differ by far more.
        held = ((steps - centre) ** 2).sum(-1) < radius**2 * (1 - 1e-5)
        out[held & phase] = np.maximum(out[held & phase], 2 * radius)
    return out


@settings(max_examples=15)
@given(phase_volumes(10), st.sampled_from(VOXELS), st.booleans(), st.sampled_from([None, 2.0, 4.4]))
def test_blocks_paint_the_balls_of_the_whole(as_volume, sample, voxel, walled, cap):
    """`cap` is in shortest voxel edges."""
    make = {"voxel_size": voxel}
    volume, inside = (
        None if a is None else as_volume(a, **make) for a in (sample.phases, sample.inside)
    )
    largest = None if cap is None else cap * min(voxel)
    told = {"largest_um": largest, "walled": walled, "inside": inside}
    run = QUIET.but(block=sample.block)
    found = thickness(volume, sample.map, sample.value, **told, run=run)
    walls = ~sample.phase if walled else ~sample.phase & sample.counted
    expected = painted(sample.phase, walls, voxel, found.largest_um)
    image = thickness_volume(
        volume, sample.map, sample.value, volume.path.with_name("t.zarr"), **told, run=run
    ).read()
    np.testing.assert_allclose(image, expected, rtol=1e-5)
    inner = expected[sample.phase]
    assert found.voxels.sum() == sample.phase.sum()
    if inner.size:
        assert found.mean_um == pytest.approx(inner.mean(), rel=1e-5)
        assert found.std_um == pytest.approx(inner.std(), rel=1e-4, abs=1e-4)
        middle = np.sort(inner)[(len(inner) - 1) // 2]
        assert found.median_um == pytest.approx(middle, rel=1e-5)
        capped = (inner > found.largest_um * (1 - 1e-5)).mean()
        assert found.capped_share == pytest.approx(capped)
        edges, shares = found.histogram()
        assert edges[1] == min(voxel)
        assert shares.sum() == pytest.approx(1)


def ball(n, radius):
    z, y, x = np.indices((n, n, n)) - n // 2
    return (z**2 + y**2 + x**2 < radius**2).astype(np.uint8)


def test_a_ball_larger_than_the_blocks_is_one_ball(as_volume):
    """Reading goes on until the largest ball is known; radius 15 is more than is read at first."""
    volume = as_volume(ball(40, 15), chunks=(16, 16, 16), voxel_size=(2.0, 2.0, 2.0))
    found = thickness(volume, phase_map(volume), 1, run=QUIET.but(block=(16, 16, 16)))
    assert found.diameters_um.max() == pytest.approx(60)
    assert found.mean_um > 57  # some voxels lie in smaller balls of the staircase
    assert found.capped_share == 0


@pytest.mark.parametrize(("width", "expected"), [(1, 2), (2, 2), (3, 4), (4, 4), (7, 8)])
def test_layers_have_their_width(as_volume, width, expected):
    """Between centres: a layer of an odd number of voxels is one voxel too thick."""
    layers = np.zeros((12, 6, 6), np.uint8)
    layers[2 : 2 + width] = 1
    volume = as_volume(layers)
    found = thickness(volume, phase_map(volume), 1, run=QUIET)
    assert found.diameters_um.tolist() == [expected]
    edges, shares = found.histogram()
    assert shares[expected] == 1
    assert edges[expected] == expected


def test_the_edge_of_the_volume_limits_no_ball(as_volume):
    """A wall at one end: balls reach beyond the other."""
    half = np.ones((10, 9, 9), np.uint8)
    half[0] = 0
    volume = as_volume(half)
    found = thickness(volume, phase_map(volume), 1, run=QUIET)
    assert found.diameters_um.max() == 18


def test_what_nothing_limits_is_at_the_cap(as_volume):
    volume = as_volume(np.ones((5, 6, 7), np.uint8))
    found = thickness(volume, phase_map(volume), 1, run=QUIET)
    assert found.capped_share == 1
    assert found.mean_um == pytest.approx(found.largest_um)
    huge = thickness(volume, phase_map(volume), 1, largest_um=1e9, run=QUIET)
    assert (huge.largest_um, huge.mean_um) == (found.largest_um, found.mean_um)


def test_thin_volumes_and_images_have_a_thickness(as_volume):
    rng = np.random.default_rng(0)
    for n in (1, 2):
        thin = (rng.random((n, 12, 17)) < 0.8).astype(np.uint8)
        volume = as_volume(thin)
        found = thickness(volume, phase_map(volume), 1, run=QUIET)
        expected = painted(thin == 1, thin == 0, (1, 1, 1), found.largest_um)[thin == 1]
        assert found.mean_um == pytest.approx(expected.mean())


def test_without_a_voxel_nothing_is_known(as_volume):
    volume, mask = as_volume(np.ones((4, 5, 6), np.uint8)), as_volume(np.zeros((4, 5, 6), bool))
    found = thickness(volume, PhaseMap((0, 1)), 1, inside=mask, run=QUIET)
    assert not found.voxels.size
    assert np.isnan([found.mean_um, found.median_um, found.std_um, found.capped_share]).all()
    assert found.histogram()[1].tolist() == [0]


def test_what_makes_no_sense_is_refused(as_volume):
    volume = as_volume(np.ones((4, 5, 6), np.uint8), voxel_size=(2.0, 2.0, 2.0))
    with pytest.raises(ValueError, match="one of the values 1, got 3"):
        thickness(volume, phase_map(volume), 3)
    with pytest.raises(ValueError, match="at least two voxel edges, 4 um, got 3"):
        thickness(volume, phase_map(volume), 1, largest_um=3.0)
    with pytest.raises(MemoryError):
        plan_thickness(volume, run=Run(memory="1MiB"))
