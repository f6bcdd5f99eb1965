"""Small scans with a known truth: a bar of metal in air, with round pores."""

import numpy as np

from poroscale.segmentation.training.config import SegmenterConfig
from poroscale.segmentation.training.data import LabelledScan

AIR, SOLID = 8000, 30000
CHUNK = (32, 32, 32)


def bar(shape=(64, 40, 40), seed=0, noise=900, pores=24, edge=5):
    """Grey values uint16 and phases uint8."""
    rng = np.random.default_rng(seed)
    phases = np.zeros(shape, np.uint8)
    phases[:, edge:-edge, edge:-edge] = 1
    grid = np.indices(shape)
    for _ in range(pores):
        centre = rng.uniform((2, edge + 3, edge + 3), np.array(shape) - (2, edge + 3, edge + 3))
        distance = ((grid - centre[:, None, None, None]) ** 2).sum(axis=0)
        phases[distance < rng.uniform(1.5, 3) ** 2] = 2
    grey = np.where(phases == 1, SOLID, AIR) + rng.normal(0, noise, shape)
    return np.clip(grey, 0, 65535).astype(np.uint16), phases


def labelled(as_volume, seed=0, **given):
    grey, phases = bar(seed=seed, **given)
    return LabelledScan(as_volume(grey, chunks=CHUNK), as_volume(phases, chunks=CHUNK))


def config(model="unet", *, epochs=2, edge=16, width=0.125, **given):
    """Settings that train in a second."""
    sections = {
        "network": {"model": model, "edge": edge, "width": width},
        "patches": {"batch": 2, "steps": 3, "validation": 4, "readers": 1},
        "augmentation": {},
        "training": {"epochs": epochs, "learning_rate": 1e-3, "threads": 1, "device": "cpu"},
    }
    for name, values in given.items():
        sections[name] |= values
    return SegmenterConfig(**sections)
