"""Scattering coefficients of a picture (eqs. 4 and 5 of the porosity-generator paper)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Coefficients:
    """Mean scattering coefficients of a picture.

    Attributes
    ----------
    zeroth
        Mean of the picture.
    first
        (J, L) first order, by octave and angle over half a turn.
    second
        (J, L, J, L) second order; zero where the second octave is not the coarser one.
    """

    zeroth: float
    first: Floats
    second: Floats

    def log_vector(self) -> Floats:
        """Logarithms of first and second order, as in SX = log S[p]X of the paper."""
        octaves = len(self.first)
        later = np.arange(octaves)[:, None] < np.arange(octaves)
        second = self.second.transpose(0, 2, 1, 3)[later]
        return np.log(np.maximum(np.concatenate([self.first.ravel(), second.ravel()]), 1e-12))


@lru_cache(maxsize=8)
def _transform(shape: tuple[int, int], octaves: int, angles: int) -> Any:
    from kymatio.scattering2d.frontend.torch_frontend import ScatteringTorch2D

    return ScatteringTorch2D(J=octaves, shape=shape, L=angles)


def scattering_coefficients(
    picture: NDArray[np.floating], *, octaves: int = 4, angles: int = 4
) -> Coefficients:
    """Coefficients of a picture by kymatio's two-dimensional transform, averaged over it.

    Parameters
    ----------
    picture
        (rows, columns), at least 2^J of each.
    octaves, angles
        J and L.

    Raises
    ------
    ValueError
        If the picture is smaller, or not finite.
    """
    import torch

    if min(picture.shape) < 2**octaves:
        raise ValueError(f"a picture must have {2**octaves} rows and columns, got {picture.shape}")
    if not np.isfinite(picture).all():
        raise ValueError("a picture must be finite to be scattered")
    values = torch.from_numpy(np.ascontiguousarray(picture, np.float32))
    found = _transform((picture.shape[0], picture.shape[1]), octaves, angles)(values)
    mean = found.mean(dim=(-2, -1)).double().numpy()
    first = mean[1 : 1 + octaves * angles].reshape(octaves, angles)
    second = np.zeros((octaves, angles, octaves, angles))
    at = 1 + octaves * angles
    for j in range(octaves):
        for k in range(angles):
            count = (octaves - 1 - j) * angles
            second[j, k, j + 1 :] = mean[at : at + count].reshape(octaves - 1 - j, angles)
            at += count
    return Coefficients(float(mean[0]), first, second)
