"""A scanner drawn at random: point spread, noise, grey levels, and artefacts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.noise import correlated_noise

FloatArray = NDArray[np.float32]
Shape = tuple[int, int, int]

CORRELATED = 0.6
"""Voxels of the Gaussian that correlates noise."""


@dataclass(frozen=True)
class Scanner:
    """Settings of the scanner of a generated scan.

    Attributes
    ----------
    blur : float
        Standard deviation of the point spread [voxels].
    noise : float
        Standard deviation, in units of the contrast between solid and air.
    correlation : float
        Gaussian sigma of the noise [voxels]; 0 is white.
    dtype : str
        Type of the grey values.
    air, solid : float
        Their grey values.
    cupping, drift : float
        Darkening of the solid on the axis against the frame's sides, and by how much its grey
        value changes along z, as fractions of the contrast.
    rings : float
        Standard deviation of the rings, in units of the contrast.
    inclusions : int
        Bright grains in the solid.
    outliers : int
        Voxels with an extreme value.
    saturated : float
        Share of the voxels that have the brightest value.
    """

    blur: float
    noise: float
    correlation: float
    dtype: str
    air: float
    solid: float
    cupping: float
    drift: float
    rings: float
    inclusions: int
    outliers: int
    saturated: float


def draw_scanner(rng: np.random.Generator) -> Scanner:
    """A random scanner; each artefact occurs in one scan of four to seven."""
    dtype = ("uint16", "uint8", "float32", "int16")[rng.choice(4, p=(0.4, 0.2, 0.2, 0.2))]
    air, solid = _levels(dtype, rng)
    return Scanner(
        blur=rng.uniform(0.6, 1.6),
        noise=float(np.exp(rng.uniform(np.log(0.01), np.log(0.1)))),
        correlation=CORRELATED if rng.random() < 0.5 else 0.0,
        dtype=dtype,
        air=air,
        solid=solid,
        cupping=rng.uniform(0.05, 0.25) * (rng.random() < 0.25),
        drift=rng.uniform(-0.25, 0.25) * (rng.random() < 0.2),
        rings=rng.uniform(0.01, 0.05) * (rng.random() < 0.25),
        inclusions=int(rng.integers(3, 25) * (rng.random() < 0.2)),
        outliers=int(rng.integers(1, 6) * (rng.random() < 0.15)),
        saturated=rng.uniform(0.0001, 0.001) * (rng.random() < 0.15),
    )


def _levels(dtype: str, rng: np.random.Generator) -> tuple[float, float]:
    if dtype == "uint16":
        air = rng.uniform(2000, 20000)
        return air, air + rng.uniform(6000, 38000)
    if dtype == "uint8":
        return rng.uniform(20, 70), rng.uniform(130, 220)
    if dtype == "float32":
        return rng.uniform(-0.002, 0.005), rng.uniform(0.03, 0.08)
    return rng.uniform(-1200, -600), rng.uniform(600, 3500)


def scanned(solid: FloatArray, scanner: Scanner, *, seed: int) -> NDArray[np.generic]:
    """Grey values of a volume whose voxels are filled by the shares `solid`."""
    from scipy.ndimage import gaussian_filter

    shape = (solid.shape[0], solid.shape[1], solid.shape[2])
    rng = np.random.default_rng(seed)
    dense = solid * _brightness(shape, scanner, rng)
    grey = gaussian_filter(dense, scanner.blur, mode="nearest", truncate=3.0)
    if scanner.rings:
        grey += _rings(shape, scanner, rng)
    noise = correlated_noise((0, 0, 0), shape, seed=seed, sigma=scanner.correlation)
    grey += np.float32(scanner.noise) * noise
    return _digitised(grey, scanner, rng)


def _brightness(shape: Shape, scanner: Scanner, rng: np.random.Generator) -> FloatArray:
    """Grey value of the solid in units of the contrast."""
    radius, z = _radius(shape) / (min(shape[1:]) / 2), np.arange(shape[0]) / shape[0] - 0.5
    level = 1 + scanner.cupping * (np.minimum(radius, 1) ** 2 - 1)
    bright = (level[None] + scanner.drift * z[:, None, None]).astype(np.float32)
    for _ in range(scanner.inclusions):
        centre, size = rng.random(3) * shape, rng.uniform(1.5, 4)
        _add_ball(bright, centre, size, rng.uniform(0.3, 1.0))
    return bright


def _add_ball(field: FloatArray, centre: NDArray[np.float64], radius: float, value: float) -> None:
    low = np.maximum(np.floor(centre - radius).astype(int), 0)
    high = np.ceil(centre + radius).astype(int) + 1
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    places = np.ogrid[box]
    away = sum((p + 0.5 - c) ** 2 for p, c in zip(places, centre, strict=True))
    view = field[box]
    view[np.asarray(away)[: view.shape[0], : view.shape[1], : view.shape[2]] < radius**2] += value


def _rings(shape: Shape, scanner: Scanner, rng: np.random.Generator) -> FloatArray:
    from scipy.ndimage import gaussian_filter1d

    profile = gaussian_filter1d(rng.standard_normal(sum(shape[1:])), 0.7)
    profile *= scanner.rings / profile.std()
    return profile.astype(np.float32)[_radius(shape).astype(int)][None]


def _radius(shape: Shape) -> NDArray[np.float64]:
    """Distance of the columns from the axis [voxels]."""
    y, x = np.ogrid[: shape[1], : shape[2]]
    return np.hypot(y + 0.5 - shape[1] / 2, x + 0.5 - shape[2] / 2)


def _digitised(grey: FloatArray, scanner: Scanner, rng: np.random.Generator) -> NDArray[np.generic]:
    """Grey values of the scanner's type, with the voxels that are wrong."""
    contrast = scanner.solid - scanner.air
    values = (scanner.air + contrast * grey.astype(np.float64)).ravel()
    dtype = np.dtype(scanner.dtype)
    if dtype.kind == "f":
        low, high, wrong = -np.inf, scanner.air + 3 * contrast, 100 * contrast
    else:
        low, high = float(np.iinfo(dtype).min), float(np.iinfo(dtype).max)
        values, wrong = np.rint(values), high
    values = np.clip(values, low, high)
    values[rng.integers(len(values), size=round(scanner.saturated * len(values)))] = high
    extremes = rng.choice([wrong, -wrong if dtype.kind == "f" else low], size=scanner.outliers)
    values[rng.integers(len(values), size=scanner.outliers)] = extremes
    return values.astype(dtype).reshape(grey.shape)
