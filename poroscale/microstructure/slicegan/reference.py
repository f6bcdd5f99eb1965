"""The reference sample of a generator: scores of voxels from which its biases are fitted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.noise import tile_generator
from poroscale.microstructure.slicegan.sampler import chain_of
from poroscale.microstructure.slicegan.smoothing import smoothed_scores
from poroscale.networks.slicegan.generator import SliceGenerator

Floats = NDArray[np.float32]
REFERENCE, PLACES = 601, 604
"""Streams of the noise of the reference sample, and of the places of its voxels."""
BLOCKS, EDGE = 64, 64
"""Blocks of the reference volume, and voxels along an edge of each, two latents at least: so many
that the error of a fraction is small where pores are ten voxels wide."""
VOXELS = 131_072
"""Voxels that are kept: of a fraction of 0.2 their error is 0.001."""


def reference_scores(network: SliceGenerator, blocks: int = BLOCKS) -> Iterator[Floats]:
    """float32 (z, y, x, channels) scores of separate blocks.

    Parameters
    ----------
    network
        The trained generator; of its normalisation the running statistics count.
    blocks
        How many.
    """
    chain, shape = chain_of(network), network.shape
    cells = max(2, -(-EDGE // shape.cell))
    for block in range(blocks):
        noise = tile_generator(0, REFERENCE, (block, 0, 0))
        latents = noise.standard_normal((shape.latent, *(cells + 2,) * 3), np.float32)
        yield chain(latents)


def sampled_scores(
    network: SliceGenerator, blocks: int = BLOCKS, *, smoothing: float = 0.0
) -> Floats:
    """float32 (voxels, channels) scores of random voxels of separate blocks.

    Of phases the first one's scores are 0.

    Parameters
    ----------
    network, blocks
        As of `reference_scores`.
    smoothing
        Width by which the shares of phases are averaged [voxels].
    """
    channels, found = network.shape.channels, []
    for block, each in enumerate(reference_scores(network, blocks)):
        scores = smoothed_scores(each, smoothing).reshape(-1, channels)
        chosen = tile_generator(0, PLACES, (block, 0, 0)).integers(0, len(scores), VOXELS // blocks)
        found.append(scores[chosen])
    # Voxels of all blocks by turns, so that the first ones stand for all.
    sample = np.stack(found, axis=1).reshape(-1, channels)
    first = sample[:, :1] if network.shape.output == "phases" else np.float32(0)
    return np.clip(sample - first, -6e4, 6e4)
