"""Scattering coefficients, covariances and distances against what is known of them."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from poroscale.kernels.maps.scattering import scattering_coefficients
from poroscale.kernels.maps.scattering_covariance import ScatteringCovariance, wavelets
from poroscale.kernels.maps.scattering_distance import precision, separation


def field(seed, sigma=2.0, shape=(64, 96)):
    noise = np.random.default_rng(seed).standard_normal(shape)
    smooth = gaussian_filter(noise, sigma, mode="wrap")
    return smooth / smooth.std()


def test_a_wave_shows_in_its_own_octave_and_angle():
    x = np.arange(128)
    picture = np.tile(np.sin(2 * np.pi * x / 8), (128, 1))
    first = scattering_coefficients(picture).first
    # Centre frequencies are 3π/4 / 2^j: a wave of 8 cells is nearest to j = 2 (10.7) or 1 (5.3).
    octave, angle = np.unravel_index(first.argmax(), first.shape)
    assert octave in (1, 2)
    turned = scattering_coefficients(picture.T).first
    assert np.unravel_index(turned.argmax(), turned.shape)[1] == (angle + 2) % 4


def test_coefficients_grow_with_the_picture():
    picture = field(0)
    once, twice = (scattering_coefficients(k * picture).log_vector() for k in (1, 2))
    assert twice - once == pytest.approx(np.log(2), abs=1e-3)


def test_pictures_that_cannot_be_scattered_are_refused():
    with pytest.raises(ValueError, match="16 rows and columns, got"):
        scattering_coefficients(np.zeros((12, 64)))
    with pytest.raises(ValueError, match="finite"):
        scattering_coefficients(np.full((32, 32), np.nan))


def test_precision_and_separation_by_hand():
    a = np.array([[1.0, 0.0], [3.0, 0.0]])
    assert precision(a) == pytest.approx(2 / 5)  # a variance of 1 / (n - 1) over E|SX|²
    b = np.array([[0.0, 2.0]])
    assert separation(a, b) == pytest.approx((5 + 4 - 0) / 4.5)
    assert separation(b, b) == pytest.approx(0)


def test_precision_is_that_of_pairs_of_different_samples():
    samples = np.random.default_rng(4).normal(3, 1, (5, 7))
    pairs = [((a - b) ** 2).sum() for i, a in enumerate(samples) for b in samples[:i]]
    power = (samples**2).sum(axis=1).mean()
    assert precision(samples) == pytest.approx(np.mean(pairs) / (2 * power))


def test_few_samples_of_one_law_are_as_far_apart_as_they_are_wide():
    rng = np.random.default_rng(5)
    draws = [(rng.normal(3, 1, (4, 50)), rng.normal(3, 1, (4, 50))) for _ in range(400)]
    apart = np.mean([separation(a, b) for a, b in draws])
    wide = np.mean([precision(a) + precision(b) for a, b in draws])
    assert apart == pytest.approx(wide, rel=0.01)


def test_equal_laws_are_as_far_apart_as_they_are_wide():
    first, second, other = (
        np.array([scattering_coefficients(field(s + k, sigma)).log_vector() for k in range(12)])
        for s, sigma in ((0, 2.0), (100, 2.0), (200, 4.0))
    )
    spread = precision(first) + precision(second)
    assert separation(first, second) == pytest.approx(spread, rel=0.25)
    assert separation(first, other) > 5 * spread


def test_mean_power_of_white_noise_is_that_of_the_filter():
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal((256, 256))).float()
    band = wavelets((256, 256), 4, 4).band
    power = torch.fft.ifft2(torch.fft.fft2(noise) * band).abs().square().mean(dim=(-2, -1))
    assert power.numpy() == pytest.approx((band**2).mean(dim=(-2, -1)).numpy(), rel=0.35)
    assert power.mean().item() == pytest.approx((band**2).mean().item(), rel=0.05)


def tensor(array):
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))


def test_only_odd_terms_tell_a_field_from_its_negative():
    skewed = np.exp(field(1))
    skewed = tensor(skewed - skewed.mean())
    blind = ScatteringCovariance(skewed, terms=("modulus", "s4"))
    assert blind.loss(-skewed).item() < 1e-6
    for term in ("s3", "moments"):
        assert ScatteringCovariance(skewed, terms=(term,)).loss(-skewed).item() > 1e-3


def test_statistics_do_not_change_when_the_part_is_turned():
    map_ = tensor(field(2))
    statistics = ScatteringCovariance(map_)
    assert statistics.loss(torch.roll(map_, 17, dims=1)).item() < 1e-8
    assert statistics.loss(tensor(field(3))).item() > 1e-3


def test_gradient_is_that_of_finite_differences():
    statistics = ScatteringCovariance(tensor(field(4, shape=(40, 48))))
    start = tensor(field(5, shape=(40, 48))).requires_grad_()
    statistics.loss(start).backward()
    way = tensor(field(6, shape=(40, 48)))
    step = 1e-2
    with torch.no_grad():
        found = (statistics.loss(start + step * way) - statistics.loss(start - step * way)) / (
            2 * step
        )
    assert found.item() == pytest.approx((start.grad * way).sum().item(), rel=0.03)


def test_unknown_terms_and_broken_maps_are_refused():
    with pytest.raises(ValueError, match=r"terms must be of .*, got 's5'"):
        ScatteringCovariance(tensor(field(0)), terms=("s5",))
    with pytest.raises(ValueError, match="finite"):
        ScatteringCovariance(tensor(np.full((32, 32), np.inf)))
