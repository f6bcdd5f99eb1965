"""The reference sample of a generator: scores of voxels from which its biases are fitted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.noise import tile_generator
from poroscale.microstructure.slicegan.sampler import chain_of
from poroscale.networks.slicegan.generator import SliceGenerator

REFERENCE = 601
"""Stream of the noise of the reference sample, and of the places of its voxels."""
BLOCKS, EDGE = 64, 64
"""Blocks of the reference volume, and voxels along an edge of each, two latents at least: so many
that the error of a fraction is small where pores are ten voxels wide."""
VOXELS = 131_072
"""Voxels that are kept: of a fraction of 0.2 their error is 0.001."""


def sampled_scores(network: SliceGenerator, blocks: int = BLOCKS) -> NDArray[np.float32]:
    """float32 (voxels, channels) scores of random voxels of separate blocks.

    Of phases the first one's scores are 0.

    Parameters
    ----------
    network
        The trained generator; of its normalisation the running statistics count.
    blocks
        Separate blocks.
    """
    chain, shape = chain_of(network), network.shape
    cells = max(2, -(-EDGE // shape.cell))
    found = []
    for block in range(blocks):
        noise = tile_generator(0, REFERENCE, (block, 0, 0))
        latents = noise.standard_normal((shape.latent, *(cells + 2,) * 3), np.float32)
        scores = chain(latents).reshape(-1, shape.channels)
        chosen = noise.integers(0, len(scores), VOXELS // blocks)
        found.append(scores[chosen])
    # Voxels of all blocks by turns, so that the first ones stand for all.
    sample = np.stack(found, axis=1).reshape(-1, shape.channels)
    first = sample[:, :1] if shape.output == "phases" else np.float32(0)
    return np.clip(sample - first, -6e4, 6e4)
