"""Noise filtered by a kernel, as a transform of one tile: a normal field of known covariance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Floats = NDArray[np.float32]
Shape = tuple[int, int, int]


def padded_shape(tile: Shape, kernel: Shape) -> Shape:
    """Shape of the transform of a tile with the noise around it: lengths that are fast."""
    z, y, x = (n + k - 1 for n, k in zip(tile, kernel, strict=True))
    return fft.next_fast_len(z, real=False), fft.next_fast_len(y, real=False), fft.next_fast_len(x)


def transfer(kernel: Floats, shape: Shape) -> NDArray[np.complex64]:
    """Transform of a kernel for noise of a shape."""
    return np.asarray(fft.rfftn(kernel, shape, workers=1), np.complex64)


def filtered(noise: Floats, factors: NDArray[np.complex64], tile: Shape, kernel: Shape) -> Floats:
    """Sums of the noise weighted by a kernel.

    Parameters
    ----------
    noise
        float32 (z, y, x) of the shape of `padded_shape`: a tile, half a kernel before it, and the
        rest behind.
    factors
        `transfer` of the kernel for that shape.
    tile, kernel
        Their shapes; the kernel's is odd.

    Returns
    -------
    float32 of the shape of the tile
        No voxel of the tile sees noise from round the corner. One thread computes it, in single
        precision: another shape of the tile may give another last bit.
    """
    spectrum = fft.rfftn(noise, workers=1)
    spectrum *= factors
    found = fft.irfftn(spectrum, noise.shape, overwrite_x=True, workers=1)
    place = tuple(slice(k - 1, k - 1 + n) for n, k in zip(tile, kernel, strict=True))
    return np.ascontiguousarray(found[place])
