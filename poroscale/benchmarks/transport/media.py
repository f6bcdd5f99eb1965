"""Two phases of a known Gaussian field, as arrays on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

WIDTH = 4.0
"""Standard deviation of the filter [voxels]: pores are some 10 voxels wide, whatever the edge."""


@dataclass(frozen=True)
class TwoPhaseMedium:
    """A medium of the benchmark.

    Attributes
    ----------
    name
        Name in the table.
    share
        Share of phase 1.
    low
        Conductivity of phase 0; that of phase 1 is 1.
    faster
        Factor over taufactor that is promised; None promises none.
    """

    name: str
    share: float
    low: float
    faster: float | None = None


MEDIA = (
    TwoPhaseMedium("half conducts", 0.5, 0.0, 10.0),
    TwoPhaseMedium("a fifth conducts", 0.2, 0.0, 20.0),
    TwoPhaseMedium("contrast 10", 0.5, 0.1),
    TwoPhaseMedium("contrast 10,000", 0.5, 1e-4),
)


def medium_file(data: Path, edge: int, medium: TwoPhaseMedium) -> Path:
    """A cube of the medium as uint8 in an npy file, made once."""
    from scipy.ndimage import gaussian_filter

    path = data / f"medium_{edge}_{medium.share:g}.npy"
    if not path.exists():
        noise = np.random.default_rng(0).standard_normal((edge,) * 3, np.float32)
        smooth = gaussian_filter(noise, WIDTH, mode="wrap")
        np.save(path, (smooth > np.quantile(smooth, 1 - medium.share)).astype(np.uint8))
    return path
