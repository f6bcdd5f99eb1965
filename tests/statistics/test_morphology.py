"""Surfaces, curvatures, chords and triple lines of media whose values are known."""

import numpy as np
import pytest

from poroscale.statistics.counting import count_phases
from poroscale.statistics.morphology import (
    Contacts,
    chord_lengths,
    lineal_path,
    minkowski,
    triple_line,
)
from poroscale.statistics.phases import PhaseMap
from tests.kernels.solids import ellipsoid
from tests.statistics.media import boolean_model, layers

ALL = (64, 64, 128)


def counted(as_volume, array, voxel=(1.0, 1.0, 1.0), phases=None):
    return count_phases(as_volume(array, voxel_size=voxel, chunks=ALL), phases=phases)


@pytest.mark.parametrize("voxel", [(1.0, 1.0, 1.0), (2.0, 1.0, 1.0)])
def test_a_ball_has_its_functionals(as_volume, voxel):
    radius = 14.0
    ball = np.pad(ellipsoid((radius,) * 3, voxel_size=voxel).astype(np.uint8), 4)
    counts = counted(as_volume, ball, voxel)
    contacts, whole = Contacts.of(counts), ball.size * np.prod(voxel)
    area = 4 * np.pi * radius**2
    # The estimate is of all space: the planes of voxels are one fewer than the slices.
    assert contacts.interface([1], [0]) * whole == pytest.approx(area, rel=0.1)
    assert contacts.faces([1], [0]) * whole == pytest.approx(1.5 * area, rel=0.1)
    body = minkowski(counts, 1)
    assert body.volume_um3 == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.01)
    assert body.surface_um2 == pytest.approx(area, rel=0.02)
    assert body.mean_breadth_um == pytest.approx(2 * radius, rel=0.06)
    assert body.integral_mean_curvature_um == pytest.approx(4 * np.pi * radius, rel=0.06)
    assert (body.euler_6, body.euler_26) == (1, 1)
    for axis in range(3):
        chords = chord_lengths(counts, contacts, 1, axis)
        assert chords.mean_um == pytest.approx(4 / 3 * radius, rel=0.06)  # 4 V / S
        assert chords.cut == 0


def test_layers_that_reach_the_edge(as_volume):
    """Channels of 4 voxels between walls of 4: the edge of the volume is no wall."""
    counts = counted(as_volume, layers((64, 10, 12), period=8))
    contacts = Contacts.of(counts)
    along_z, along_y, along_x = (chord_lengths(counts, contacts, 1, k) for k in range(3))
    assert along_z.mean_um == pytest.approx(4, rel=0.06)
    assert along_z.counts[4] == 7 * 120
    assert np.isinf([along_y.mean_um, along_x.mean_um]).all()
    assert along_x.cut == 32 * 10
    assert contacts.faces([1], [0]) == pytest.approx(15 / 63)
    assert lineal_path(counts, 1, 0)[:6] == pytest.approx([1 / 2, 24 / 63, 16 / 62, 8 / 61, 0, 0])
    assert lineal_path(counts, 1, 2) == pytest.approx(np.full(12, 0.5))


def test_a_checkerboard_of_voxels(as_volume):
    """Every face of a voxel is an interface, and every voxel a body of its own."""
    z, y, x = np.indices((6, 8, 10))
    counts = counted(as_volume, ((z + y + x) % 2).astype(np.uint8))
    assert Contacts.of(counts).faces([1], [0]) == 3
    body = minkowski(counts, 1)
    assert body.euler_6 == 240
    assert chord_lengths(counts, Contacts.of(counts), 1, 0).counts.tolist()[:2] == [0, 160]


def test_overlapping_spheres_have_their_closed_forms(as_volume):
    """Solid of equal spheres at random; Torquato, Random Heterogeneous Materials (2002)."""
    radius, medium = 9.0, boolean_model((150, 150, 150), radius=9.0, fraction=0.6, seed=5)
    counts = counted(as_volume, medium)
    void = counts.voxels[0] / medium.size
    density = -np.log(void) / (4 / 3 * np.pi * radius**3)
    surface = density * 4 * np.pi * radius**2 * void
    contacts = Contacts.of(counts)
    assert contacts.interface([0], [1]) == pytest.approx(surface, rel=0.05)
    assert contacts.faces([0], [1]) == pytest.approx(1.5 * surface, rel=0.05)
    lags = np.arange(30)
    for axis in range(3):
        expected = void * np.exp(-density * np.pi * radius**2 * lags)
        assert lineal_path(counts, 0, axis)[:30] == pytest.approx(expected, abs=0.02)
        chords = chord_lengths(counts, contacts, 0, axis)
        assert chords.mean_um == pytest.approx(1 / (density * np.pi * radius**2), rel=0.08)


def test_three_phases_meet_in_a_ring(as_volume):
    """A ball of two halves in a third phase: the triple line is its equator, tilted."""
    radius, lengths, edges = 20.0, [], []
    for normal in np.random.default_rng(3).standard_normal((6, 3)):
        z, y, x = np.indices((48, 48, 48)) - 23.5
        ball = z**2 + y**2 + x**2 < radius**2
        half = z * normal[0] + y * normal[1] + x * normal[2] > 0
        counts = counted(as_volume, (ball * (1 + half)).astype(np.uint8))
        found = triple_line(counts)
        lengths.append(found.smoothed_per_um2 * 48**3)
        edges.append(found.edges_per_um2 * 48**3)
    circle = 2 * np.pi * radius
    assert np.mean(lengths) == pytest.approx(circle, rel=0.05)
    assert np.mean(edges) == pytest.approx(1.5 * circle, rel=0.1)


def test_two_phases_have_no_triple_line(as_volume):
    found = triple_line(counted(as_volume, layers((8, 8, 8), period=4)))
    assert (found.edges_per_um2, found.smoothed_per_um2) == (0, 0)


def test_without_the_phase_there_is_no_surface(as_volume):
    counts = counted(as_volume, np.ones((5, 6, 7), np.uint8), phases=PhaseMap((2,), 0, rest=True))
    contacts = Contacts.of(counts)
    assert contacts.interface([0], [1]) == 0
    assert np.isnan(chord_lengths(counts, contacts, 0, 0).mean_um)


def test_an_image_of_one_slice(as_volume):
    """Squares of 4 x 4 voxels in a plane: perimeter over area, doubled for a plane section."""
    image = np.kron(np.indices((8, 8)).sum(axis=0) % 2, np.ones((4, 4), int)).astype(np.uint8)
    counts = counted(as_volume, image[None])
    contacts = Contacts.of(counts)
    assert contacts.faces([1], [0]) == pytest.approx(2 * 7 / 31)
    assert chord_lengths(counts, contacts, 1, 2).counts[4] == 32 * 3
    assert np.isinf(chord_lengths(counts, contacts, 1, 0).mean_um)
    assert minkowski(counts, 1).euler_6 == 32
