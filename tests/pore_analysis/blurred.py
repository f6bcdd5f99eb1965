"""Scans of balls whose volume and centre are known, as the local segmentation leaves them."""

import numpy as np
from scipy import ndimage

from poroscale.kernels.grey.partial_volume import CODES_HALO, pore_codes, pore_shares, share_halo

FINE = 5
"""Parts of a voxel along each axis, in which a ball is drawn."""


def balls(shape, radii, *, spacing, seed):
    """Share of each voxel that lies in a ball; centres (n, 3) [voxels from the corner], radii."""
    rng = np.random.default_rng(seed)
    axes = (np.arange(spacing, n - spacing // 2, spacing) for n in shape)
    places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    centres = places + rng.random(places.shape)
    radii = np.resize(radii, len(centres))
    share = np.zeros(shape, np.float32)
    for centre, radius in zip(centres, radii, strict=True):
        low = np.floor(centre - radius).astype(int)
        count = np.ceil(centre + radius).astype(int) - low
        along = [
            (low[i] + (np.arange(count[i] * FINE) + 0.5) / FINE - centre[i]) ** 2 for i in range(3)
        ]
        ball = sum(np.ix_(*along)) <= radius**2
        parts = ball.reshape([n for edge in count for n in (edge, FINE)]).mean(axis=(1, 3, 5))
        share[tuple(slice(a, a + n) for a, n in zip(low, count, strict=True))] += parts
    return share, centres, radii


def scanned(share, *, sigma, noise, seed):
    """Phases (1 solid, 2 pore) and shares (int8) of a blurred and noisy scan of the balls."""
    grey = ndimage.gaussian_filter(1 - share, sigma, mode="nearest")
    grey += np.random.default_rng(seed).normal(0, noise, grey.shape).astype(np.float32)
    grown = np.pad(grey, share_halo(sigma), mode="edge")
    least = max(0.1, noise)
    shares = pore_shares(
        grown,
        np.zeros(grown.shape, bool),
        np.ones(grown.shape, np.float32),
        scale=(0.0, 1.0),
        air=0.0,
        void=(0.0, 0.0),
        sigma=sigma,
        seed=least,
    )
    codes = pore_codes(np.pad(shares, CODES_HALO), seed=least, noise=noise)
    labels, _ = ndimage.label(codes)
    kept = np.bincount(labels.ravel()) >= 9
    kept[0] = False
    return (1 + kept[labels]).astype(np.uint8), shares
