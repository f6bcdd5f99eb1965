from __future__ import annotations

import math

import numpy as np
import pytest

from poroscale.kernels.parts.rendering import cut_pores
from poroscale.phantoms.known import KINDS, MODELLED, known_scan
from poroscale.phantoms.known.bodies import (
    ball,
    box,
    common,
    cylinder,
    depths,
    filled,
    gyroid,
    outside_of,
    rotation,
    struts,
)
from poroscale.phantoms.known.media import MEDIA
from poroscale.phantoms.known.parts import PARTS
from poroscale.phantoms.known.pores import FORMS, SIZES, PoreLaw, draw_law, pores_in
from poroscale.phantoms.known.scanner import Scanner, draw_scanner, scanned
from poroscale.phantoms.known.scans import pore_table
from poroscale.phantoms.known.tomography import draw_config
from poroscale.phantoms.solids import spheres

SMALL = (48, 52, 56)


def random(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("radius", [1.5, 3.0, 9.3])
def test_a_ball_fills_its_volume(radius):
    share = filled(ball((15.3, 15.1, 14.6), radius), (30, 30, 30))
    assert share.sum(dtype=float) == pytest.approx(
        4 / 3 * math.pi * radius**3, rel=0.015 if radius < 2 else 0.004
    )
    assert 0 <= share.min() < share.max() <= 1


def test_bodies_fill_their_volumes():
    shape = (20, 40, 40)
    tube = common(cylinder((10, 20, 20), 15), outside_of(cylinder((10, 20, 20), 5)))
    assert filled(tube, shape).sum(dtype=float) == pytest.approx(4000 * math.pi, rel=0.002)
    turned = box((10, 20, 20), (4.0, 8.5, 7.2), rotation(random(), (20, 40)))
    assert filled(turned, shape).sum(dtype=float) == pytest.approx(8 * 4 * 8.5 * 7.2, rel=0.005)


@pytest.mark.parametrize("name", ["struts", "gyroid", *PARTS])
def test_a_depth_changes_by_a_voxel_per_voxel_at_most(name):
    if name == "gyroid":
        body = gyroid((20, 20, 20), 30.0, 5.0)
    elif name == "struts":
        body = struts((20, 20, 20), 22.0, 6.0)
    else:
        body = PARTS[name](SMALL, random(3))
    depth = depths(body, SMALL)
    for axis in range(3):
        assert np.abs(np.diff(depth, axis=axis)).max() < 1.001


@pytest.mark.parametrize("kind", MODELLED)
def test_a_scan_is_a_function_of_its_kind_and_seed(kind):
    one, two = (known_scan(7, kind=kind, shape=SMALL) for _ in range(2))
    assert (one.grey == two.grey).all()
    assert (one.porosity, one.law) == (two.porosity, two.law)
    other = known_scan(8, kind=kind, shape=SMALL)
    assert other.law != one.law
    assert 0 < one.part_volume <= math.prod(SMALL)
    assert one.grey.shape == SMALL


def test_a_seed_alone_draws_a_kind():
    kinds = {known_scan(seed, shape=(24, 28, 26)).kind for seed in range(12)}
    assert len(kinds) > 4
    assert kinds <= set(MODELLED)
    with pytest.raises(ValueError, match=r"kind must be one of cylinder, .*, got 'cone-like'"):
        known_scan(0, kind="cone-like")


@pytest.mark.parametrize("name", MEDIA)
def test_a_medium_has_the_porosity_that_is_asked_for(name):
    for seed in range(3):
        medium = MEDIA[name](SMALL, random(seed))
        part, solid = (float(share.sum(dtype=float)) for share in (medium.part, medium.solid))
        assert 1 - solid / part == pytest.approx(medium.asked, abs=1e-4)
        assert (medium.solid <= medium.part).all()


def test_a_foam_has_a_skin():
    medium = MEDIA["foam"](SMALL, random(1))
    inside = medium.part == 1
    skin = inside & ~np.roll(inside, 1, axis=2)
    assert (medium.solid == medium.part)[skin].all()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sizes", SIZES)
def test_pores_follow_their_law(form, sizes):
    depth = depths(ball((40, 40, 40), 38), (80, 80, 80))
    law = PoreLaw(form, sizes, 2.0, 0.3, 0.004, 6.0)
    volume = 4 / 3 * math.pi * 38**3
    pores = pores_in(law, volume, depth, random(5))
    solid = filled(ball((40, 40, 40), 38), (80, 80, 80))
    before = solid.copy()
    sums = cut_pores(solid, (0, 0, 0), pores)
    assert sums[:, 0].sum() / volume == pytest.approx(0.004, rel=0.25)
    assert sums[:, 0].sum() == pytest.approx(float((before - solid).sum(dtype=float)), rel=1e-5)
    assert depth[(solid < before)].min() > 6 - NEAR
    np.testing.assert_allclose(sums[:, 1:] / sums[:, :1], pores[:, :3], atol=1.5)


NEAR = 1.8
"""A voxel that a pore touches may have its centre a diagonal further out."""


def test_the_truth_of_a_ball_is_its_analytic_volume_and_centre():
    solid = np.ones((40, 40, 40), np.float32)
    found = pore_table(cut_pores(solid, (0, 0, 0), spheres([(20.3, 18.9, 21.4)], [9]).parameters()))
    np.testing.assert_allclose(found[0], [math.pi * 9**3 / 6, 20.3, 18.9, 21.4], rtol=0.005)
    assert (1 - solid).sum(dtype=float) == pytest.approx(found[0, 0], rel=1e-5)


def test_the_pores_make_up_the_porosity():
    for seed in range(4):
        scan = known_scan(seed, kind="fills_frame", shape=(64, 64, 64))
        assert scan.pores is not None
        assert scan.pores[:, 0].sum() == pytest.approx(scan.pore_volume, rel=1e-3)
        assert scan.part_volume == 64**3
        assert (scan.pores[:, 1:] > 0).all()
        assert (scan.pores[:, 1:] < 64).all()


def test_laws_keep_their_ranges():
    for seed in range(40):
        law = draw_law(random(seed))
        assert 0.001 <= law.asked <= 0.03
        assert law.margin >= 4
        scanner = draw_scanner(random(seed))
        assert 0.6 <= scanner.blur <= 1.6
        assert 0.01 <= scanner.noise <= 0.1
        assert scanner.saturated <= 0.001
        assert scanner.solid > scanner.air
        config = draw_config(seed, "cone", (64, 128, 128))
        assert 120 <= (config.projections or 0) <= 720
        assert config.open_fraction == 0


def plain(**changes):
    values = {
        "blur": 0.8, "noise": 0.0, "correlation": 0.0, "dtype": "float32", "air": 0.0,
        "solid": 1.0, "cupping": 0.0, "drift": 0.0, "rings": 0.0, "inclusions": 0, "outliers": 0,
        "saturated": 0.0,
    }  # fmt: skip
    return Scanner(**(values | changes))


def test_the_scanner_does_what_it_says():
    solid = np.ones((30, 40, 40), np.float32)
    assert np.allclose(scanned(solid, plain(), seed=1), 1, atol=1e-5)
    for correlation in (0.0, 0.6):
        noise = scanned(solid, plain(noise=0.05, correlation=correlation), seed=1)
        assert noise.std() == pytest.approx(0.05, rel=0.03)
    cupped = scanned(solid, plain(cupping=0.2), seed=1)
    assert cupped[15, 20, 20] == pytest.approx(0.8, abs=0.01)
    assert cupped[15, 20, 0] == pytest.approx(1.0, abs=0.02)
    ringed = scanned(solid, plain(rings=0.03), seed=1)
    assert ringed.std() == pytest.approx(0.03, rel=0.4)
    assert np.allclose(ringed[0], ringed[-1])


@pytest.mark.parametrize(("dtype", "brightest"), [("uint8", 255), ("uint16", 65535)])
def test_wrong_voxels_are_few(dtype, brightest):
    scanner = plain(dtype=dtype, air=50.0, solid=150.0, saturated=0.001, outliers=4)
    grey = scanned(np.ones((40, 50, 50), np.float32), scanner, seed=3)
    assert grey.dtype == dtype
    assert 90 <= (grey == brightest).sum() <= 104
    assert ((grey == 150) | (grey == brightest) | (grey == 0)).all()


def test_a_tomographic_scan_knows_its_pores():
    scan = known_scan(1, kind="parallel", shape=(24, 64, 64))
    assert scan.pores is not None
    assert scan.pores[:, 0].sum() == pytest.approx(scan.pore_volume, rel=1e-3)
    assert scan.porosity == pytest.approx(scan.law["porosity"], rel=0.3)
    assert scan.kind in KINDS
    level = np.median(scan.grey[12, 28:36, 28:36])
    assert level == pytest.approx(38000, rel=0.1)
