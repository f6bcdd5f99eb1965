import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poroscale.engine import Run, plan_job, volume_from_array
from poroscale.kernels.topology.merge_pairs import merge_pairs
from poroscale.statistics.topology.betti import _sweep_block, topology_pass, volume_topology
from poroscale.statistics.topology.filtration import Filtration, level_keys
from poroscale.volume import VolumeSpec
from tests.kernels.topology.brute_force import betti_numbers

QUIET = Run(progress=False)
UNIT = (1.0, 1.0, 1.0)


def stored(folder, array, *, voxel=UNIT, chunks=None):
    spec = VolumeSpec(array.shape, array.dtype, voxel, chunks=chunks)
    return volume_from_array(array, folder / "v.zarr", spec=spec, run=QUIET)


def listed(table):
    pairs = np.column_stack([table.birth, table.death])
    return np.repeat(pairs, table.count, axis=0)


@st.composite
def volumes(draw):
    """Volumes from one voxel on, with few or many ties, cut into blocks of few voxels."""
    shape = draw(st.tuples(*[st.integers(1, 5)] * 3))
    chunks = tuple(draw(st.integers(1, n)) for n in shape)
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    array = rng.integers(0, draw(st.sampled_from([2, 5, 200])), shape)
    dtype = draw(st.sampled_from([np.uint8, np.float32]))
    return (array * np.float32(0.37)).astype(dtype), chunks


@given(volumes(), st.booleans())
def test_curves_and_pairs_by_blocks_are_those_of_the_whole(tmp_path_factory, made, wide):
    array, chunks = made
    volume = stored(tmp_path_factory.mktemp("v"), array, chunks=chunks)
    filtration = Filtration("grey", None, UNIT, wide=wide)
    found = volume_topology(volume, filtration, run=QUIET.but(block=chunks))
    known = merge_pairs(array, wide=wide)
    assert np.array_equal(listed(found.components), known.components)
    assert np.array_equal(listed(found.cavities), known.cavities)
    assert found.oldest == array.min()
    for k in np.unique(np.linspace(0, len(found.levels) - 1, 9).astype(int)):
        expected = betti_numbers(array <= found.levels[k], wide=wide)
        assert found.betti[:, k].tolist() == list(expected)
        assert found.euler[k] == expected[0] - expected[1] + expected[2]


@given(volumes(), st.booleans())
def test_betti_numbers_of_a_phase(tmp_path_factory, made, wide):
    array, chunks = made
    array = (array > np.median(array)).astype(np.uint8) * 7
    volume = stored(tmp_path_factory.mktemp("v"), array, chunks=chunks)
    found = volume_topology(volume, Filtration("phase", 7, UNIT, wide=wide), run=QUIET)
    assert found.betti[:, 0].tolist() == list(betti_numbers(array == 7, wide=wide))


@pytest.mark.parametrize("voxel", [UNIT, (2.0, 1.0, 0.7)])
@pytest.mark.parametrize("phase", [0, 1])
def test_signed_distance_by_blocks_is_that_of_the_whole(tmp_path, voxel, phase):
    rng = np.random.default_rng(4)
    array = rng.random((9, 11, 13)) < 0.03
    volume = stored(tmp_path, array, voxel=voxel, chunks=(3, 4, 5))
    filtration = Filtration("distance", phase, voxel, cap=4.0)
    found = volume_topology(volume, filtration, levels=40, run=QUIET.but(block=(3, 4, 5)))
    whole = filtration.values(array)
    known = merge_pairs(whole)
    assert np.array_equal(listed(found.components), known.components)
    assert np.array_equal(listed(found.cavities), known.cavities)
    assert found.levels[0] == -4
    at = np.searchsorted(found.levels, 0)
    assert found.levels[at] == 0
    for k in range(0, len(found.levels), 3):
        assert found.betti[:, k].tolist() == list(betti_numbers(whole <= found.levels[k]))


