from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from poroscale.kernels.parts.analytic_shapes import CENTRE
from poroscale.kernels.parts.phantom_outline import depths_below_surface, modulations
from poroscale.phantoms.candidates import GAS, KEYHOLE, LACK_OF_FUSION
from poroscale.phantoms.config import PhantomConfig
from poroscale.phantoms.part import PartPhases, PoreIds
from poroscale.phantoms.plan import phantom_plan
from poroscale.phantoms.truth import truth_table


@pytest.fixture(scope="module")
def large():
    """Many pores for statistics; no voxel is ever drawn."""
    return phantom_plan(PhantomConfig(shape=(900, 700, 700), porosity=0.01, seed=2))


@pytest.mark.parametrize("porosity", [0.0, 0.005, 0.03])
@pytest.mark.parametrize("part", ["cylinder", "cube"])
def test_the_porosity_is_the_one_that_was_asked(porosity, part):
    config = PhantomConfig(shape=(120, 120, 120), porosity=porosity, part=part, open_fraction=0)
    phases = PartPhases(config)((0, 0, 0), config.shape)
    found = (phases == 2).sum() / (phases > 0).sum()
    assert found == pytest.approx(porosity, rel=0.08)


def test_no_two_pores_come_within_three_voxels():
    config = PhantomConfig(shape=(110, 120, 120), porosity=0.04, seed=7)
    ids = PoreIds(config)((0, 0, 0), config.shape)
    turned = np.where(ids > 0, ids.max() + 1 - ids, 0)
    largest = ndimage.maximum_filter(ids, 3)
    smallest = ids.max() + 1 - ndimage.maximum_filter(turned, 3)
    seen = largest > 0
    assert seen.any()
    assert (largest == smallest)[seen].all()


def test_closed_pores_are_one_piece():
    table = truth_table(PhantomConfig(shape=(200, 200, 200), porosity=0.03, seed=7))
    assert len(table) > 500
    assert (table.pieces[~table.open] > 1).mean() < 0.02


def test_a_porosity_that_cannot_be_held_is_refused():
    with pytest.raises(ValueError, match="porosity must be one that the part can hold"):
        phantom_plan(PhantomConfig(shape=(40, 40, 40), porosity=0.2))


@pytest.mark.parametrize("shape", [(1, 40, 40), (2, 24, 200), (200, 30, 30)])
@pytest.mark.parametrize("part", ["cylinder", "cube"])
def test_odd_shapes_are_parts_too(shape, part):
    phases = PartPhases(PhantomConfig(shape=shape, part=part))((0, 0, 0), shape)
    assert (phases == 1).mean() > 0.04
    assert (phases == 0).any()


def test_more_pores_lie_near_the_surface_and_on_one_side(large):
    depth = depths_below_surface(large.outline, np.ascontiguousarray(large.pores[:, CENTRE]))
    near = (depth > 10) & (depth < 40)
    core = depth > 120
    radius = large.outline.radius
    volume_near = (radius - 10) ** 2 - (radius - 40) ** 2
    volume_core = (radius - 120) ** 2
    assert near.sum() / volume_near > 2 * core.sum() / volume_core
    right = (large.pores[:, 2] > large.outline.centre[1]).mean()
    assert 0.55 < right < 0.75


def test_near_surface_pores_follow_the_roughness(large):
    depth = depths_below_surface(large.outline, np.ascontiguousarray(large.pores[:, CENTRE]))
    near = np.ascontiguousarray(large.pores[(depth > 0) & (depth < 40)][:, CENTRE])
    everywhere = float(np.mean(large.outline.patches))
    assert modulations(large.outline, near).mean() > everywhere + 0.05
    # And the roughness follows the modulation: rows of the map are 8 to one of the patches.
    heights, patches = large.outline.heights.astype(float), large.outline.patches
    short = heights - ndimage.uniform_filter(heights, 30, mode="nearest")
    local = np.sqrt(ndimage.uniform_filter(short**2, 30, mode="nearest"))[::8, ::8]
    rows, columns = min(len(local), len(patches)), min(local.shape[1], patches.shape[1])
    pair = np.corrcoef(local[:rows, :columns].ravel(), patches[:rows, :columns].ravel())
    assert pair[0, 1] > 0.5


def test_all_three_classes_appear_in_their_shares(large):
    shares = np.bincount(large.kinds, minlength=3) / len(large.kinds)
    # Large flat pores collide more often, so the shares shift a little.
    np.testing.assert_allclose(shares[[GAS, KEYHOLE, LACK_OF_FUSION]], [0.6, 0.15, 0.25], atol=0.08)


def test_near_finds_exactly_the_pores_that_a_box_needs(large):
    for origin, shape in [((0, 0, 0), (64, 64, 64)), ((500, 300, 310), (1, 40, 200))]:
        low = large.pores[:, CENTRE] - large.pores[:, 24:27] - 2
        high = large.pores[:, CENTRE] + large.pores[:, 24:27] + 2
        o, n = np.array(origin), np.array(shape)
        meets = ((high > o) & (low < o + n)).all(axis=1)
        assert large.near(origin, shape).tolist() == np.flatnonzero(meets).tolist()
