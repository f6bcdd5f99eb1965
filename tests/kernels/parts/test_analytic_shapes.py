from __future__ import annotations

import numpy as np
import pytest

from poroscale.kernels.parts.analytic_shapes import (
    AXES,
    BEND,
    CENTRE,
    EXTENT,
    FRAME,
    RIM_COS,
    RIM_SIN,
    TAPER,
    enclosing_axes,
    shape_volumes,
    wall_distance,
    with_extents,
)
from poroscale.kernels.parts.rendering import stamp_pores
from poroscale.phantoms.candidates import GAS, KEYHOLE, LACK_OF_FUSION, draw_shapes
from poroscale.phantoms.solids import Ellipsoid, Ellipsoids


def drawn(kind, count=6, diameter=26.0):
    rng = np.random.default_rng(kind + 1)
    pores = draw_shapes(np.full(count, kind), np.full(count, diameter), rng)
    pores[:, CENTRE] = 60.0 + rng.random((count, 3))
    return with_extents(pores)


def mask_of(pore, size=120):
    out = np.ones((size,) * 3, np.int32)
    stamp_pores(out, (0, 0, 0), pore[None], np.array([2], np.int32))
    return out == 2


@pytest.mark.parametrize("kind", [GAS, KEYHOLE, LACK_OF_FUSION])
def test_the_analytic_volume_is_that_of_the_voxels(kind):
    for pore in drawn(kind):
        assert mask_of(pore).sum() == pytest.approx(shape_volumes(pore[None])[0], rel=0.01)


@pytest.mark.parametrize("kind", [GAS, KEYHOLE, LACK_OF_FUSION])
def test_the_enclosing_ellipsoid_and_the_box_enclose(kind):
    for pore in drawn(kind):
        where = np.argwhere(mask_of(pore)) + 0.5 - pore[CENTRE]
        local = where @ pore[FRAME].reshape(3, 3).T / enclosing_axes(pore[None])[0]
        assert (local**2).sum(axis=1).max() <= 1 + 1e-9
        assert (np.abs(where).max(axis=0) <= pore[EXTENT]).all()


def test_the_distance_is_euclidean_for_a_sphere_and_first_order_for_an_ellipsoid():
    rows = Ellipsoids(
        (Ellipsoid((0, 0, 0), (9, 9, 9)), Ellipsoid((0, 0, 0), (12, 9, 5)))
    ).parameters()
    rng = np.random.default_rng(0)
    for direction in rng.normal(size=(50, 3)):
        point = direction * 11 / np.linalg.norm(direction)
        assert wall_distance(rows[0], *point) == pytest.approx(2, abs=1e-9)
        inner = point * (9 / 11)
        assert abs(wall_distance(rows[0], *inner)) < 1e-9
    # Without a tilt the pole is z.
    assert wall_distance(rows[1], 6.0, 0.0, 0.0) == pytest.approx(1, rel=0.1)


def test_classes_have_the_shapes_they_are_named_for():
    gas, keyhole, flat = drawn(GAS, 200), drawn(KEYHOLE, 200), drawn(LACK_OF_FUSION, 200)
    ratio = lambda p: p[:, 14] / np.sqrt(p[:, 12] * p[:, 13])  # noqa: E731
    assert (ratio(gas) > 0.8).all()
    assert (ratio(gas) < 1.2).all()
    assert (ratio(keyhole) > 1.6).all()
    assert (ratio(flat) < 0.65).all()
    # Poles of the last two are near z.
    for pores in (keyhole, flat):
        assert np.median(np.degrees(np.arccos(pores[:, 9]))) < 12
    assert (gas[:, [TAPER]] == 0).all()
    assert (gas[:, RIM_COS] == 0).all()
    assert (flat[:, RIM_SIN] != 0).any()
    assert (flat[:, BEND] != 0).any()
    assert (flat[:, AXES] > 0).all()
