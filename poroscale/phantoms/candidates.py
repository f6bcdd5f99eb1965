"""Draw pores of the three classes: where they are, how large and of what shape.

Gas pores are nearly round. Keyhole pores stand along the build direction, wider at one end.
Lack-of-fusion pores lie flat between two layers and have an irregular rim.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.parts.analytic_shapes import (
    AXES,
    BEND,
    CENTRE,
    COLUMNS,
    FRAME,
    RIM_COS,
    RIM_SIN,
    TAPER,
    enclosing_axes,
    with_extents,
)
from poroscale.kernels.parts.phantom_outline import (
    CYLINDER,
    Outline,
    depths_below_surface,
    modulations,
)
from poroscale.phantoms.config import PhantomConfig

FloatArray = NDArray[np.float64]

CLASSES = ("gas", "keyhole", "lack_of_fusion")
GAS, KEYHOLE, LACK_OF_FUSION = range(3)
RELATIVE_SIZE = np.array([1.0, 1.25, 1.6])  # median diameter relative to the gas pores
SIZE_SPREAD = np.array([0.35, 0.35, 0.40])  # standard deviation of the logarithm
SMALLEST = 2.2  # voxels: below that a pore has no shape on the grid
CLEARANCE = 2.5  # voxels between a closed pore and the surface


class PoreCandidates(NamedTuple):
    """Pores that may be placed: parameters (n, COLUMNS), class (n,), meant to be open (n,)."""

    pores: FloatArray
    kinds: NDArray[np.int64]
    opened: NDArray[np.bool_]

    def select(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> PoreCandidates:
        """The candidates that a mask or an index picks."""
        return PoreCandidates(self.pores[which], self.kinds[which], self.opened[which])

    def join(self, other: PoreCandidates) -> PoreCandidates:
        """These candidates followed by the others."""
        return PoreCandidates(*(np.concatenate(pair) for pair in zip(self, other, strict=True)))


def median_diameter(config: PhantomConfig) -> float:
    """Median diameter of gas pores in voxels: as configured, or 30 um held to 4.5-8 voxels."""
    if config.pore_diameter is not None:
        return config.pore_diameter / config.voxel_size
    return min(max(30 / config.voxel_size, 4.5), 8.0, max(0.3 * config.radius, 3.0))


def draw_candidates(
    count: int, generator: np.random.Generator, *, config: PhantomConfig, outline: Outline
) -> PoreCandidates:
    """Draw `count` pores, and return those that the part's intensity and surface allow."""
    kinds = generator.choice(3, size=count, p=config.pore_classes)
    points = _draw_points(count, generator, config)
    opened = generator.random(count) < config.open_fraction
    thin = generator.random(count)
    depth = depths_below_surface(outline, points)
    patch = modulations(outline, points)
    near = np.exp(-0.5 * ((depth - _subsurface(config)) / (0.6 * _subsurface(config))) ** 2)
    diameters = _draw_diameters(kinds, generator, config) * (1 + 0.5 * (patch - 0.5) * near)
    pores = draw_shapes(kinds, diameters, generator)
    pores[:, CENTRE] = points
    chance = 1 + 2 * config.surface_bias * patch * near
    chance *= 1 + config.side_bias * (points[:, 2] - outline.centre[1]) / outline.radius
    chance /= 1 + 2 * config.surface_bias
    # Open ones follow the rough patches too, and get through as often as the others.
    typical = float(chance[depth > 0].mean()) if (depth > 0).any() else 1.0
    chance = np.where(opened, 2 * patch * typical, chance)
    wanted = (depth > 0) & (thin * (1 + config.side_bias) < chance)
    wanted &= (diameters > SMALLEST) & (diameters < 0.5 * config.radius)
    chosen = PoreCandidates(pores, kinds, opened).select(wanted)
    return _clear_of_surface(chosen, generator, outline)


def _subsurface(config: PhantomConfig) -> float:
    # Depth of the zone between contour and hatching, where pores gather.
    return min(110 / config.voxel_size, 0.16 * config.radius)


def _draw_points(count: int, generator: np.random.Generator, config: PhantomConfig) -> FloatArray:
    # Centres may lie a little above and below the volume: its end faces cut pores too.
    margin = 2 * median_diameter(config)
    reach = 1.1 * config.radius
    low = np.array([-margin, config.shape[1] / 2 - reach, config.shape[2] / 2 - reach])
    high = np.array(
        [config.shape[0] + margin, config.shape[1] / 2 + reach, config.shape[2] / 2 + reach]
    )
    return np.asarray(low + (high - low) * generator.random((count, 3)))


def _draw_diameters(
    kinds: NDArray[np.int64], generator: np.random.Generator, config: PhantomConfig
) -> FloatArray:
    spread = SIZE_SPREAD[kinds] * generator.standard_normal(len(kinds))
    return np.asarray(median_diameter(config) * RELATIVE_SIZE[kinds] * np.exp(spread))


