"""New realisations of a rough surface by descent on its statistics (section 2.3 of the paper).

A map starts as noise and descends until its scattering covariances are those of the target. The
paper's own form works on a map of 256 x 256 with the covariance of kymatio's coefficients
(`published`); `descend` works at full resolution, lets only the columns close up, and adds the
terms that tell peaks from valleys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.noise import white_noise

Map = NDArray[np.float32]
START = 180
"""Stream of the noise that a descent starts from."""
PUBLISHED_SIZE, PUBLISHED_ITERATIONS = 256, 500
SMOOTHING_UM, SMOOTHING_ORDER = 100.0, 4


@dataclass(frozen=True)
class Descent:
    """Result of a descent.

    Attributes
    ----------
    map
        (rows, columns), in the target's unit.
    losses
        Loss at the start and after the last step.
    """

    map: Map
    losses: tuple[float, float]


def descend(
    target: NDArray[np.floating],
    *,
    iterations: int = 100,
    seed: int = 0,
    terms: Sequence[str] | None = None,
) -> Descent:
    """A map with the scattering covariances of another, at its own resolution.

    Parameters
    ----------
    target
        (rows, columns); columns close up, rows do not.
    iterations
        Steps of L-BFGS (strong Wolfe line search, history 20).
    seed
        Number from which the first noise is drawn: Gaussian with the spectrum of the target.
    terms
        Names of terms, from `kernels.scattering_covariance.TERMS`; all of them by default.

    Raises
    ------
    ValueError
        If the target is not finite.
    """
    import torch

    from poroscale.kernels.maps.scattering_covariance import TERMS, ScatteringCovariance

    mean = float(target.mean())
    wanted = torch.from_numpy(np.ascontiguousarray(target - mean, np.float32))
    statistics = ScatteringCovariance(wanted, terms=TERMS if terms is None else terms)
    field = torch.from_numpy(spectral_noise(wanted.numpy(), seed)).requires_grad_()
    optimiser = torch.optim.LBFGS(
        [field],
        max_iter=iterations,
        max_eval=2 * iterations,
        history_size=20,
        tolerance_grad=0,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )
    losses: list[float] = []

    def closure() -> Any:
        optimiser.zero_grad()
        loss = statistics.loss(field)
        loss.backward()  # type: ignore[no-untyped-call]
        losses.append(float(loss.detach()))
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        last = float(statistics.loss(field))
    found = field.detach().numpy() + np.float32(mean)
    return Descent(np.ascontiguousarray(found), (losses[0], last))


def spectral_noise(target: NDArray[np.floating], seed: int) -> Map:
    """Gaussian noise with the spectrum of a map, keyed by position."""
    rows, columns = target.shape
    noise = white_noise((0, 0, 0), (rows, 1, columns), seed=seed, stream=START)[:, 0]
    size = np.abs(np.fft.rfft2(target)) / np.sqrt(target.size)
    return np.fft.irfft2(np.fft.rfft2(noise) * size, s=target.shape).astype(np.float32)


def published(
    target: NDArray[np.floating],
    *,
    voxel_um: float,
    iterations: int = PUBLISHED_ITERATIONS,
    translations: int = 4,
    seed: int = 0,
) -> Descent:
    """A new surface as in the paper: eq. 6, with kymatio's coefficients (J = 4, L = 4).

    The map is resized to 256 x 256 and its row and column means are removed. The covariance of the
    coefficients over the map is averaged over an ensemble of periodic translations; white noise
    descends on the squared difference for 500 iterations (Adam; the paper says gradient descent).
    A Savitzky-Golay filter of order 4 over 100 um along θ follows, then the old size. The authors'
    code uses wavelet phase harmonics and L-BFGS instead; the text is followed here.

    Parameters
    ----------
    target
        (rows, columns) heights.
    voxel_um
        Distance of columns [um].
    iterations, translations, seed
        Steps, size of the ensemble, and the noise.

    Returns
    -------
    Descent
        The map has the target's shape and its row and column means.
    """
    import torch
    from scipy.ndimage import zoom

    size = PUBLISHED_SIZE
    factors = (size / target.shape[0], size / target.shape[1])
    small = zoom(np.asarray(target, np.float64), factors, order=1)
    means = small.mean(axis=0)[None] + small.mean(axis=1)[:, None] - small.mean()
    rest = small - means
    spread = float(rest.std()) or 1.0
    wanted = torch.from_numpy((rest / spread).astype(np.float32))
    covariance = _coefficient_covariance(size)
    shifts = [(size * k // translations, size * k // translations) for k in range(translations)]
    goal = torch.stack([covariance(torch.roll(wanted, shift, (0, 1))) for shift in shifts]).mean(0)
    noise = white_noise((0, 0, 0), (size, 1, size), seed=seed, stream=START)[:, 0]
    field = torch.from_numpy(noise.copy()).requires_grad_()
    optimiser = torch.optim.Adam([field], lr=0.05)
    losses = []
    for step in range(iterations):
        optimiser.zero_grad()
        loss = (
            (covariance(torch.roll(field, shifts[step % translations], (0, 1))) - goal)
            .square()
            .sum()
        )
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    found = _smoothed(field.detach().numpy() * spread, voxel_um / factors[1]) + means
    grown = zoom(found, (1 / factors[0], 1 / factors[1]), order=1)[
        : target.shape[0], : target.shape[1]
    ]
    return Descent(grown.astype(np.float32), (losses[0], losses[-1]))


def _coefficient_covariance(size: int) -> Any:
    """Covariance over the map of the scattering coefficients of a map."""
    from kymatio.scattering2d.frontend.torch_frontend import ScatteringTorch2D

    scattering = ScatteringTorch2D(J=4, shape=(size, size), L=4)

    def covariance(field: Any) -> Any:
        coefficients = scattering(field).flatten(1)
        centred = coefficients - coefficients.mean(dim=1, keepdim=True)
        return centred @ centred.T / centred.shape[1]

    return covariance


def _smoothed(field: NDArray[np.floating], pitch_um: float) -> NDArray[np.float64]:
    from scipy.signal import savgol_filter

    window = max(SMOOTHING_ORDER + 2, round(SMOOTHING_UM / pitch_um)) | 1
    return np.asarray(savgol_filter(field, window, SMOOTHING_ORDER, axis=1, mode="wrap"))
