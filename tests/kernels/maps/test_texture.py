"""Rough surfaces of any length: the same values for any box, the variance of what was fitted."""

import numpy as np
import pytest

from poroscale.kernels.maps.texture import (
    kernel_of,
    mode_amplitudes,
    waves,
    window_weights,
    windowed,
)


def test_squares_of_neighbouring_weights_add_up_to_one():
    total = np.zeros(300)
    for bounds in ((-20, 0), (0, 90), (90, 200), (200, 300), (300, 340)):
        first, weights = window_weights(bounds, 16)
        inside = [i for i in range(len(weights)) if 0 <= first + i < 300]
        total[[first + i for i in inside]] += weights[inside] ** 2
    assert total == pytest.approx(1.0)


def test_windows_are_the_same_for_any_rows():
    pool = [np.random.default_rng(0).standard_normal((90, 130)).astype(np.float32)]
    options = {"columns": 150, "step": (40, 40), "overlap": 8, "key": (3, 1)}
    whole = windowed(pool, (-100, 300), **options)
    part = windowed(pool, (-30, 77), **options)
    assert np.array_equal(part, whole[70:147])
    assert whole.std() == pytest.approx(1, abs=0.03)
    other = windowed(pool, (-100, 300), **{**options, "key": (4, 1)})
    assert abs(np.corrcoef(whole.ravel(), other.ravel())[0, 1]) < 0.05


def test_kernel_gives_back_the_variance_and_the_correlation():
    rng = np.random.default_rng(5)
    smooth = np.exp(-0.5 * (np.arange(-30, 31) / 6) ** 2)
    series = np.stack(
        [np.convolve(rng.standard_normal(4060), smooth, "valid") + 0j for _ in range(4)], axis=1
    )
    kernel = kernel_of(series, 60)
    assert (kernel**2).sum() == pytest.approx(np.mean(np.abs(series) ** 2), rel=1e-6)
    drawn = mode_amplitudes(kernel[None], (0, 4000), key=(0, 0))[:, 0].real
    for lag in (6, 12):
        wanted = np.exp(-(lag**2) / (4 * 36))
        found = np.mean(drawn[lag:] * drawn[:-lag]) / np.mean(drawn**2)
        assert found == pytest.approx(wanted, abs=0.08)


def test_waves_go_round_as_often_as_their_number():
    amplitudes = np.array([[2.0 + 0j, 0, 0.5j]])
    theta = 2 * np.pi * np.arange(48) / 48
    assert waves(amplitudes, 48)[0] == pytest.approx(2 - np.sin(2 * theta))
