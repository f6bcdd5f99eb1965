"""The topological side of a training: persistence images of chips, and their critic's steps."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import torch
from torch import Tensor

from poroscale.kernels.topology.image_pairs import hole_places
from poroscale.networks.acwgan.topology import HolePlaces, TopologyCritic, persistence_of_places
from poroscale.networks.adversarial.penalty import gradient_penalty

THREADS = 4
"""Threads that look for holes; numba's code leaves the interpreter to others."""
LEVELS = 255
"""Steps from the darkest to the brightest grey value in which holes are looked for."""


def places_of_holes(images: Tensor) -> HolePlaces:
    """Where the holes of images (n, 1, y, x) from -1 to 1 are born and closed."""
    grey = (images.detach().float().cpu().clamp(-1, 1) + 1) / 2 * LEVELS
    keys = np.rint(grey[:, 0].numpy()).astype(np.uint8)
    parts = [part for part in np.array_split(keys, min(THREADS, len(keys))) if len(part)]
    with ThreadPoolExecutor(len(parts)) as pool:
        found = list(pool.map(lambda part: hole_places(part, wide=True), parts))
    pixels = keys[0].size
    offsets = np.cumsum([0, *(len(part) * pixels for part in parts[:-1])])
    births, deaths = (
        np.concatenate([each[k] + at for each, at in zip(found, offsets, strict=True)])
        for k in (0, 1)
    )
    return HolePlaces.of(births, deaths, np.concatenate([each[2] for each in found]))


def persistence_of(images: Tensor, scale: float) -> Tensor:
    """Persistence images (n, 100) of images (n, 1, y, x), over a scale; differentiable."""
    return persistence_of_places(images, places_of_holes(images)) / scale


def persistence_scale(images: Tensor) -> float:
    """Root mean square of the pixels of the persistence images of real chips."""
    found = persistence_of(images, 1.0)
    return max(float((found**2).mean().sqrt()), 1e-6)


def topology_loss(
    critic: TopologyCritic, real: Tensor, made: Tensor, codes: Tensor, penalty: float
) -> tuple[Tensor, Tensor]:
    """Loss of the topological critic on persistence images, and the distance that it tells."""
    distance = critic(real, codes).mean() - critic(made, codes).mean()
    apart = gradient_penalty(partial(critic.slopes, codes=codes), real, made)
    return penalty * apart - distance, distance


def topology_of_chips(chips: Tensor, scale: float) -> Tensor:
    """Persistence images of chips that nothing is learnt of."""
    with torch.no_grad():
        return persistence_of(chips, scale)
