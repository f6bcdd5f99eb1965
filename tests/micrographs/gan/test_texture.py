"""The filter that the texture of a generator begins with, against backgrounds that are known."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.signal import fftconvolve

from poroscale.micrographs.gan.texture import texture_filter


def background(white, smooth, seed=0, shape=(40, 64, 64)):
    rng = np.random.default_rng(seed)
    found = white * rng.standard_normal(shape)
    blurred = gaussian_filter(rng.standard_normal(shape), (0, 1.2, 1.2), mode="wrap")
    return (found + smooth * blurred / blurred.std()).astype(np.float32)


def correlation(images, lag):
    return float((images[..., lag:] * images[..., :-lag]).mean() / images.var())


@pytest.mark.parametrize(("white", "smooth"), [(0.08, 0.0), (0.08, 0.05)])
def test_filtered_noise_is_like_the_background(white, smooth):
    chips = background(white, smooth)
    found = texture_filter(chips, 2)
    np.testing.assert_allclose(found, found.T, rtol=1e-6)
    np.testing.assert_allclose(found, found[::-1], rtol=1e-6)
    made = fftconvolve(np.random.default_rng(1).standard_normal((600, 600)), found, "valid")
    assert made.std() == pytest.approx(chips.std(), rel=0.05)
    for lag in (1, 2, 3):
        assert correlation(made, lag) == pytest.approx(correlation(chips, lag), abs=0.09)


def test_particles_and_brightness_of_chips_do_not_count():
    chips = background(0.05, 0.03)
    plain = texture_filter(chips, 2)
    changed = chips + np.linspace(-0.3, 0.3, len(chips), dtype=np.float32)[:, None, None]
    changed[:, 20:28, 30:36] += 1.0
    np.testing.assert_allclose(texture_filter(changed, 2), plain, atol=0.003)


def test_masks_have_no_texture():
    chips = np.full((5, 32, 32), -1, np.float32)
    chips[:, 3:9, 4:9] = 1
    assert not texture_filter(chips, 2).any()
