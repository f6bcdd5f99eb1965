"""Small networks and patches with a known truth."""

import numpy as np
import torch

from poroscale.networks.segmenters import build_segmenter

EDGES = {"acc-unet": 32}
"""Of the smallest patch, where it is not 16."""


def small(name, width=0.25):
    """A network with fixed weights for its smallest patches."""
    torch.manual_seed(0)
    return build_segmenter(name, width=width, edge=EDGES.get(name, 16))


def batch(edge, number=2, seed=1):
    """Bright patches with dark balls, and where the balls are."""
    rng = np.random.default_rng(seed)
    grid = np.indices((edge,) * 3)
    truth = np.zeros((number, 1, edge, edge, edge), np.float32)
    for each in truth:
        for _ in range(3):
            centre = rng.uniform(4, edge - 4, (3, 1, 1, 1))
            each[0][((grid - centre) ** 2).sum(axis=0) < rng.uniform(2, 4) ** 2] = 1
    grey = 0.7 - 0.5 * truth + rng.normal(0, 0.03, truth.shape)
    return torch.from_numpy(np.clip(grey, 0, 1).astype(np.float32)), torch.from_numpy(truth)
