"""Effective conductivities that theory knows."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from poroscale.transport.conduction.effective import (
    Drive,
    NotConvergedError,
    effective_conductivity,
    solver_bytes,
)
from tests.transport.conduction.media import blobs, spheres

AXES = (0, 1, 2)


def conductivity(phases, given, axis=0, **settings):
    return effective_conductivity(phases, given, Drive(axis, **settings))


@pytest.mark.parametrize("axis", AXES)
def test_laminates_of_two_phases(axis):
    layers = np.zeros((6, 7, 8), np.uint8)
    np.moveaxis(layers, axis, 0)[: layers.shape[axis] // 2] = 1
    layers = layers if axis != 1 else np.repeat([[[0]], [[1]]], 3, 0).repeat(8, 1).repeat(7, 2)
    axis = axis if axis != 1 else 0
    given = {0: 1.0, 1: 0.026 / 1.4}
    for driven in AXES:
        known = 0.0364656381 if driven == axis else 0.5092857143
        found = conductivity(layers, given, driven)
        assert found.effective == pytest.approx(known, rel=1e-4)
        assert known * (1 - 1e-6) <= found.effective <= (known + found.error) * (1 + 1e-6)


def test_laminates_of_three_phases_of_unequal_thickness():
    layers = np.repeat([3, 5, 9, 3], [2, 1, 3, 2]).astype(np.int16)[:, None, None]
    layers = np.broadcast_to(layers, (8, 4, 4))
    given = {3: 2.0, 5: 0.5, 9: 40.0}
    share = {3: 4 / 8, 5: 1 / 8, 9: 3 / 8}
    series = 1 / sum(share[v] / given[v] for v in share)
    assert conductivity(layers, given).effective == pytest.approx(series, rel=1e-4)
    parallel = sum(share[v] * given[v] for v in share)
    found = conductivity(layers, given, 2)
    assert found.effective == pytest.approx(parallel, rel=1e-6)
    assert found.tortuosity_factor == pytest.approx(1, rel=1e-6)


def test_straight_channels_are_not_tortuous_and_dead_ends_do_not_count():
    solid = np.zeros((12, 9, 9), bool)
    solid[:, 2:5, 3] = True
    solid[3:7, 5:, 3] = True  # a dead end: it carries no current, but touches the channel
    solid[:4, 7, 7] = True  # joined to one face alone
    found = conductivity(solid, {0: 0.0, 1: 2.0})
    assert found.effective_fraction == pytest.approx((36 + 16) / solid.size)
    assert found.fraction == pytest.approx((36 + 16 + 4) / solid.size)
    plain = np.zeros_like(solid)
    plain[:, 2:5, 3] = True
    found = conductivity(plain, {0: 0.0, 1: 2.0})
    assert found.effective == pytest.approx(2 * 3 / 81, rel=1e-6)
    assert found.tortuosity_factor == pytest.approx(1, rel=1e-6)


def test_one_phase_is_exact_at_once():
    found = conductivity(np.full((5, 6, 7), 4), {4: 3.25})
    assert found.effective == pytest.approx(3.25, rel=1e-8)
    assert (found.iterations, found.fraction) == (0, 1)


def test_no_path_gives_zero_and_infinity():
    phases = np.ones((6, 6, 6), np.uint8)
    phases[3] = 0
    found = conductivity(phases, {0: 0.0, 1: 1.0}, tensor=True)
    assert (found.effective, found.error, found.effective_fraction) == (0, 0, 0)
    assert found.tortuosity_factor == np.inf
    assert not found.percolates
    assert found.column == (0, 0, 0)
    assert conductivity(phases, {0: 0.0, 1: 1.0}, 1).percolates
    assert conductivity(phases, {0: 0.0, 1: 0.0}, 1).effective == 0


CUBIC = [(0.2, 0, 0.7267), (0.2, 10, 1.5317), (0.4, 0, 0.4903), (0.4, 10, 2.3622)]
"""Fraction of spheres, their conductivity, and the effective one (Sangani and Acrivos 1983)."""


@pytest.mark.parametrize(("fraction", "sphere", "known"), CUBIC)
def test_cubic_spheres_of_48_voxels(fraction, sphere, known):
    found = conductivity(spheres(48, fraction), {0: 1.0, 1: float(sphere)}, sides="periodic")
    assert found.effective == pytest.approx(known, rel=0.03)


@pytest.mark.slow
@pytest.mark.parametrize(("fraction", "sphere", "known"), CUBIC)
def test_cubic_spheres_of_128_voxels(fraction, sphere, known):
    found = conductivity(spheres(128, fraction), {0: 1.0, 1: float(sphere)}, sides="periodic")
    assert found.effective == pytest.approx(known, rel=0.01)


@pytest.mark.parametrize("contrast", [10.0, 1e4])
def test_bounds_of_hashin_and_shtrikman(contrast):
    phases = blobs(48, seed=2)
    low, high = 1.0, contrast
    share = phases.mean()  # of the better conductor
    lower = low + share / (1 / (high - low) + (1 - share) / (3 * low))
    upper = high + (1 - share) / (1 / (low - high) + share / (3 * high))
    for axis in AXES:
        found = conductivity(phases, {0: low, 1: high}, axis, sides="periodic")
        assert lower < found.effective < upper


def test_a_rotation_turns_the_result():
    phases = blobs(32, seed=4)[:, :24, :28]
    given = {0: 0.1, 1: 1.0}
    turned = np.rot90(phases, axes=(0, 2))
    for own, other in ((0, 2), (1, 1), (2, 0)):
        a = conductivity(phases, given, own, tolerance=1e-6)
        b = conductivity(turned, given, other, tolerance=1e-6)
        assert a.effective == pytest.approx(b.effective, rel=1e-6)


def test_a_scale_of_all_conductivities_changes_nothing_else():
    phases = blobs(24, seed=5)
    one = conductivity(phases, {0: 0.3, 1: 1.0})
    other = conductivity(phases, {0: 0.3 * 64, 1: 64.0})
    assert other.effective == 64 * one.effective
    assert other.error == 64 * one.error


def test_edges_of_a_voxel_that_differ_weigh_the_axes():
    """Voxels that are twice as long hold two cubes each."""
    phases = blobs(20, seed=6)
    long = conductivity(np.repeat(phases, 2, 1), {0: 0.1, 1: 1.0}, tolerance=1e-6)
    flat = conductivity(phases, {0: 0.1, 1: 1.0}, voxel_size=(1.0, 2.0, 1.0), tolerance=1e-6)
    assert flat.effective == pytest.approx(long.effective, rel=0.02)
    layers = np.repeat([0, 1], 5).astype(np.uint8)[:, None, None].repeat(4, 1).repeat(6, 2)
    for axis, known in ((0, 2 * 0.5 / 1.5), (1, 0.75), (2, 0.75)):
        sized = conductivity(layers, {0: 1.0, 1: 0.5}, axis, voxel_size=(0.3, 2.0, 5.0))
        assert sized.effective == pytest.approx(known, rel=1e-4)


def test_mirrored_sides_are_closed_ones_and_periodic_ones_are_not():
    phases = blobs(24, seed=7, share=0.4)
    given = {0: 0.0, 1: 1.0}
    closed, mirrored, periodic = (
        conductivity(phases, given, sides=sides, tolerance=1e-6).effective
        for sides in ("closed", "mirrored", "periodic")
    )
    assert closed == mirrored
    assert periodic > closed * (1 + 1e-4)
    doubled = np.concatenate([phases, phases[:, ::-1]], axis=1)
    doubled = np.concatenate([doubled, doubled[:, :, ::-1]], axis=2)
    whole = conductivity(doubled, given, sides="periodic", tolerance=1e-6).effective
    assert whole == pytest.approx(closed, rel=2e-6)


def test_the_tensor_of_slanted_layers_is_that_of_the_theory():
    """Layers across the diagonal of two periodic axes: half of the difference is off it."""
    i, k = np.indices((48, 48))
    phases = ((i + k) // 8 % 2).astype(np.uint8)[:, None].repeat(3, 1)
    given = {0: 1.0, 1: 0.25}
    series, parallel = 1 / (0.5 + 2), 0.625
    found = conductivity(phases, given, 0, tensor=True, sides="periodic")
    assert found.column is not None
    # The faces that are driven hold their neighbourhood straight: 48 voxels are not many.
    assert found.column[2] == pytest.approx((series - parallel) / 2, rel=0.25)
    assert found.column[0] == pytest.approx(found.effective, rel=1e-6)
    assert abs(found.column[1]) < found.column_error[1] < 1e-2


def test_fields_are_those_of_the_result():
    phases = blobs(20, seed=8, share=0.6)[:, :18, :16]
    seen = {}

    def see(fields):
        seen["potential"] = fields.potential()
        seen["flux"] = [fields.flux(k) for k in range(3)]

    drive = Drive(1, tolerance=1e-6, voxel_size=(2.0, 1.0, 1.0))
    found = effective_conductivity(phases, {0: 0.0, 1: 3.0}, drive, see=see)
    potential, flux = seen["potential"], seen["flux"]
    assert potential.shape == phases.shape
    carrying = np.isfinite(potential)
    assert carrying.mean() == pytest.approx(found.effective_fraction)
    assert ((potential[carrying] > 0) & (potential[carrying] < 1)).all()
    means = np.array([each.mean() for each in flux])
    assert means[1] == pytest.approx(found.effective, rel=1e-4)
    assert flux[1].mean(axis=(0, 2)) == pytest.approx(np.full(18, found.effective), rel=1e-2)
    assert not any(each[~carrying].any() for each in flux)
    assert abs(means[[0, 2]]).max() < means[1]


@given(st.integers(0, 999), st.sampled_from([0.0, 1e-3, 0.2]), st.booleans())
def test_the_error_holds_the_difference_to_the_true_value(seed, low, periodic):
    """Beside a direct solution in float64."""
    phases = (np.random.default_rng(seed).random((7, 6, 5)) < 0.6).astype(np.uint8)
    sides = "periodic" if periodic else "closed"
    found = conductivity(phases, {0: low, 1: 1.0}, sides=sides, tolerance=1e-2)
    exact = conductivity(phases, {0: low, 1: 1.0}, sides=sides, tolerance=1e-6)
    if not exact.percolates:
        assert found.effective == 0
        return
    true = exact.effective * (1 - 1e-6)
    assert true <= found.effective * (1 + 1e-6)
    assert found.effective - found.error <= exact.effective * (1 + 1e-6)
    assert found.error <= 1e-2 * found.effective


def test_what_cannot_be_solved_is_told():
    phases = blobs(16, seed=9)
    with pytest.raises(ValueError, match=r"each value of the volume \(0, 1\), got none for 0"):
        conductivity(phases, {1: 1.0})
    with pytest.raises(ValueError, match="0 or more, got 1=-2"):
        conductivity(phases, {0: 1.0, 1: -2.0})
    with pytest.raises(ValueError, match="two voxels along the driven axis y, got 1"):
        conductivity(phases[:, :1], {0: 1.0, 1: 1.0}, 1)
    with pytest.raises(ValueError, match="axes z, y, x, got 2"):
        conductivity(phases[0], {0: 1.0, 1: 1.0})
    with pytest.raises(NotConvergedError, match=r"along z must reach .* after 1 iterations"):
        conductivity(phases, {0: 1e-4, 1: 1.0}, iterations=1)


@pytest.mark.parametrize(("share", "low"), [(0.36, 0.0), (0.15, 1e-4), (0.36, 1e-4), (1.0, 0.0)])
def test_noise_takes_no_more_memory_than_is_planned(share, low):
    phases = (np.random.default_rng(0).random((48,) * 3) < share).astype(np.uint8)
    conductivity(phases[:8], {0: low, 1: 1.0})
    tracemalloc.start()
    conductivity(phases, {0: low, 1: 1.0})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    conducting = phases.size if low else int(phases.sum())
    planned = solver_bytes(phases.size, conducting, kinds=low > 0)
    assert 0.5 * (planned - solver_bytes(0, 0)) < peak < planned


def test_clusters_that_never_meet_are_solved_apart():
    channels = np.zeros((16, 40, 40), np.uint8)
    channels[:, ::2, ::2] = np.random.default_rng(1).integers(1, 3, (16, 20, 20))
    lines = channels[:, ::2, ::2].astype(float)
    known = (16 / np.where(lines == 1, 1 / 0.05, 1.0).sum(axis=0)).sum() / 1600
    found = conductivity(channels, {0: 0.0, 1: 0.05, 2: 1.0})
    assert found.effective == pytest.approx(known, rel=1e-4)


def test_labels_of_scipy_are_the_clusters():
    phases = (np.random.default_rng(6).random((20, 20, 20)) < 0.4).astype(np.uint8)
    labels, _ = ndimage.label(phases)
    both = np.intersect1d(labels[0], labels[-1])
    found = conductivity(phases, {0: 0.0, 1: 1.0})
    assert found.effective_fraction == np.isin(labels, both[both > 0]).mean()
