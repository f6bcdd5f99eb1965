from __future__ import annotations

import math

import numpy as np
import pytest

from poroscale.phantoms import Ellipsoid, ellipsoids, spheres


def test_spheres_have_their_volume_and_centroid():
    mask = spheres([(30.0, 28.4, 31.3)], [40.0])((0, 0, 0), (60, 60, 60))
    assert mask.sum() == pytest.approx(4 / 3 * math.pi * 20**3, rel=2e-3)
    np.testing.assert_allclose(np.argwhere(mask).mean(axis=0) + 0.5, (30, 28.4, 31.3), atol=0.05)


def test_an_ellipsoid_points_where_it_was_told():
    body = Ellipsoid((40, 40, 40), (8, 12, 24), tilt=30, azimuth=50, spin=20)
    where = np.argwhere(ellipsoids([body])((0, 0, 0), (80, 80, 80)))
    values, vectors = np.linalg.eigh(np.cov(where.T))
    np.testing.assert_allclose(np.sqrt(5 * values), (8, 12, 24), rtol=0.01)
    long = vectors[:, 2] * np.sign(vectors[0, 2])
    assert math.degrees(math.acos(long[0])) == pytest.approx(30, abs=0.5)
    assert math.degrees(math.atan2(long[1], long[2])) == pytest.approx(50, abs=1)


def test_areas_equal_the_closed_forms():
    assert Ellipsoid((0, 0, 0), (3, 3, 3)).area == pytest.approx(4 * math.pi * 9)
    # A prolate spheroid, in closed form.
    e = math.sqrt(1 - 4 / 25)
    closed = 2 * math.pi * 4 * (1 + 5 / (2 * e) * math.asin(e))
    assert Ellipsoid((0, 0, 0), (2, 2, 5)).area == pytest.approx(closed)


def test_phases_surround_the_bodies_with_solid():
    box = spheres([(5, 5, 5), (15, 15, 15)], [4, 6], phases=True)((0, 0, 0), (20, 20, 20))
    assert set(np.unique(box)) == {1, 2}


def test_an_axis_of_no_length_is_refused():
    with pytest.raises(ValueError, match="semi_axes must be positive"):
        Ellipsoid((0, 0, 0), (1, 0, 1))
