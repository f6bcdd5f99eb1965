import numpy as np
import pytest

from poroscale.kernels.topology.persistence_images import ImageGrid, persistence_image

GRID = ImageGrid((0.0, 20.0), (0.0, 16.0), 3.0, (4, 5))


def sampled(pairs, grid, fine=60):
    """The definition: the weighted sum of Gaussians, summed over a fine grid in each pixel."""
    middles = [
        low + (np.arange(n * fine) + 0.5) * (high - low) / (n * fine)
        for (low, high), n in zip((grid.persistences, grid.births), grid.shape, strict=True)
    ]
    p, b = np.meshgrid(*middles, indexing="ij")
    surface = sum(
        (death - birth) * np.exp(-((b - birth) ** 2 + (p - death + birth) ** 2) / 2 / grid.sigma**2)
        for birth, death in pairs
    ) / (2 * np.pi * grid.sigma**2)
    cell = np.prod([line[1] - line[0] for line in middles])
    rows, columns = grid.shape
    return surface.reshape(rows, fine, columns, fine).sum(axis=(1, 3)) * cell


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
def test_an_image_is_the_integral_of_weighted_gaussians(dtype):
    pairs = np.array([[2, 5], [2, 5], [7, 20], [19, 21]], dtype)
    found = persistence_image(pairs, GRID)
    assert found == pytest.approx(sampled(pairs.astype(float), GRID), rel=1e-3)


def test_no_pair_is_an_empty_image():
    for dtype in (np.uint8, np.float64):
        assert not persistence_image(np.empty((0, 2), dtype), GRID).any()


def test_a_sharp_pair_lies_in_its_pixel():
    grid = ImageGrid((0, 10), (0, 10), 1e-3)
    found = persistence_image(np.array([[3.5, 10.0]]), grid)
    assert found[6, 3] == pytest.approx(6.5)
    assert found.sum() == pytest.approx(6.5)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (((1, 1), (0, 1), 1.0), "`births` must be a rising"),
        (((0, 1), (0, np.inf), 1.0), "`persistences` must be a rising"),
        (((0, 1), (0, 1), 0.0), "`sigma` must be positive"),
        (((0, 1), (0, 1), 1.0, (0, 3)), "`shape` must be positive"),
    ],
)
def test_a_grid_without_pixels_is_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        ImageGrid(*settings)
