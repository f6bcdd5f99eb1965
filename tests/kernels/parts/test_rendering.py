from __future__ import annotations

import math

import numpy as np
import pytest

from poroscale.kernels.parts.rendering import solid_fraction, solid_mask
from poroscale.phantoms.config import PhantomConfig
from poroscale.phantoms.solids import spheres
from poroscale.phantoms.surface import draw_outline


def smooth(part="cylinder", **settings):
    return draw_outline(
        PhantomConfig(shape=(20, 60, 60), part=part, roughness=0, porosity=0, **settings)
    )


@pytest.mark.parametrize("radius", [2.0, 3.0, 6.5])
def test_partial_volume_keeps_the_volume_of_a_sphere(radius):
    sphere = spheres([(20.3, 30.1, 29.6)], [2 * radius])
    outline = draw_outline(PhantomConfig(shape=(40, 60, 60), roughness=0, porosity=0))
    box = ((10, 20, 20), (20, 20, 20))
    solid = solid_fraction(outline, *box, sphere.parameters())
    missing = 20**3 - solid.sum(dtype=float)
    assert missing == pytest.approx(4 / 3 * math.pi * radius**3, rel=0.012)


def test_partial_volume_keeps_the_volume_of_the_part():
    none = np.zeros((0, 29))
    outline = smooth()
    solid = solid_fraction(outline, (0, 0, 0), (1, 60, 60), none)
    assert solid.sum(dtype=float) == pytest.approx(math.pi * outline.radius**2, rel=1e-3)
    cube = smooth("cube")
    solid = solid_fraction(cube, (0, 0, 0), (1, 60, 60), none)
    assert solid.sum(dtype=float) == pytest.approx(4 * cube.radius**2, rel=3e-3)


def test_a_voxel_is_solid_where_its_centre_is_inside():
    outline = smooth()
    y, x = np.mgrid[:60, :60] + 0.5
    inside = (y - 30) ** 2 + (x - 30) ** 2 < outline.radius**2
    mask = solid_mask(outline, (0, 0, 0), (3, 60, 60))
    assert (mask == inside).all()


def test_a_capped_part_ends_inside_and_a_through_part_does_not():
    capped = solid_mask(smooth(ends="capped"), (0, 0, 0), (20, 60, 60))
    assert [bool(capped[k].any()) for k in (0, 1, 2, 17, 18, 19)] == [
        False, False, True, True, False, False,
    ]  # fmt: skip
    assert solid_mask(smooth(), (0, 0, 0), (20, 60, 60))[:, 30, 30].all()
