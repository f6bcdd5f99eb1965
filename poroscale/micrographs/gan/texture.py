"""The texture of the background of chips: a small filter of white noise.

A generator that begins with it need not find the noise of a microscope by trial, and its critic
looks at the particles from the first step on. The filter is trained like any other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STANDS_OUT = 2.5
"""Deviations of the background from which on a pixel counts as no background."""
DEVIATION = 1.4826
"""Standard deviation over the median of absolute deviations, of normal values."""
LAGS = 6
"""Distances up to which pixels of the background are compared [pixels]."""


def texture_filter(chips: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    """The symmetric filter that makes noise like the background of chips out of white noise.

    Its square in the frequencies is the spectrum of the background: of products of pixels that both
    stand out by less than 2.5 robust deviations from the median of their chip.

    Parameters
    ----------
    chips
        (n, y, x) grey values.
    reach
        Pixels of the filter to every side of its middle.

    Returns
    -------
    ndarray
        float32 (2 reach + 1, 2 reach + 1), whose squares sum to the variance of the background;
        zeros where there is none, as of masks.
    """
    deviations = chips - np.median(chips, axis=(1, 2), keepdims=True)
    spread = DEVIATION * np.median(np.abs(deviations), axis=(1, 2), keepdims=True)
    background = np.abs(deviations) <= STANDS_OUT * spread
    deviations = np.where(background, deviations, 0)
    variance = float(np.median(spread)) ** 2
    size = 2 * reach + 1
    if not variance:
        return np.zeros((size, size), np.float32)
    covariance = _covariances(deviations, background.astype(np.float32))
    covariance *= variance / covariance[0, 0]
    amplitude = np.sqrt(np.maximum(np.fft.fft2(covariance).real, 0))
    whole = np.fft.ifft2(amplitude).real
    along = np.arange(-reach, reach + 1)
    found = whole[np.ix_(along, along)]
    found *= np.sqrt(variance / (found**2).sum())
    return found.astype(np.float32)


def _covariances(
    deviations: NDArray[np.float32], background: NDArray[np.float32]
) -> NDArray[np.float64]:
    """(2 LAGS + 1, 2 LAGS + 1) mean products at each lag, lag 0 first, of pairs of background.

    They are averaged over lags that a turn or a mirror image takes into each other, and fall to
    zero by a window, without which the spectrum has ripples.
    """
    size = 2 * LAGS + 1
    found = np.zeros((size, size))
    height, width = deviations.shape[1:]
    for dy in range(LAGS + 1):
        for dx in range(LAGS + 1):
            one = np.s_[:, : height - dy, : width - dx]
            other = np.s_[:, dy:, dx:]
            pairs = float((background[one] * background[other]).sum(dtype=np.float64))
            products = float((deviations[one] * deviations[other]).sum(dtype=np.float64))
            window = max(0.0, 1 - np.hypot(dy, dx) / (LAGS + 1))
            value = window * products / max(pairs, 1.0)
            for y, x in {(dy, dx), (-dy, dx), (dy, -dx), (-dy, -dx)}:
                found[y, x] = value
    return (found + found.T) / 2
