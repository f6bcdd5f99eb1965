"""Areal parameters against surfaces whose parameters are known in closed form."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.ndimage import gaussian_filter as smooth
from scipy.optimize import brentq
from scipy.stats import norm

from poroscale.kernels.maps.areal import areal_parameters, gaussian_filter, level

PITCH = (1.0, 1.0)


def sine(amplitude=2.0, wavelength=64, shape=(256, 256)):
    x = np.arange(shape[1])
    return np.tile(amplitude * np.sin(2 * np.pi * (x + 0.5) / wavelength), (shape[0], 1))


def test_sine_has_the_parameters_of_a_sine():
    found = areal_parameters(sine(), PITCH, periodic=True)
    assert found["Sa"] == pytest.approx(2 * 2 / math.pi, rel=1e-3)
    assert found["Sq"] == pytest.approx(2 / math.sqrt(2), rel=1e-6)
    assert found["Sz"] == pytest.approx(4, rel=2e-3)
    assert found["Ssk"] == pytest.approx(0, abs=1e-9)
    assert found["Sku"] == pytest.approx(1.5, rel=1e-6)
    assert found["Sdq"] == pytest.approx(2 * 2 * np.pi / 64 / math.sqrt(2), rel=2e-3)
    # cos(2π x / 64) falls to 0.2 at 64 acos(0.2) / 2π, and never along the ridges.
    assert found["Sal"] == pytest.approx(64 * math.acos(0.2) / (2 * math.pi), rel=0.01)
    assert math.isnan(found["Str"])  # no longest way within the map


def core_of(height, start):
    """Sk, Spk, Svk of a material ratio curve by quadrature over its window of 40 % from `start`."""
    end, middle = start + 0.4, start + 0.2
    slope = quad(lambda p: (p - middle) * height(p), start, end)[0] / (0.4**3 / 12)
    top = quad(height, start, end)[0] / 0.4 - slope * middle
    bottom, tiny = top + slope, 1e-12
    first = brentq(lambda p: height(p) - top, tiny, 1 - tiny) if height(tiny) > top else 0
    last = brentq(lambda p: height(p) - bottom, tiny, 1 - tiny) if height(1 - tiny) < bottom else 1
    above = quad(lambda p: height(p) - top, 0, first)[0]
    below = quad(lambda p: bottom - height(p), last, 1)[0]
    triangle = 2 * above / first if first else 0.0, 2 * below / (1 - last) if last < 1 else 0.0
    return -slope, *triangle


def test_core_of_gaussian_heights_is_that_of_the_fitted_line():
    expected = core_of(norm.isf, 0.3)
    assert expected == pytest.approx((2.574, 0.945, 0.945), abs=1e-3)
    heights = norm.isf((np.arange(40_000) + 0.5) / 40_000).reshape(200, 200)
    found = areal_parameters(heights, PITCH)
    assert [found[n] for n in ("Sk", "Spk", "Svk")] == pytest.approx(expected, rel=2e-3)
    assert found["Smr1"] == pytest.approx(9.905, abs=0.02)
    assert found["Smr2"] == pytest.approx(100 - 9.905, abs=0.02)


def test_core_of_a_sine_is_its_lower_flank():
    expected = core_of(lambda p: 2 * math.cos(math.pi * p), 0.6)
    assert expected == pytest.approx((3.549, 0.888, 0), abs=1e-3)
    found = areal_parameters(sine(wavelength=1024, shape=(16, 2048)), PITCH, periodic=True)
    assert [found[n] for n in ("Sk", "Spk", "Svk")] == pytest.approx(expected, abs=0.005)


def test_no_longest_way_where_no_direction_falls_far_enough():
    ridge = np.tile(np.repeat([1.0, -1.0], 32), (40, 4))
    assert math.isnan(areal_parameters(ridge, PITCH)["Str"])
    assert math.isfinite(areal_parameters(ridge, PITCH)["Sal"])


def test_developed_area_of_a_plane_is_that_of_its_slope():
    ramp = np.tile(0.75 * np.arange(80.0), (40, 1))
    found = areal_parameters(ramp, PITCH)
    assert found["Sdr"] == pytest.approx(math.sqrt(1 + 0.75**2) - 1, rel=1e-9)
    flat = level(ramp, valid=np.ones(ramp.shape, bool), form="plane")
    assert np.abs(flat).max() < 1e-9


def test_ramp_has_a_straight_material_ratio_curve():
    ramp = np.tile(np.arange(1000.0), (20, 1))
    found = areal_parameters(ramp, PITCH)
    assert found["Sk"] == pytest.approx(1000, rel=5e-3)
    assert found["Spk"] == pytest.approx(0, abs=2)
    # Triangles over the highest tenth and under the lowest fifth of a line of height 1000.
    assert found["Vmp"] == pytest.approx(0.5 * 0.1 * 100, rel=0.02)
    assert found["Vvv"] == pytest.approx(0.5 * 0.2 * 200, rel=0.02)
    assert found["Vmc"] == pytest.approx(0.5 * 0.8 * 800 - 5, rel=0.02)
    assert found["Vvc"] == pytest.approx(0.5 * 0.9 * 900 - 20, rel=0.02)


def test_spherical_caps_are_skewed_upwards():
    z = np.zeros((240, 240))
    y, x = np.indices((24, 24)) - 11.5
    cap = np.sqrt(np.maximum(100 - y**2 - x**2, 0))
    for i in range(0, 240, 60):
        for j in range(0, 240, 60):
            z[i : i + 24, j : j + 24] = cap
    found, upside_down = areal_parameters(z, PITCH), areal_parameters(-z, PITCH)
    volume = 2 / 3 * np.pi * 1000 / 3600  # of a half sphere over the area of a cell
    assert found["Sp"] == pytest.approx(cap.max() - z.mean())
    assert z.mean() == pytest.approx(volume, rel=0.01)
    assert found["Ssk"] > 2
    assert upside_down["Ssk"] == pytest.approx(-found["Ssk"])
    assert found["Vmp"] > 3 * upside_down["Vmp"]
    assert upside_down["Svk"] == pytest.approx(found["Spk"], rel=1e-6)


def test_gaussian_random_surface():
    rng = np.random.default_rng(1)
    z = smooth(rng.standard_normal((700, 900)), (3, 6), mode="wrap")
    found = areal_parameters(z, PITCH, periodic=True)
    assert found["Sa"] == pytest.approx(math.sqrt(2 / math.pi) * found["Sq"], rel=0.01)
    assert found["Ssk"] == pytest.approx(0, abs=0.08)
    assert found["Sku"] == pytest.approx(3, abs=0.15)
    # Smoothing by σ gives the correlation exp(-r² / 4σ²), which is 0.2 at 2σ sqrt(ln 5).
    assert found["Sal"] == pytest.approx(2 * 3 * math.sqrt(math.log(5)), rel=0.06)
    assert found["Str"] == pytest.approx(0.5, rel=0.08)


def test_cells_that_are_no_surface_do_not_count():
    rng = np.random.default_rng(2)
    z = smooth(rng.standard_normal((200, 200)), 3)
    holed, valid = z.copy(), np.ones(z.shape, bool)
    holed[40:60, 40:60] -= 50
    valid[40:60, 40:60] = False
    clean, spoilt = areal_parameters(z, PITCH), areal_parameters(holed, PITCH)
    masked = areal_parameters(holed, PITCH, valid=valid)
    assert spoilt["Sq"] > 5 * clean["Sq"]
    for name in ("Sq", "Sal", "Sdq"):
        assert masked[name] == pytest.approx(clean[name], rel=0.1)


def test_gaussian_filter_halves_waves_of_its_cutoff():
    z = sine(wavelength=64)
    left = gaussian_filter(z, 64.0, PITCH, periodic=True)
    assert left.std() / z.std() == pytest.approx(0.5, abs=0.01)


def test_too_few_cells_are_refused():
    valid = np.zeros((20, 20), bool)
    with pytest.raises(ValueError, match="16 valid cells at least, got 0"):
        areal_parameters(np.zeros((20, 20)), PITCH, valid=valid)


def alicona_heights(path):
    """Heights [um] and their pitch [um] of an al3d file: tags of 52 bytes, then planes of rows."""
    raw = path.read_bytes()
    tags = {}
    for start in range(raw.index(b"Version"), 17 * 52, 52):
        name, value = raw[start : start + 20], raw[start + 20 : start + 50]
        tags[name.split(b"\0")[0].decode("latin1")] = value.split(b"\0")[0].decode("latin1")
    rows, columns, first = (int(tags[name]) for name in ("Rows", "Cols", "DepthImageOffset"))
    heights = np.frombuffer(raw, "<f4", count=rows * columns, offset=first)
    pitch = 1e6 * float(tags["PixelSizeYMeter"]), 1e6 * float(tags["PixelSizeXMeter"])
    return 1e6 * heights.reshape(rows, columns).astype(np.float64), pitch


def test_a_measured_surface(real):
    heights, pitch = alicona_heights(real("height_map.al3d"))
    valid = heights < 1e9
    assert heights.shape == (296, 200)
    found = areal_parameters(heights, pitch, valid=valid)
    assert found["Sa"] == pytest.approx(6.4, abs=0.05)  # as published, not levelled
    flat = areal_parameters(level(heights, valid=valid, form="plane"), pitch, valid=valid)
    assert flat["Sa"] < 0.1 * found["Sa"]
    assert flat["Sk"] + flat["Spk"] + flat["Svk"] < flat["Sz"]
    assert 0.3 < flat["Str"] < 1


def test_against_surfalize():
    surfalize = pytest.importorskip("surfalize")
    rng = np.random.default_rng(3)
    z = smooth(rng.standard_normal((200, 260)), 4)
    surface, found = surfalize.Surface(z - z.mean(), 1.0, 1.0), areal_parameters(z, PITCH)
    for name in ("Sa", "Sq", "Sz", "Ssk", "Sku", "Sk", "Vmp", "Vmc", "Vvc", "Vvv"):
        assert found[name] == pytest.approx(getattr(surface, name)(), rel=0.03, abs=0.02), name
