"""Chips are taken some at a time: the features have the bits of all of them at once."""

import numpy as np

from poroscale.compare.micrographs.samples import (
    HOLES,
    PATCH,
    PATCH_PLACES,
    area_curve,
    published_areas,
    sample_of_chips,
)
from poroscale.kernels.noise import tile_generator
from poroscale.kernels.topology.persistence_images import ImageGrid
from poroscale.statistics.topology.chips import chips_at_once, persistence_images

WINDOW = (7.0, 60000.0)


def chips_in_pieces():
    """Seventy chips, of which fewer are taken at a time."""
    chips = np.random.default_rng(0).integers(0, 65536, (70, 131, 131), np.uint16)
    assert 1 < chips_at_once(chips[0].size) < len(chips)
    return chips


def test_features_of_pieces_are_those_of_the_whole():
    chips = chips_in_pieces()
    found = sample_of_chips(chips, ("chip", np.arange(70)), WINDOW, 3)
    whole = chips.astype(np.float32)
    grey = (whole - WINDOW[0]) / (WINDOW[1] - WINDOW[0])
    np.testing.assert_array_equal(found.brightness, whole.mean(axis=(1, 2)))
    np.testing.assert_array_equal(found.areas, area_curve(grey))
    grid = ImageGrid.of_values(*WINDOW)
    alone = np.concatenate([persistence_images(chip[None], grid)[:, HOLES] for chip in chips])
    np.testing.assert_array_equal(found.persistence, alone.reshape(70, -1))
    places = tile_generator(3, PATCH_PLACES).integers(0, 131 - PATCH + 1, (70, 4, 2))
    for image, patch in (0, 0), (33, 2), (69, 3):
        y, x = places[image, patch]
        seen = grey[image, y : y + PATCH, x : x + PATCH].ravel()
        np.testing.assert_array_equal(found.patches[image, patch], seen)
    assert found.kept.persistence.base is None  # components are not kept beside the holes


def test_published_areas_of_pieces_are_those_of_the_whole():
    chips = chips_in_pieces()
    grey = chips.astype(np.float32)
    grey -= grey.mean(axis=(1, 2), keepdims=True)
    low, high = float(grey.min()), float(grey.max())
    grey = (grey - low) / (high - low)
    whole = [(grey >= level).mean() for level in np.linspace(0, 1, 10)]
    np.testing.assert_array_equal(published_areas(chips), whole)