def draw_shapes(
    kinds: NDArray[np.int64], diameters: FloatArray, generator: np.random.Generator
) -> FloatArray:
    """Pores of the given classes and equivalent diameters in voxels, at the origin; no extents."""
    n = len(kinds)
    u = generator.random((n, 4))
    ratios = np.ones((n, 3))  # a, b, c relative to a
    ratios[:, 1] = np.select(
        [kinds == GAS, kinds == KEYHOLE],
        [0.88 + 0.12 * u[:, 0], 0.8 + 0.2 * u[:, 0]],
        0.6 + 0.4 * u[:, 0],
    )
    ratios[:, 2] = np.select(
        [kinds == GAS, kinds == KEYHOLE],
        [0.85 + 0.2 * u[:, 1], 1.7 + 1.5 * u[:, 1]],
        0.24 + 0.22 * u[:, 1],
    )
    pores = np.zeros((n, COLUMNS))
    pores[:, AXES] = ratios * (0.5 * diameters / np.cbrt(ratios.prod(axis=1)))[:, None]
    # A flat pore thinner than two voxels would fall to pieces on the grid.
    pores[:, 14] = np.maximum(pores[:, 14], 1.15)
    pores[:, TAPER] = np.where(kinds == KEYHOLE, 0.5 * u[:, 2], 0.0)
    pores[:, FRAME] = _draw_frames(kinds, generator)
    rim = generator.standard_normal((n, 2, 4)) * 0.14 / np.arange(1, 5) ** 0.5
    size = np.sqrt((rim**2).sum(axis=1)).sum(axis=1)
    rim *= np.where(kinds == LACK_OF_FUSION, np.minimum(1, 0.55 / size), 0.0)[:, None, None]
    pores[:, RIM_COS], pores[:, RIM_SIN] = rim[:, 0], rim[:, 1]
    bend = 0.5 * (u[:, 2:4] - 0.5)
    pores[:, BEND] = np.where((kinds == LACK_OF_FUSION)[:, None], bend, 0.0)
    return pores


def _draw_frames(kinds: NDArray[np.int64], generator: np.random.Generator) -> FloatArray:
    n = len(kinds)
    wobble = np.radians(np.where(kinds == KEYHOLE, 9.0, 7.0)) * generator.standard_normal(n)
    tilt = np.where(kinds == GAS, np.arccos(1 - 2 * generator.random(n)), np.abs(wobble))
    azimuth, spin = 2 * np.pi * generator.random((2, n))
    return frames(tilt, azimuth, spin)


def frames(tilt: FloatArray, azimuth: FloatArray, spin: FloatArray) -> FloatArray:
    """Rotations whose third row, the pole, is tilted from z by `tilt` towards `azimuth`.

    Angles in radians, shape (n,); azimuth from x towards y. Rows are p, q, w in (z, y, x),
    flattened to shape (n, 9).
    """
    st, ct, sa, ca = np.sin(tilt), np.cos(tilt), np.sin(azimuth), np.cos(azimuth)
    pole = np.column_stack([ct, st * sa, st * ca])
    first = np.column_stack([-st, ct * sa, ct * ca])
    second = np.column_stack([np.zeros_like(ct), ca, -sa])
    cs, ss = np.cos(spin)[:, None], np.sin(spin)[:, None]
    return np.hstack([cs * first + ss * second, cs * second - ss * first, pole])


def _clear_of_surface(
    chosen: PoreCandidates, generator: np.random.Generator, outline: Outline
) -> PoreCandidates:
    """Move the open ones into the surface; drop those that neither cut it nor keep clear of it."""
    pores = chosen.pores
    normal = _normals(outline, pores[:, CENTRE])
    spans = enclosing_axes(pores)[:, :, None] * pores[:, FRAME].reshape(-1, 3, 3)
    reach = np.sqrt(np.sum(np.einsum("nij,nj->ni", spans, normal) ** 2, axis=1))
    wanted = reach * (0.35 + 0.35 * generator.random(len(pores)))
    depth = depths_below_surface(outline, np.ascontiguousarray(pores[:, CENTRE]))
    pores[:, CENTRE] += np.where(chosen.opened, depth - wanted, 0.0)[:, None] * normal
    points = pores[:, None, CENTRE] + np.einsum("dk,nkj->ndj", _directions(), spans)
    depths = depths_below_surface(outline, points.reshape(-1, 3))
    lowest = depths.reshape(points.shape[:2]).min(axis=1)
    keep = np.where(chosen.opened, lowest < -0.8, lowest > CLEARANCE)
    chosen = chosen.select(keep)
    return chosen._replace(pores=with_extents(chosen.pores))


def _normals(outline: Outline, points: FloatArray) -> FloatArray:
    across = points[:, 1:] - np.array(outline.centre)
    if outline.kind == CYLINDER:
        across = across / np.maximum(np.linalg.norm(across, axis=1), 1e-9)[:, None]
    else:
        largest = np.abs(across).argmax(axis=1)[:, None] == np.arange(2)
        across = np.where(largest, np.sign(across), 0.0)
    return np.hstack([np.zeros((len(points), 1)), across])


def _directions() -> FloatArray:
    # 42 nearly even directions: enough to see a surface that a pore of some voxels may meet.
    k = np.arange(42) + 0.5
    polar, turn = np.arccos(1 - 2 * k / 42), np.pi * (1 + 5**0.5) * k
    return np.column_stack(
        [np.cos(polar), np.sin(polar) * np.sin(turn), np.sin(polar) * np.cos(turn)]
    )
