"""The outside of small made-up scans: each voxel stands for 2³ of a scan twice as fine."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from poroscale.kernels.outside.geometry import ball_reach, hull_of, inner_seeds
from poroscale.kernels.outside.reading import read_outside

SHAPE = (56, 64, 64)
Z, Y, X = np.mgrid[:56, :64, :64].astype(np.float32)
AIR, SOLID = 8000.0, 38000.0


def cylinder(radius, y=32, x=32, low=-1, high=99):
    return ((Y - y) ** 2 + (X - x) ** 2 < radius**2) & (low <= Z) & (high > Z)


def ball(radius, z=28, y=32, x=32):
    return (Z - z) ** 2 + (Y - y) ** 2 + (X - x) ** 2 < radius**2


def box(z=20, y=24, x=24):
    return (abs(Z - 27.5) < z) & (abs(Y - 31.5) < y) & (abs(X - 31.5) < x)


def field(sigma, seed=0):
    grown = gaussian_filter(np.random.default_rng(seed).standard_normal(SHAPE), sigma, mode="wrap")
    return grown / grown.std()


def pores(inside, number=25, seed=1):
    """Small balls anywhere well inside."""
    out = np.zeros(SHAPE, bool)
    deep = np.argwhere(gaussian_filter(inside.astype(np.float32), 3) > 0.97)
    if len(deep) == 0:
        return out
    for z, y, x in np.random.default_rng(seed).choice(deep, number):
        out |= ball(1.8, z, y, x)
    return out & inside


def scan(solid, noise=0.04):
    grey = gaussian_filter(solid.astype(np.float32), 0.6)
    grey += noise * np.random.default_rng(2).standard_normal(SHAPE)
    return (AIR + (SOLID - AIR) * grey).astype(np.float32)


def decide(solid, **kwargs):
    return read_outside(scan(solid, **kwargs), air=AIR, solid=SOLID, factor=2)


def gyroid(cell, level):
    z, y, x = (2 * np.pi / cell * a for a in (Z, Y, X))
    return abs(np.sin(x) * np.cos(y) + np.sin(y) * np.cos(z) + np.sin(z) * np.cos(x)) < level


WHOLE = np.ones(SHAPE, bool)
GRAINS = np.zeros(SHAPE, bool)
for _z in range(-4, 64, 12):
    for _y in range(-4, 70, 12):
        for _x in range(-4, 70, 12):
            GRAINS |= ball(5.2, _z, _y, _x)
HOLES_Z = cylinder(4, 20, 20) | cylinder(4, 44, 20) | cylinder(4, 20, 44) | cylinder(4, 44, 44)
HOLES_X = ((Z - 28) ** 2 + (Y - 20) ** 2 < 9) | ((Z - 28) ** 2 + (Y - 44) ** 2 < 9)
PLATE = box(7, 27, 27)
BORE_X = (Z - 28) ** 2 + (Y - 26) ** 2 < 36

PARTS = {
    "cylinder, cut at its ends": cylinder(24),
    "box": box(),
    "ball": ball(24),
    "L": box() & ~((Y < 40) & (X > 28)),
    "thin sheet": abs(Z - 28) < 2.5,
    "tilted sheet": abs(Z - 28 - 0.3 * (Y - 32)) < 2.5,
    "two parts": cylinder(11, 17, 17, 5, 50) | cylinder(14, 44, 44, 5, 50),
    "cut by one face": X > 20,
    "slotted to the frame": ~((Y < 44) & (abs(X - 32) < 10)),
    "cut by four faces": cylinder(38),
    "a quarter of a cylinder": (Y**2 + X**2) < 54**2,
    "plate with holes along z": PLATE & ~HOLES_Z,
    "plate with holes along x": PLATE & ~HOLES_X,
    "gyroid of wide cells": box() & gyroid(32, 0.4),
    "gyroid of narrow cells": box() & gyroid(20, 0.4),
}
CHANNELS = {
    "tube": cylinder(28) & ~cylinder(8),
    "sealed channel": cylinder(28) & ~cylinder(6, low=10, high=46),
    "bore along x of a block that fills the frame": ~BORE_X,
    "two bores": ~(cylinder(5, 20, 20) | cylinder(5, 44, 44)),
    "hollow cylinder": cylinder(28, low=5, high=51) & ~cylinder(21, low=10, high=46),
    "hollow ball": ball(26) & ~ball(20),
}
CROPS = {
    "fills the frame": WHOLE,
    "rock": field(1.5) > -0.8,
    "snow": field(2.0) > 0.5,
    "foam": field(2.0) > 1.0,
    "grains": GRAINS,
    "gyroid": gyroid(24, 0.4),
    "crack": abs(X - 32 + field(5)[:, :, :1]) > 1.2,
}


@pytest.mark.parametrize("name", PARTS)
def test_air_around_a_part(name):
    part = PARTS[name]
    decision = decide(part & ~pores(part))
    assert decision.chosen.share == pytest.approx(1 - part.mean(), abs=0.01)


@pytest.mark.parametrize("name", CHANNELS)
def test_channels_are_outside_and_the_other_reading_is_told(name):
    part = CHANNELS[name]
    decision = decide(part & ~pores(part))
    assert decision.chosen.share == pytest.approx(1 - part.mean(), abs=0.01)
    assert "channel" in decision.chosen.reason
    assert decision.others[0].void_share > decision.chosen.void_share + 0.01


@pytest.mark.parametrize("name", CROPS)
def test_crops_have_no_outside(name):
    decision = decide(
        CROPS[name] & ~pores(CROPS[name]) if name == "fills the frame" else CROPS[name]
    )
    assert decision.chosen.share == 0
    if name not in ("fills the frame", "crack"):  # here all that is dark may be air
        assert decision.others[-1].share > 0.1


@pytest.mark.parametrize(("sigma", "level"), [(1.5, -0.7), (2.0, 0.5)])
@pytest.mark.parametrize("cut", [False, True])
def test_open_porous_parts_end_at_their_envelope(sigma, level, cut):
    body = cylinder(27, low=-1 if cut else 8, high=99 if cut else 48)
    body_of_pores = body & (field(sigma) > level)
    decision = decide(body_of_pores)
    truth = 1 - body_of_pores.sum() / body.sum()
    assert decision.chosen.void_share == pytest.approx(truth, abs=0.06)
    assert decision.chosen.ball >= 4
    assert decision.others[0].ball == 0
    assert decision.others[0].void_share < 0.1


@pytest.mark.parametrize("radii", [(9, 9, 9), (7, 9, 12), (2.5, 14, 14)])
def test_one_large_pore_stays_a_pore(radii):
    z, y, x = radii
    hole = ((Z - 28) / z) ** 2 + ((Y - 32) / y) ** 2 + ((X - 32) / x) ** 2 < 1
    decision = decide(box() & ~hole & ~pores(box() & ~hole, 10))
    assert decision.chosen.share == pytest.approx(1 - box().mean(), abs=0.01)


def test_closed_foam_stays_pores():
    foam = box(22, 28, 28) & ~(box(20, 26, 26) & (field(2.5) < 0.6))
    decision = decide(foam)
    assert decision.chosen.share == pytest.approx(1 - box(22, 28, 28).mean(), abs=0.015)
    assert decision.chosen.void_share > 0.4


def test_rough_surface_with_air_on_one_side():
    solid = X - 1.2 * field(3)[:, :, :1] > 6
    decision = decide(solid & ~pores(solid))
    assert decision.chosen.share == pytest.approx(1 - solid.mean(), abs=0.01)
    assert decision.others[-1].share == 0  # a crop, perhaps


def test_surroundings_of_the_circle_are_outside_where_they_are_dark():
    circle = np.broadcast_to((Y[0] - 31.5) ** 2 + (X[0] - 31.5) ** 2 <= 32**2, SHAPE)
    grey = np.where(circle, scan(field(1.5) > -0.3), 0)
    decision = read_outside(grey, air=AIR, solid=SOLID, factor=2)
    assert decision.chosen.share == pytest.approx(1 - circle.mean())
    bright = np.where(circle, scan(circle & ~pores(circle)), SOLID)
    assert read_outside(bright, air=AIR, solid=SOLID, factor=2).chosen.share == 0


def test_a_bright_speck_is_doubted():
    decision = decide(ball(4))
    assert "speck" in decision.warnings[0]


def test_bodies_are_counted_and_an_empty_scan_has_none():
    assert decide(PARTS["two parts"]).bodies == 2
    empty = decide(np.zeros(SHAPE, bool))
    assert (empty.bodies, empty.chosen.share, empty.warnings) == (0, 0, ("no part was found",))


def test_strong_noise_changes_nothing():
    part = cylinder(24)
    decision = decide(part & ~pores(part), noise=0.25)
    assert decision.chosen.share == pytest.approx(1 - part.mean(), abs=0.01)


def test_the_solid_must_be_the_brighter():
    with pytest.raises(ValueError, match="brighter"):
        read_outside(scan(WHOLE), air=SOLID, solid=AIR)


def test_level_of_the_solid_may_differ_from_place_to_place():
    part = cylinder(24)
    level = np.broadcast_to((0.5 + Z / 56) * (SOLID - AIR) + AIR, SHAPE)
    grey = AIR + (scan(part & ~pores(part)) - AIR) * (level - AIR) / (SOLID - AIR)
    decision = read_outside(grey, air=AIR, solid=level, factor=2)
    assert decision.chosen.share == pytest.approx(1 - part.mean(), abs=0.01)


def test_hull_of_a_box_is_the_box():
    mask = box() & (field(1) > 1)
    mask[8:48:39, 8:56:47, 8:56:47] = True
    assert (hull_of(mask) == box()).all()


def test_hull_of_one_plane_is_its_box():
    mask = np.zeros((5, 6, 7), bool)
    mask[2, 1:4, 2:6] = True
    assert (hull_of(mask) == mask).all()


def test_a_wide_ball_does_not_pass_a_narrow_neck():
    barrier = (Z >= 20) & (Z < 24) & ~cylinder(6)
    seeds = Z < 2
    assert ball_reach(barrier, seeds, radius=4)[-1].any()
    assert not ball_reach(barrier, seeds, radius=8)[30:].any()
    assert not ball_reach(barrier, seeds, radius=16)[30:].any()


def test_thin_components_keep_a_seed():
    mask = np.zeros((20, 20, 20), bool)
    mask[2, 2, 2:18] = True
    mask[8:18, 8:18, 8:18] = True
    seeds = inner_seeds(mask, margin=2)
    assert seeds[2].any()
    assert seeds[8:].sum() == 6**3
    assert not (seeds & ~mask).any()


@pytest.mark.parametrize("slices", [1, 4, 8])
def test_pores_of_a_few_slices_are_no_channels(slices):
    part = cylinder(26) & ~pores(cylinder(26), number=8)
    grey = scan(part & ~cylinder(5, y=36, x=40))[28 : 28 + slices]
    decision = read_outside(grey, air=AIR, solid=SOLID, factor=1)
    assert not decision.chosen.outside[0, 36, 40]
    assert decision.chosen.outside[0, 2, 2]
