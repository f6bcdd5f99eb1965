"""Inscribed balls in one block: distances, centres and paint, against painting every ball."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from poroscale.kernels.phases.ball_painting import paint_balls
from poroscale.kernels.phases.inscribed_balls import WITHIN, ball_centres
from poroscale.kernels.phases.squared_distance import Metric, squared_distances

SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 12), st.integers(1, 80))
VOXELS = st.sampled_from([(1.0, 1.0, 1.0), (1.0, 2.0, 3.0), (2.0, 1.3, 1.0)])


def squared_norms(shape, centre, metric):
    """Squared distances of all voxels from a centre, by the weights of the metric."""
    steps = np.moveaxis(np.indices(shape), 0, -1) - centre
    return (steps**2 * np.array(metric.weights)).sum(-1)


def nearest(walls, metric):
    """Squared distance to the nearest wall, the limit at the most."""
    out = np.full(walls.shape, metric.limit, np.int64)
    for centre in np.argwhere(walls):
        np.minimum(out, squared_norms(walls.shape, centre, metric), out=out)
    return out


def all_balls(squared, phase, metric):
    """The largest squared radius at each voxel, by painting the ball of every voxel."""
    out = np.zeros(phase.shape, np.int64)
    for centre in np.argwhere(phase):
        radius = squared[tuple(centre)]
        held = squared_norms(phase.shape, centre, metric) < radius
        out[held] = np.maximum(out[held], radius)
    return out * phase


@st.composite
def media(draw):
    """Walls, from none to many, the phase between them, and a metric."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(SHAPES)
    walls = rng.random(shape) < draw(st.sampled_from([0.0, 0.003, 0.02, 0.3]))
    phase = ~walls & (rng.random(shape) < draw(st.sampled_from([0.3, 1.0])))
    return walls, phase, Metric.of(draw(VOXELS), draw(st.sampled_from([1.0, 2.3, 6.0, 40.0])))


@settings(max_examples=20)
@given(media(), st.booleans())
def test_the_largest_ball_at_each_voxel(medium, image):
    walls, phase, metric = medium
    squared = squared_distances(walls, metric)
    assert np.array_equal(squared, nearest(walls, metric))
    codes = ball_centres(squared, phase, metric)
    expected = all_balls(squared.astype(np.int64), phase, metric)
    painted = paint_balls(codes, (0, 0, 0), metric, image=image)
    values, counts = np.unique(expected[phase], return_counts=True)
    found = dict.fromkeys(values.tolist(), 0)
    for value, count in zip(painted.squared.tolist(), painted.voxels.tolist(), strict=True):
        found[value] += count
    assert list(found.values()) == counts.tolist()
    assert (painted.largest is None) is not image
    if image:
        assert np.array_equal(painted.largest, expected)


@settings(max_examples=10)
@given(media(), st.tuples(*(st.integers(0, 3),) * 3))
def test_a_block_is_painted_by_the_balls_around_it(medium, halo):
    """Balls of the halo reach into the block; nothing of the halo is counted."""
    walls, phase, metric = medium
    halo = tuple(min(h, (n - 1) // 2) for h, n in zip(halo, walls.shape, strict=True))
    squared = squared_distances(walls, metric)
    painted = paint_balls(ball_centres(squared, phase, metric), halo, metric, image=True)
    core = tuple(slice(h, n - h) for h, n in zip(halo, walls.shape, strict=True))
    expected = all_balls(squared.astype(np.int64), phase, metric)[core]
    assert np.array_equal(painted.largest, expected)
    assert painted.voxels.sum() == phase[core].sum()


def test_only_the_middle_of_a_ball_is_named():
    """Of a large ball a few centres are left: those near the middle, and of the rough rim."""
    z, y, x = np.indices((41, 41, 41)) - 20
    phase = z**2 + y**2 + x**2 < 15**2
    metric = Metric.of((1.0, 1.0, 1.0), 64.0)
    codes = ball_centres(squared_distances(~phase, metric), phase, metric)
    assert codes[20, 20, 20] == 15**2 + 1
    assert (codes > WITHIN).sum() < 0.1 * phase.sum()


@pytest.mark.parametrize("largest", [0.5, 1e5, float("nan")])
def test_a_metric_has_its_bounds(largest):
    with pytest.raises(ValueError, match="from 1 to 8192 voxel edges of 1 um, got"):
        Metric.of((1.0, 1.0, 2.0), largest)


def test_whole_numbers_are_as_fine_as_they_say():
    voxel = (2.0, 1.3, 1.0)
    metric = Metric.of(voxel, 64.0)
    steps = np.array([3, 40, 30])
    exact = np.linalg.norm(steps * voxel)
    found = metric.length(np.array((steps**2 * metric.weights).sum()))
    assert found == pytest.approx(exact, rel=1 / min(metric.weights))


@pytest.mark.parametrize("voxel", [(2.0, 1.0, 1.0), (3.0, 1.0, 1.5), (1.0, 1.0, 7.0)])
def test_a_row_that_no_wall_crosses_is_far_from_all(voxel):
    """Squares of steps along a row without a wall must not leave 64 bits."""
    walls = np.zeros((4, 3, 5), bool)
    walls[0] = True
    found = squared_distances(walls, Metric.of(voxel, 30.0)).astype(float)
    expected = distance_transform_edt(~walls, sampling=voxel) ** 2
    metric = Metric.of(voxel, 30.0)
    assert found / min(metric.weights) * metric.edge**2 == pytest.approx(expected, rel=1e-5)
