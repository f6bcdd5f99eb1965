"""The scan of a large part, modelled in the image: no projections, any box, bounded memory.

The solid fraction of each voxel is blurred by the point spread of the scanner, darkened towards
the axis as beam hardening does, and given ring artefacts and noise that depends on the absolute
position alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poroscale.identity import kernel
from poroscale.kernels.grey.blur import blur, gaussian_weights
from poroscale.kernels.grey.scan_model import scan_grey
from poroscale.kernels.noise import correlated_noise, tile_generator
from poroscale.phantoms.config import PhantomConfig
from poroscale.phantoms.part import SolidFraction
from poroscale.phantoms.streams import GREY_NOISE, RINGS

Index = tuple[int, int, int]
Shape = tuple[int, int, int]

BYTES_PER_VOXEL = 28.0
"""Blocks with their halos: the fraction, two passes of its blur, then noise and its passes."""


@kernel("phantom.ImageScan")
@dataclass(frozen=True)
class ImageScan:
    """Grey values of the part as a scanner would reconstruct them; uint16."""

    config: PhantomConfig

    def __call__(self, origin: Index, shape: Shape) -> NDArray[np.uint16]:
        """Grey values on the box of `shape` voxels whose first voxel is `origin`."""
        config = self.config
        noise = correlated_noise(
            origin,
            shape,
            seed=config.seed,
            stream=GREY_NOISE,
            sigma=config.noise_correlation,
        )
        noise *= np.float32(config.noise)
        return np.asarray(
            scan_grey(
                self._blurred(origin, shape),
                noise,
                origin,
                (config.shape[1] / 2, config.shape[2] / 2),
                (config.cupping, config.radius, config.gradient, float(config.shape[0])),
                _ring_profile(config),
                (config.air_level, config.solid_level),
            )
        )

    def _blurred(self, origin: Index, shape: Shape) -> NDArray[np.float32]:
        weights = gaussian_weights(self.config.blur)
        halo = len(weights) // 2
        start = (origin[0] - halo, origin[1] - halo, origin[2] - halo)
        extent = (shape[0] + 2 * halo, shape[1] + 2 * halo, shape[2] + 2 * halo)
        return blur(SolidFraction(self.config)(start, extent), weights)


def _ring_profile(config: PhantomConfig) -> NDArray[np.float32]:
    length = sum(config.shape[1:]) + 3
    draw = tile_generator(config.seed, RINGS).standard_normal(length)
    # A few detector pixels are off by much, most by little.
    return (config.rings * draw * np.abs(draw) / np.sqrt(3)).astype(np.float32)
