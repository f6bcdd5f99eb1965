"""A kernel of finite size whose noise has a wanted covariance as nearly as any field can.

A covariance is one only if no part of its spectrum is negative; what an image gives, lag by lag,
need not be. The fit has two steps:

1. Alternating projections: what the image says about its lags, and a spectrum that is nowhere
   negative (von Neumann 1950; for covariances, Yeong and Torquato 1998 ask the same of phases).
2. The kernel is the root of that spectrum, cut to its support. Descent on the kernel itself then
   lowers the difference of the covariance that it *has* to the one that is wanted, so that cutting
   costs as little as it can.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.optimize import minimize

Floats = NDArray[np.float64]
ROUNDS = 12
"""Alternating projections: descent on the kernel does the rest."""
DESCENT = 40
"""Steps of descent on the kernel."""


@dataclass(frozen=True)
class WantedCovariance:
    """Correlations that a field is to have, on the lattice of a transform (lag 0 first).

    Attributes
    ----------
    values
        float64 (z, y, x): correlation by lag, 1 at lag 0; a guess where it is not known.
    weights
        float64 of the same shape: how much each lag counts; 0 where only a guess is known.
    """

    values: Floats
    weights: Floats


def lag_lattice(reach: int) -> tuple[Floats, Floats, Floats]:
    """Lags along z, y, x on a cubic lattice on which lags up to `reach` are met once.

    The covariance of a kernel of that reach extends to twice the reach. On a lattice of three times
    the reach its ends meet each other, but none of the lags that are wanted.
    """
    edge = fft.next_fast_len(3 * reach + 1, real=True)
    lags = np.fft.fftfreq(edge, 1 / edge)
    return lags[:, None, None], lags[:, None], lags


def projected(wanted: WantedCovariance, *, rounds: int = ROUNDS) -> Floats:
    """The nearest covariance found, on the lattice of `wanted`; its spectrum is not negative."""
    share = wanted.weights / max(float(wanted.weights.max()), 1e-300)
    share = np.where(share > 0, np.clip(share, 0.2, 1.0), 0.0)
    found = _of_spectrum(_spectrum(wanted.values), wanted.values.shape)
    for _ in range(rounds):
        found = found + share * (wanted.values - found)
        found = _of_spectrum(_spectrum(found), found.shape)
    return found


def _spectrum(covariance: Floats) -> Floats:
    """The spectrum of a covariance, where it is positive."""
    return np.asarray(np.maximum(fft.rfftn(covariance, workers=-1).real, 0.0))


def _of_spectrum(spectrum: Floats, shape: tuple[int, ...]) -> Floats:
    found = fft.irfftn(spectrum, shape, workers=-1)
    return np.asarray(found / found.flat[0])


def root_kernel(covariance: Floats, reach: int) -> Floats:
    """The kernel of a covariance, cut smoothly to `reach` voxels, of unit sum of squares."""
    kernel = fft.irfftn(np.sqrt(_spectrum(covariance)), covariance.shape, workers=-1)
    cut = _cut(kernel, reach) * _taper(reach)
    return np.asarray(cut / np.sqrt((cut**2).sum()))


def _cut(lattice: Floats, reach: int) -> Floats:
    """Lags -reach ... reach along each axis, lag 0 in the middle."""
    lags = np.arange(-reach, reach + 1)
    return np.asarray(lattice[np.ix_(*(lags % n for n in lattice.shape))])


def _taper(reach: int) -> Floats:
    """1 within three quarters of the reach, falling to 0 beyond it."""
    z, y, x = np.ogrid[tuple(slice(-reach, reach + 1) for _ in range(3))]
    share = np.clip((np.sqrt(z**2 + y**2 + x**2) / (reach + 1) - 0.75) / 0.25, 0.0, 1.0)
    return np.asarray(np.cos(0.5 * np.pi * share) ** 2)


def autocovariance(kernel: Floats, lattice: tuple[int, ...]) -> Floats:
    """The covariance that noise filtered by a kernel has, on a lattice (lag 0 first)."""
    spectrum = np.abs(fft.rfftn(kernel, lattice)) ** 2
    return np.asarray(fft.irfftn(spectrum, lattice))


def covariance_loss(
    support: NDArray[np.bool_], wanted: WantedCovariance
) -> Callable[[Floats], tuple[float, Floats]]:
    """What the covariance of a kernel misses, and its gradient, as a function of its values.

    Single precision suffices: S2 of an image is known to three digits.

    Parameters
    ----------
    support
        Where the kernel may differ from 0.
    wanted
        Correlations that it should have.
    """
    lattice = wanted.values.shape
    values, weights = wanted.values.astype(np.float32), wanted.weights.astype(np.float32)
    weights *= np.float32(1e4)  # squares of small differences stay well above the rounding
    here = tuple(slice(0, n) for n in support.shape)

    def loss(free: Floats) -> tuple[float, Floats]:
        full = np.zeros(support.shape, np.float32)
        full[support] = free
        norm = np.float32((full**2).sum())
        spectrum = fft.rfftn(full, lattice, workers=-1)
        power = (spectrum.real**2 + spectrum.imag**2) / norm
        off = fft.irfftn(power, lattice, workers=-1) - values
        pull = weights * off
        # d C(v) / d h(a) = h(a + v) + h(a - v), and the pull is the same at v and -v.
        slope = fft.irfftn(fft.rfftn(pull, workers=-1) * spectrum, lattice, workers=-1)
        scale = np.float32((pull * (off + values)).sum())
        gradient = 4 / norm * (slope[here][support] - scale * full[support])
        return float((pull * off).sum()), gradient.astype(np.float64)

    return loss


def refined(kernel: Floats, wanted: WantedCovariance, *, steps: int = DESCENT) -> Floats:
    """The kernel after descent (L-BFGS) on the weighted squares of what its covariance misses."""
    support = kernel != 0
    found = minimize(
        covariance_loss(support, wanted),
        kernel[support],
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": steps, "maxcor": 4, "ftol": 3e-3},
    )
    full = np.zeros(kernel.shape)
    full[support] = found.x
    return np.asarray(full / np.sqrt((full**2).sum()))
