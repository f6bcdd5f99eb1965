"""New surfaces against those they were fitted to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from scipy.stats import skew

from poroscale.kernels.maps.scattering import scattering_coefficients
from poroscale.kernels.maps.scattering_distance import precision, separation
from poroscale.surfaces.microcanonical import descend, published, spectral_noise
from poroscale.surfaces.roughness import Roughness, RoughnessConfig, fit_roughness


def field(seed=0, shape=(160, 320), sigma=3.0):
    noise = np.random.default_rng(seed).standard_normal(shape)
    smooth = gaussian_filter(noise, sigma, mode=("reflect", "wrap"))
    return smooth / smooth.std()


def skewed(seed=0, **options):
    return 5 * np.exp(0.6 * field(seed, **options))


FITTED = fit_roughness([skewed() + 100], voxel_um=5.0, periodic=True)


@given(
    st.tuples(st.integers(-300, 300), st.integers(0, 400)),
    st.tuples(st.integers(1, 90), st.integers(1, 120)),
)
def test_heights_are_the_same_for_any_box(origin, shape):
    surface = FITTED.sampler(seed=2, period=250)
    whole = surface((-320, 0), (720, 250))
    rows = slice(origin[0] + 320, origin[0] + 320 + shape[0])
    columns = np.arange(origin[1], origin[1] + shape[1]) % 250
    assert np.array_equal(surface(origin, shape), whole[rows][:, columns])


def test_other_seeds_and_streams_give_other_surfaces():
    box = ((0, 0), (128, 320))
    first = FITTED.sampler(seed=0)(*box)
    for other in (FITTED.sampler(seed=1), FITTED.sampler(seed=0, stream=1)):
        assert abs(np.corrcoef(first.ravel(), other(*box).ravel())[0, 1]) < 0.25


def test_height_and_skewness_are_kept():
    original = skewed(shape=(256, 512))
    fitted = fit_roughness([original], voxel_um=5.0, periodic=True)
    made = np.concatenate([fitted.sampler(seed=s)((0, 0), (256, 512)) for s in range(4)])
    assert made.std() == pytest.approx(original.std(), rel=0.08)
    assert skew(made.ravel()) == pytest.approx(skew(original.ravel()), rel=0.2)
    assert abs(made.mean()) < 0.2 * original.std()


def test_scattering_separation_is_that_of_equal_laws():
    original = skewed(shape=(256, 512))
    made = fit_roughness([original], voxel_um=5.0, periodic=True).sampler(seed=5)(
        (0, 0), (256, 512)
    )
    sets = [
        np.array(
            [
                scattering_coefficients(
                    heights[i : i + 64, j : j + 128] - heights.mean()
                ).log_vector()
                for i in range(0, 256, 64)
                for j in range(0, 512, 128)
            ]
        )
        for heights in (original, made)
    ]
    assert separation(*sets) < 2 * (precision(sets[0]) + precision(sets[1]))


def test_no_seam_where_the_surface_closes():
    made = FITTED.sampler(seed=3, period=250)((0, 0), (256, 250)).astype(float)
    steps = np.abs(np.diff(np.hstack([made, made[:, :1]]), axis=1)).mean(axis=0)
    assert steps[-1] < 1.6 * np.median(steps)


def test_out_of_roundness_is_kept_and_scaled_to_other_diameters():
    theta = 2 * np.pi * np.arange(320) / 320
    oval = 20 * np.cos(2 * theta)
    fitted = fit_roughness([field(1) + oval], voxel_um=5.0, periodic=True)
    for period in (320, 480):
        made = fitted.sampler(seed=1, period=period)((0, 0), (512, period)).mean(axis=0)
        second = 2 * np.fft.rfft(made)[2].real / period
        assert second == pytest.approx(20, rel=0.1)


def test_flat_faces_are_fitted_too():
    maps = [field(seed, shape=(128, 90)) for seed in range(4)]
    made = fit_roughness(maps, voxel_um=5.0, periodic=False).sampler(seed=0)((0, 0), (256, 90))
    assert made.std() == pytest.approx(1, rel=0.15)


def test_saved_and_loaded(tmp_path):
    FITTED.save(tmp_path / "roughness")
    back = Roughness.load(tmp_path / "roughness")
    box = ((-10, 5), (80, 60))
    assert np.array_equal(back.sampler(seed=1)(*box), FITTED.sampler(seed=1)(*box))
    with (tmp_path / "roughness" / "roughness.safetensors").open("r+b") as file:
        file.seek(-3, 2)
        file.write(b"x")
    with pytest.raises(OSError, match="is damaged"):
        Roughness.load(tmp_path / "roughness")
    (tmp_path / "roughness" / "roughness.json").unlink()
    with pytest.raises(FileNotFoundError, match="is missing"):
        Roughness.load(tmp_path / "roughness")


def test_small_maps_are_refused():
    with pytest.raises(ValueError, match="48 rows and columns to be fitted"):
        fit_roughness([np.zeros((20, 400))], voxel_um=5.0, periodic=True)


def test_descent_reaches_the_statistics_and_the_skewness():
    target = skewed(3, shape=(96, 128), sigma=2.0)
    found = descend(target, iterations=40)
    assert found.losses[1] < 0.01 * found.losses[0]
    inner = slice(16, -16)  # the rim is in no mean
    wanted = skew(target[inner].ravel())
    assert skew(found.map[inner].ravel()) == pytest.approx(wanted, rel=0.15)
    assert abs(np.corrcoef(found.map.ravel(), target.ravel())[0, 1]) < 0.5
    # Moduli alone leave the skewness of the start, which has none.
    blind = descend(target, iterations=40, terms=("modulus",))
    assert skew(blind.map[inner].ravel()) < 0.6 * wanted


def test_windows_from_descended_maps():
    config = RoughnessConfig(realisations=1, iterations=3)
    fitted = fit_roughness([skewed(shape=(64, 96))], voxel_um=5.0, periodic=True, config=config)
    made = fitted.sampler(seed=0)((0, 0), (64, 96))
    assert made.std() > 0.5 * skewed(shape=(64, 96)).std()


def test_start_has_the_spectrum_of_the_target():
    target = field(4, shape=(64, 96))
    start = spectral_noise(target, seed=1)
    assert start.std() == pytest.approx(target.std(), rel=0.25)


def test_published_form_lowers_its_loss_and_keeps_the_means():
    target = field(5, shape=(48, 64)) + 10 * np.cos(2 * np.pi * np.arange(64) / 64)
    found = published(target, voxel_um=5.0, iterations=3, translations=2)
    assert found.map.shape == target.shape
    assert found.losses[1] < found.losses[0]
    assert np.corrcoef(found.map.mean(axis=0), target.mean(axis=0))[0, 1] > 0.98
