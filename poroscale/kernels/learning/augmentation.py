"""Training patches made other than they were scanned (section 4.2 of the pore-segmentation paper).

One function for one transform. Patches are (z, y, x) float32 with grey values in [0, 1], as scans
are normalised; a transform returns float32 that may leave that range, and who applies several of
them cuts the last one's values. Nothing is drawn here: a transform is a function of its parameters,
and each has parameters that leave a patch as it is. Where a patch lies in its scan is given as
`origin`, in voxels.
"""

from __future__ import annotations

from math import pi

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.grey.blur import blur, gaussian_weights
from poroscale.kernels.learning.weighted_rows import weighted_rows
from poroscale.kernels.noise import Index, white_noise

Patch = NDArray[np.float32]
NOISE = 410
"""Stream of the noise."""


def flip(patch: NDArray[np.generic], *, axes: tuple[int, ...]) -> NDArray[np.generic]:
    """The patch mirrored along `axes`; also for a truth."""
    return np.ascontiguousarray(np.flip(patch, axes))


def add_noise(patch: Patch, *, sigma: float, seed: int, origin: Index) -> Patch:
    """White normal noise of standard deviation `sigma`, keyed by seed and position."""
    shape = (patch.shape[0], patch.shape[1], patch.shape[2])
    return patch + np.float32(sigma) * white_noise(origin, shape, seed=seed, stream=NOISE)


def rescale_attenuation(patch: Patch, *, factor: float, shift: float = 0.0) -> Patch:
    """Another material: grey values times `factor`, plus `shift`."""
    return patch * np.float32(factor) + np.float32(shift)


def smear(patch: Patch, *, sigma: float) -> Patch:
    """A scan less sharp: a Gaussian of `sigma` voxels; edges are repeated."""
    if sigma == 0:
        return patch
    weights = gaussian_weights(sigma)
    halo = len(weights) // 2
    return blur(np.pad(patch, halo, mode="edge"), weights)


def add_wave(
    patch: Patch, *, amplitude: float, wave: tuple[float, float, float], phase: float
) -> Patch:
    """One Fourier wave over the patch, as a reconstruction leaves streaks.

    Parameters
    ----------
    patch
        Grey values.
    amplitude
        Amplitude of the wave, in grey values.
    wave
        Periods per voxel along (z, y, x).
    phase
        At the patch's first voxel [rad].
    """
    angle = np.full(patch.shape, phase, np.float64)
    for axis, frequency in enumerate(wave):
        steps = np.arange(patch.shape[axis], dtype=np.float64)
        angle += _along(2 * pi * frequency * steps, axis)
    return np.asarray(patch + amplitude * np.sin(angle), np.float32)


def harden_beam(
    patch: Patch, *, depth: float, origin: Index, axis: tuple[float, float], radius: float
) -> Patch:
    """Cupping: a polychromatic beam makes the inside of a part look thinner than its rim.

    Parameters
    ----------
    patch
        Grey values.
    depth
        Share of the grey value that is lost on the axis of the part.
    origin
        First voxel of the patch in its scan [voxels].
    axis
        Point where the axis of rotation meets a slice, (y, x) [voxels].
    radius
        Distance from the axis from which on nothing is lost [voxels].
    """
    y, x = (
        np.arange(o, o + n) + 0.5 - c
        for o, n, c in zip(origin[1:], patch.shape[1:], axis, strict=True)
    )
    inside = np.clip(1 - (y[:, None] ** 2 + x[None, :] ** 2) / radius**2, 0, 1)
    return np.asarray(patch * (1 - depth * inside), np.float32)


def open_cone(
    patch: Patch, *, loss: float, spread: float, origin: Index, middle: float, reach: float
) -> Patch:
    """Cone-beam artefacts of the FDK algorithm, which is exact in the middle plane alone.

    Away from that plane grey values fall with the square of the cone's angle, and faces across the
    axis of rotation are smeared along it, in proportion to the angle.

    Parameters
    ----------
    patch
        Grey values.
    loss
        Share of the grey value that is lost at `reach`.
    spread
        Standard deviation of the smear along z at `reach` [voxels].
    origin
        First voxel of the patch in its scan [voxels].
    middle, reach
        The plane of the source along z, and how far the scan reaches from it [voxels].
    """
    z = (np.arange(origin[0], origin[0] + patch.shape[0]) + 0.5 - middle) / reach
    weights = _smears(len(z), spread * np.abs(z))
    found = weighted_rows(patch, weights * (1 - loss * z**2)[:, None], 0)
    return found.astype(np.float32)


def _smears(length: int, sigmas: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of a Gaussian around each voxel of a line, of a width of its own; they add up to 1."""
    distance = np.arange(length)[None, :] - np.arange(length)[:, None]
    narrow = np.maximum(sigmas, 1e-3)[:, None]  # below this a Gaussian is one voxel
    rows = np.exp(-0.5 * (distance / narrow) ** 2) * (abs(distance) <= 4 * narrow)
    return np.asarray(rows / rows.sum(axis=1, keepdims=True))


def _along(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    shape = [1, 1, 1]
    shape[axis] = len(values)
    return values.reshape(shape)
