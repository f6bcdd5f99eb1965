"""A rough surface of any length from a fitted one: the same values whatever box is asked.

A height is the sum of two fields over (row, column):

- long waves: Fourier modes around the part, each with an amplitude that is a stationary Gaussian
  process along the rows, white noise through a kernel;
- short waves: windows of fitted maps on a fixed lattice, each from a place of its own, that pass
  into each other over a narrow strip. In the strip the squares of the weights add up to one, so
  that the variance is the same everywhere.

Noise and places depend on seed, stream and lattice index alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.noise import tile_generator, white_noise

Map = NDArray[np.float32]
Floats = NDArray[np.float64]


def window_weights(bounds: tuple[int, int], overlap: int) -> tuple[int, Floats]:
    """First cell and weights of a window that owns the cells from one bound to the other.

    It reaches overlap / 2 cells beyond both; its weight rises and falls over `overlap` cells like a
    quarter of a sine.
    """
    half = overlap // 2
    ramp = np.sin(0.5 * math.pi * (np.arange(overlap) + 0.5) / overlap)
    weights = np.ones(bounds[1] - bounds[0] + overlap)
    weights[:overlap] *= ramp
    weights[len(weights) - overlap :] *= ramp[::-1]
    return bounds[0] - half, weights


def windowed(
    pool: Sequence[Map],
    rows: tuple[int, int],
    *,
    columns: int,
    step: tuple[int, int],
    overlap: int,
    key: tuple[int, int],
) -> Floats:
    """Short waves of some rows, all the way round.

    Parameters
    ----------
    pool
        Maps (n, m) that windows are cut from; columns of a map close up.
    rows
        First row, and number of rows.
    columns
        Columns of the result, which close up.
    step
        Rows and columns between windows; columns are evened out, so that a whole number goes round.
    overlap
        Cells over which a window passes into the next; even.
    key
        Seed and stream.

    Returns
    -------
    ndarray of float64, shape (rows, columns)
    """
    first, count = rows
    out = np.zeros((count, columns))
    around = max(1, round(columns / step[1]))
    bounds = [columns * k // around for k in range(around + 1)]
    half = overlap // 2
    for i in range((first - half) // step[0], (first + count - 1 + half) // step[0] + 1):
        top, along = window_weights((i * step[0], (i + 1) * step[0]), overlap)
        low, high = max(top, first), min(top + len(along), first + count)
        if low >= high:
            continue
        for k in range(around):
            left, across = window_weights((bounds[k], bounds[k + 1]), overlap)
            generator = tile_generator(*key, (i, k, 0))
            source = pool[int(generator.integers(len(pool)))]
            row = int(generator.integers(max(1, source.shape[0] - len(along) + 1)))
            start = int(generator.integers(source.shape[1]))
            taken = (start + np.arange(len(across))) % source.shape[1]
            piece = source[row + low - top : row + high - top, taken]
            weight = along[low - top : high - top, None] * across
            # A part that is narrower than a window meets its own other end.
            where = (left + np.arange(len(across))) % columns
            rows_of = np.arange(low - first, high - first)[:, None]
            np.add.at(out, (rows_of, where[None]), piece * weight)
    return out


def mode_amplitudes(
    kernels: Floats, rows: tuple[int, int], *, key: tuple[int, int]
) -> NDArray[np.complex128]:
    """Amplitudes of the modes along some rows.

    Parameters
    ----------
    kernels
        (modes, 2 n + 1) kernel of each mode.
    rows
        First row, and number of rows.
    key
        Seed and stream.

    Returns
    -------
    ndarray of complex128, shape (rows, modes)
        Real and imaginary part are independent, each with the kernel's energy as its variance.
    """
    first, count = rows
    modes, length = kernels.shape
    half = length // 2
    noise = white_noise(
        (first - half, 0, 0), (count + 2 * half, 2, modes), seed=key[0], stream=key[1]
    )
    seen = np.lib.stride_tricks.sliding_window_view(noise, length, axis=0)
    # (rows, parts, modes, length) with (modes, length); one sum an element, in a fixed order.
    parts = np.einsum("rpml,ml->rpm", seen.astype(np.float64), kernels[:, ::-1])
    return np.asarray(parts[:, 0] + 1j * parts[:, 1])


def waves(amplitudes: NDArray[np.complex128], columns: int) -> Floats:
    """Sum of modes around the part: a_0 + 2 Re Σ a_m exp(i m θ), shape (rows, columns)."""
    rows, modes = amplitudes.shape
    spectrum = np.zeros((rows, columns // 2 + 1), np.complex128)
    kept = min(modes, spectrum.shape[1])
    spectrum[:, :kept] = amplitudes[:, :kept] * columns
    spectrum[:, 0] = amplitudes[:, 0].real * columns
    return np.asarray(np.fft.irfft(spectrum, columns, axis=1))


def kernel_of(series: NDArray[np.complex128], length: int) -> Floats:
    """Kernel of white noise whose output has the autocovariance of a series.

    Parameters
    ----------
    series
        (n, parts) amplitudes along the rows, of one mode in one or several parts; mean zero.
    length
        Half the kernel's length; the autocovariance is tapered to zero at this lag.

    Returns
    -------
    ndarray of float64, shape (2 length + 1,)
        For each of the real and the imaginary part: half of the power of a complex series.
    """
    n = len(series)
    size = 4 * n
    spectrum = np.abs(np.fft.fft(series, size, axis=0)) ** 2
    covariance = np.fft.ifft(spectrum.mean(axis=1)).real / n
    lag = np.minimum(np.arange(size), size - np.arange(size))
    taper = np.where(lag < length, 0.5 + 0.5 * np.cos(np.pi * np.minimum(lag, length) / length), 0)
    power = np.maximum(np.fft.fft(covariance * taper).real, 0.0)
    kernel = np.fft.ifft(np.sqrt(power)).real
    cut = np.concatenate([kernel[-length:], kernel[: length + 1]])
    energy, wanted = float((cut**2).sum()), float(covariance[0])
    return cut * math.sqrt(wanted / energy) if energy > 0 else cut