def test_workers_change_nothing(tmp_path, scheduler):
    array = np.random.default_rng(8).integers(0, 30, (7, 8, 9)).astype(np.uint8)
    volume = stored(tmp_path, array, chunks=(4, 4, 4))
    grey = Filtration("grey", None, UNIT)
    one = volume_topology(volume, grey, run=QUIET)
    two = volume_topology(volume, grey, run=QUIET.but(cluster=scheduler, block=(4, 4, 4)))
    assert np.array_equal(one.betti, two.betti)
    assert np.array_equal(listed(one.cavities), listed(two.cavities))


def test_a_torus_and_a_hollow_ball(tmp_path):
    z, y, x = np.indices((20, 40, 40)) - np.array([9.5, 19.5, 19.5])[:, None, None, None]
    ring = (np.hypot(y, x) - 12) ** 2 + z**2 < 16
    found = volume_topology(stored(tmp_path / "a", ring), Filtration("phase", 1, UNIT), run=QUIET)
    assert found.betti[:, 0].tolist() == [1, 1, 0]
    radius = np.sqrt(z**2 + y**2 + x**2)
    ball = (radius > 5) & (radius < 9)
    found = volume_topology(stored(tmp_path / "b", ball), Filtration("phase", 1, UNIT), run=QUIET)
    assert found.betti[:, 0].tolist() == [1, 0, 1]


def test_wide_integers_get_every_value_or_even_levels(tmp_path):
    array = np.arange(1000, 1060, dtype=np.int32).reshape(3, 4, 5)
    volume = stored(tmp_path, array)
    grey = Filtration("grey", None, UNIT)
    assert volume_topology(volume, grey, run=QUIET).levels.tolist() == list(range(1000, 1060))
    few = volume_topology(volume, grey, levels=4, run=QUIET)
    assert few.levels.tolist() == [1000, 1019, 1039, 1059]
    assert few.betti.tolist() == [[1] * 4, [0] * 4, [0] * 4]
    assert few.at(1020) == {"betti_0": 1, "betti_1": 0, "betti_2": 0, "euler": 1}
    with pytest.raises(ValueError, match="`level` must be at least 1000, got 999"):
        few.at(999)
    for wrong in (0, 1 << 20):
        with pytest.raises(ValueError, match="`levels` must lie between"):
            volume_topology(volume, grey, levels=wrong, run=QUIET)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(tmp_path, bad):
    array = np.zeros((4, 4, 4), np.float32)
    array[1, 2, 3] = bad
    volume = stored(tmp_path, array, chunks=(2, 2, 2))
    with pytest.raises(ValueError, match=r"v\.zarr must hold finite values"):
        volume_topology(volume, Filtration("grey", None, UNIT), run=QUIET)


@pytest.mark.parametrize("voxel", [UNIT, (1.0, 1.0, 1.5)])
def test_distances_take_no_more_than_is_planned(voxel):
    """Of noise, which has most minima; a sweep of noise takes the most."""
    shape, own = (500, 500, 500), (40, 40, 40)
    filtration = Filtration("distance", 1, voxel, 12.0, True, shape)
    padded = [n + 2 * h + 2 for n, h in zip(own, filtration.halo, strict=True)]
    noise = np.random.default_rng(0).integers(0, 2, padded).astype(np.uint8)
    settings = {
        "origin": (100, 100, 100),
        "shape": shape,
        "levels": level_keys(np.linspace(-12, 11, 24).astype(np.float32)),
        "filtration": filtration.recipe,
    }
    _sweep_block(noise, **settings)
    tracemalloc.start()
    _sweep_block(noise, **settings)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < topology_pass(shape, noise.dtype, filtration).need.task(own, own)


def test_distances_up_to_32_voxels_fit_the_default_memory_with_two_workers():
    spec = VolumeSpec((1024, 1024, 1024), np.dtype(np.uint8), UNIT)
    filtration = Filtration("distance", 1, UNIT, 32.0, True, spec.shape)
    declared = topology_pass(spec.shape, spec.dtype, filtration)
    plan = plan_job(spec, {"topology": declared}, Run(memory="2 GiB", workers=2))
    assert plan.peak < 2 << 30
