"""Variance between images and within them: known components, and what tells nothing."""

import numpy as np
import pytest

from poroscale.compare.micrographs.evenness import shares_between_images, variance_components


def drawn(between, images=400, chips=9, seed=0):
    """Chips whose images differ by a standard deviation, with one of 2 within them."""
    rng = np.random.default_rng(seed)
    own = np.repeat(np.arange(images), chips)
    return between * rng.standard_normal(images)[own] + 2 * rng.standard_normal(len(own)), own


@pytest.mark.parametrize("between", [0.0, 1.0, 3.0])
def test_components_of_a_known_law(between):
    found = variance_components(*drawn(between))
    assert found == (pytest.approx(between**2, rel=0.2, abs=0.1), pytest.approx(4, rel=0.1))


def test_unequal_images_are_weighted_as_in_the_theory():
    """Means of the estimates over many draws, where images have from 1 to 6 chips."""
    own = np.repeat(np.arange(12), [1, 2, 3, 4, 5, 6] * 2)
    estimates = []
    for seed in range(3000):
        rng = np.random.default_rng(seed)
        values = rng.standard_normal(12)[own] + rng.standard_normal(len(own))
        estimates.append(variance_components(values, own))
    np.testing.assert_allclose(np.mean(estimates, axis=0), [1, 1], atol=0.05)


def test_numbers_of_images_need_not_follow_each_other():
    values, own = drawn(1.0, images=5)
    assert variance_components(values, 7 * own + 3) == variance_components(values, own)


@pytest.mark.parametrize("images", [[0, 0, 0], [0, 1, 2]])
def test_one_image_or_one_chip_each_tells_nothing(images):
    assert variance_components(np.array([1.0, 2.0, 4.0]), np.array(images)) is None


def test_shares_are_those_of_summed_components():
    def setting(real, generated):
        return {"between_images": {"real": {"density": real, "area": None}, "generated": {
            "density": generated, "area": (0.0, 0.0)}}}  # fmt: skip

    density, area = shares_between_images(
        [setting((1.0, 3.0), (-2.0, 4.0)), setting((0.0, 4.0), None)]
    )
    assert density == {"measure": "density", "real": 1 / 8, "generated": 0.0}
    assert area == {"measure": "area", "real": None, "generated": None}
