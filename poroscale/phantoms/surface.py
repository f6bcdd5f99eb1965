"""Draw the rough surface of a part.

As-built laser-powder-bed surfaces are rough at several scales: a waviness of the contour, the ends
of melt tracks, traces of the layers, and powder grains that stick to the wall. How rough a patch is
varies along the part, and pores near the surface follow it (Appendix A of the porosity-generator
paper); the same smooth modulation drives both here.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.maps.height_map import NODE_STD, add_field, add_grains
from poroscale.kernels.noise import tile_generator
from poroscale.kernels.parts.phantom_outline import CUBE, CYLINDER, Outline
from poroscale.phantoms.config import PhantomConfig
from poroscale.phantoms.streams import GRAINS, SURFACE

FloatArray = NDArray[np.float64]

# Pitch of the lattices in um along z and around the part; share of the roughness.
TEXTURES = (
    (80.0, 80.0, 0.75),  # ends of melt tracks
    (40.0, 160.0, 0.50),  # layers
    (25.0, 25.0, 0.43),  # spatter
)
GRAIN_RADIUS = 18.0  # um, the upper half of a common powder
MARGIN = 64.0  # voxels that the map reaches beyond the volume, for halos
LARGEST_MAP = 4_000_000  # nodes; larger parts get a coarser map


def draw_outline(config: PhantomConfig) -> Outline:
    """Outline of the part, drawn from the seed."""
    radius = config.radius
    perimeter = (2 * math.pi if config.part == "cylinder" else 8) * radius
    height = config.shape[0] + 2 * MARGIN
    step = max(1.0, math.ceil(math.sqrt(perimeter * height / LARGEST_MAP)))
    patches = _draw_patches(8 * step, perimeter=perimeter, config=config)
    heights = _draw_heights(patches, step, perimeter=perimeter, config=config)
    margin = 0.08 * config.shape[0] if config.ends == "capped" else -math.inf
    return Outline(
        kind=CYLINDER if config.part == "cylinder" else CUBE,
        centre=(config.shape[1] / 2, config.shape[2] / 2),
        radius=radius,
        reach=float(np.abs(heights).max()),
        bottom=margin,
        top=config.shape[0] - margin,
        heights=heights,
        patches=patches,
        first=-MARGIN,
        step=step,
        patch_step=8 * step,
    )


def roughness_um(config: PhantomConfig) -> float:
    """Standard deviation of the height in um: as configured, or 8 um where the part is large."""
    if config.roughness is not None:
        return config.roughness
    return min(8.0, 0.02 * config.radius * config.voxel_size)


def _blank(step: float, perimeter: float, config: PhantomConfig) -> FloatArray:
    rows = math.ceil((config.shape[0] + 2 * MARGIN) / step) + 1
    return np.zeros((rows, max(8, round(perimeter / step))))


def _nodes(
    index: int, pitches: tuple[float, float], *, perimeter: float, config: PhantomConfig
) -> FloatArray:
    rows = math.ceil(config.shape[0] / pitches[0]) + 3
    columns = max(3, round(perimeter / pitches[1]))
    generator = tile_generator(config.seed, SURFACE, (index, 0, 0))
    draw = generator.standard_normal((rows, columns))
    return np.asarray(np.clip(draw, -2.5, 2.5) / NODE_STD)


def _draw_patches(step: float, *, perimeter: float, config: PhantomConfig) -> NDArray[np.float32]:
    field = _blank(step, perimeter, config)
    pitch = 0.5 * config.radius
    nodes = _nodes(0, (pitch, pitch), perimeter=perimeter, config=config)
    add_field(field, -MARGIN, step, nodes, pitch, np.ones_like(field))
    return np.clip(0.5 + 0.3 * field, 0, 1).astype(np.float32)


def _draw_heights(
    patches: NDArray[np.float32], step: float, *, perimeter: float, config: PhantomConfig
) -> NDArray[np.float32]:
    heights = _blank(step, perimeter, config)
    if config.roughness == 0:
        return heights.astype(np.float32)
    # Twice as rough as the mean where the modulation is 1, less than half where it is 0.
    rows = np.minimum(np.arange(heights.shape[0]) // 8, patches.shape[0] - 1)
    columns = np.arange(heights.shape[1]) * patches.shape[1] // heights.shape[1]
    rough = (0.4 + 1.2 * patches.astype(np.float64))[np.ix_(rows, columns)]
    amplitude = roughness_um(config) / config.voxel_size
    for index, (along_z, along_s, share) in enumerate(TEXTURES, start=2):
        pitches = (_pitch(along_z, config), _pitch(along_s, config))
        nodes = _nodes(index, pitches, perimeter=perimeter, config=config)
        add_field(heights, -MARGIN, step, nodes, pitches[0], amplitude * share * rough)
    add_grains(heights, -MARGIN, step, perimeter, _draw_grains(perimeter, config))
    wavy = 0.7 * config.radius
    nodes = _nodes(1, (wavy, wavy), perimeter=perimeter, config=config)
    waviness = np.full_like(heights, 0.008 * config.radius)
    add_field(heights, -MARGIN, step, nodes, wavy, waviness)
    return heights.astype(np.float32)


def _pitch(length: float, config: PhantomConfig) -> float:
    return min(max(length / config.voxel_size, 3.0), 0.5 * config.radius)


def _draw_grains(perimeter: float, config: PhantomConfig) -> FloatArray:
    """Powder grains that stick to the wall: z, position along it, radius and sink in voxels."""
    radius = min(GRAIN_RADIUS / config.voxel_size, 0.05 * config.radius)
    if radius < 1.2:
        return np.zeros((0, 4))
    generator = tile_generator(config.seed, GRAINS)
    count = generator.poisson(0.025 * perimeter * config.shape[0] / radius**2)
    u = generator.random((count, 4))
    radii = radius * (0.55 + 0.45 * u[:, 2])
    return np.column_stack(
        [config.shape[0] * u[:, 0], perimeter * u[:, 1], radii, radii * 0.5 * u[:, 3]]
    )
