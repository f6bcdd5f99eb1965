import numpy as np
import pytest

from poroscale.compare.density import density, overlap

LIMITS = ((-4.0, 4.0), (-4.0, 4.0))


def normal(seed, *, x=0.0, count=20_000):
    return np.random.default_rng(seed).normal((x, 0.0), 1.0, (count, 2))


def test_the_density_of_normal_points_is_normal():
    found = density(normal(1), LIMITS)
    expected = np.exp(-0.5 * (found.x**2 + found.y[:, None] ** 2))
    assert np.abs(found.value - expected).max() < 0.12
    assert found.value.max() == 1


def test_pairs_of_one_law_overlap_as_halves_do(comparison):
    rows = comparison.numbers["bivariate"]
    assert len(rows) == 6
    for row in rows:
        assert 0.2 < row["overlap"] <= 1
        assert row["overlap"] == pytest.approx(row["halves"], abs=0.2)


def test_overlap_is_one_for_one_law_and_falls_with_distance():
    same = overlap(density(normal(1), LIMITS), density(normal(2), LIMITS))
    apart = overlap(density(normal(1), LIMITS), density(normal(2, x=2.0), LIMITS))
    assert same > 0.93
    assert apart == pytest.approx(0.317, abs=0.06)  # 2 Φ(-1)
