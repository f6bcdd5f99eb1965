import numpy as np
import pytest

from poroscale.kernels.topology.merge_pairs import merge_pairs
from poroscale.kernels.topology.persistence_images import ImageGrid, persistence_image
from poroscale.statistics.topology.chips import (
    PrincipalComponents,
    chips_at_once,
    persistence_images,
)

CHIPS = np.random.default_rng(5).integers(0, 255, (70, 12, 12)).astype(np.uint8)
GRID = ImageGrid.of_values(0, 255)


def test_images_of_many_are_those_of_each_for_any_threads():
    found = persistence_images(CHIPS, GRID)
    assert found.shape == (70, 2, 10, 10)
    assert np.array_equal(found, persistence_images(list(CHIPS), GRID, threads=1))
    pairs = merge_pairs(CHIPS[66])
    assert found[66, 0] == pytest.approx(persistence_image(pairs.components, GRID))
    assert found[66, 1] == pytest.approx(persistence_image(pairs.cavities, GRID))
    mixed = persistence_images([CHIPS[66], CHIPS[0].astype(np.float32), CHIPS[:5]], GRID)
    assert mixed[:2] == pytest.approx(found[[66, 0]])
    assert mixed[2].any()


def test_large_chips_are_taken_by_fewer():
    assert [chips_at_once(edge**2) for edge in (12, 128, 256, 512, 1024, 4096)] == [
        *(64, 64, 16, 4, 1, 1)
    ]


def test_components_tell_two_sets_apart():
    images = persistence_images(CHIPS, GRID)
    smooth = persistence_images(CHIPS // 8 + 100, GRID)
    components = PrincipalComponents.of(np.concatenate([images, smooth]), most=3)
    ours, theirs = components.project(images), components.project(smooth)
    assert ours.shape == (70, 3)
    assert ours[:, 0].min() > theirs[:, 0].max() or ours[:, 0].max() < theirs[:, 0].min()
    both = np.concatenate([ours, theirs])
    assert both.mean(axis=0) == pytest.approx(0, abs=1e-9)
    assert both.var(axis=0, ddof=1) == pytest.approx(components.variances)
    assert components.share[0] > 0.5
    flat = components.directions.reshape(3, -1)
    assert flat @ flat.T == pytest.approx(np.eye(3), abs=1e-9)


def test_what_cannot_be_compared_is_refused():
    images = persistence_images(CHIPS[:3], GRID)
    with pytest.raises(ValueError, match="at least one chip"):
        persistence_images([], GRID)
    with pytest.raises(ValueError, match="at least two images, got 1"):
        PrincipalComponents.of(images[:1])
    with pytest.raises(ValueError, match="shape"):
        PrincipalComponents.of(images).project(images[:, :1])
