"""The background of a micrograph: a median that a Gaussian smooths."""

import numpy as np
import pytest

from poroscale.micrographs.denoising import BACKGROUND, background_level


def test_the_background_is_as_smooth_as_it_is_documented():
    """A step of the median becomes the integral of the Gaussian."""
    step = np.zeros((64, 256))
    step[:, 128:] = 1.0
    slope = np.diff(background_level(step)[32])
    places = np.arange(len(slope))
    middle = (places * slope).sum()
    assert np.sqrt(((places - middle) ** 2 * slope).sum()) == pytest.approx(BACKGROUND, rel=0.02)


def test_the_background_holds_no_precipitate():
    image = np.full((96, 96), 40.0)
    image[40:52, 40:52] = 200.0
    np.testing.assert_array_equal(background_level(image), 40.0)
