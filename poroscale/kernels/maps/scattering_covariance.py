"""Scattering covariances of a height map, differentiable, by FFT.

The set of Cheng et al. (arXiv 2306.17210), after the phase-harmonic covariances of Zhang and Mallat
(arXiv 1911.10017): means of the modulus and of its square of each wavelet channel, covariances of a
channel with the modulus of finer ones (S3, odd in the field), energies of moduli in coarser
channels (S4, the diagonal), and moments of the field smoothed at several scales. Moduli alone
cannot tell a surface from its negative; S3 and the third moments can, and for fatigue a valley is
not a peak.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

TERMS = ("modulus", "s3", "s4", "moments")
SCALES = (0.0, 1.0, 2.0, 4.0, 8.0)
"""Standard deviations [cells] of the Gaussians before the moments are taken."""


@dataclass(frozen=True)
class Wavelets:
    """Filters in Fourier space for maps of one shape.

    Attributes
    ----------
    band
        (octaves, angles, rows, columns) Morlet wavelets.
    low
        (scales, rows, columns) Gaussians.
    """

    band: Tensor
    low: Tensor


@lru_cache(maxsize=4)
def wavelets(shape: tuple[int, int], octaves: int, angles: int) -> Wavelets:
    """Morlet wavelets of centre frequency 3π/4 / 2^j and their Gaussians.

    Parameters
    ----------
    shape
        (rows, columns) of the maps.
    octaves, angles
        J and L: L angles over half a turn.
    """
    fz = 2 * math.pi * torch.fft.fftfreq(shape[0], dtype=torch.float64)[:, None]
    fx = 2 * math.pi * torch.fft.fftfreq(shape[1], dtype=torch.float64)[None]
    band = torch.zeros((octaves, angles, *shape), dtype=torch.float64)
    for j in range(octaves):
        sigma, centre, slant = 0.8 * 2.0**j, 0.75 * math.pi / 2**j, 4.0 / angles
        for k in range(angles):
            turn = math.pi * k / angles
            along = fx * math.cos(turn) + fz * math.sin(turn)
            across = (fz * math.cos(turn) - fx * math.sin(turn)) / slant
            gabor = torch.exp(-0.5 * sigma**2 * ((along - centre) ** 2 + across**2))
            still = torch.exp(-0.5 * sigma**2 * (along**2 + across**2))
            gabor = gabor - still * math.exp(-0.5 * (sigma * centre) ** 2)  # no mean
            band[j, k] = gabor
    squared = fz**2 + fx**2
    low = torch.stack([torch.exp(-0.5 * s**2 * squared) for s in SCALES])
    return Wavelets(band.float(), low.float())


class ScatteringCovariance:
    """The statistics of maps like a target, and how far another map is from them.

    Parameters
    ----------
    target
        (rows, columns) map, mean zero. Columns close up; rows do not: as many rows as the coarsest
        wavelet reaches are left out of every mean at either end.
    octaves, angles
        J and L.
    terms
        Names of terms, from `TERMS`.
    """

    def __init__(
        self,
        target: Tensor,
        *,
        octaves: int = 4,
        angles: int = 4,
        terms: Sequence[str] = TERMS,
    ) -> None:
        unknown = sorted(set(terms) - set(TERMS))
        if unknown:
            raise ValueError(f"terms must be of {', '.join(TERMS)}, got {unknown[0]!r}")
        if not bool(torch.isfinite(target).all()):
            raise ValueError("a map must be finite to be described by scattering covariances")
        self.shape = (int(target.shape[0]), int(target.shape[1]))
        self.terms = tuple(terms)
        self.rim = min(2**octaves, self.shape[0] // 4)
        self.filters = wavelets(self.shape, octaves, angles)
        self.spread = float(target.std()) or 1.0
        self.scale: dict[str, Tensor] = {}
        self.target = self.statistics(target)

    def statistics(self, field: Tensor) -> dict[str, Tensor]:
        """The statistics of a map by term, each normalised by the target's own scale."""
        field = field / self.spread
        spectrum = torch.fft.fft2(field)
        found: dict[str, Tensor] = {}
        if {"modulus", "s3", "s4"} & set(self.terms):
            found |= self._channels(spectrum)
        if "moments" in self.terms:
            found["moments"] = self._moments(spectrum)
        return found

    def loss(self, field: Tensor) -> Tensor:
        """Sum over the terms of the mean squared difference from the target's statistics."""
        found = self.statistics(field)
        each = [(found[name] - self.target[name]).abs().square().mean() for name in found]
        return torch.stack(each).sum()

    def _mean(self, field: Tensor) -> Tensor:
        return field[..., self.rim : self.shape[0] - self.rim, :].mean(dim=(-2, -1))

    def _channels(self, spectrum: Tensor) -> dict[str, Tensor]:
        waves = torch.fft.ifft2(spectrum * self.filters.band)
        modulus = torch.sqrt(waves.real**2 + waves.imag**2 + 1e-12)
        first, energy = self._mean(modulus), self._mean(modulus**2)
        found: dict[str, Tensor] = {}
        if "modulus" in self.terms:
            found["modulus"] = torch.stack(
                [self._scaled("first", first), self._scaled("energy", energy)]
            )
        if {"s3", "s4"} & set(self.terms):
            found |= self._second(waves, modulus, energy)
        return found

    def _second(self, waves: Tensor, modulus: Tensor, energy: Tensor) -> dict[str, Tensor]:
        # For each octave, the moduli of all finer channels through its wavelets.
        odd, even = [], []
        spectra = torch.fft.fft2(modulus)
        for j in range(1, len(waves)):
            again = torch.fft.ifft2(spectra[:j, :, None] * self.filters.band[j])
            power = self._mean(again.real**2 + again.imag**2)
            self.scale.setdefault(f"power_{j}", power.detach())
            self.scale.setdefault(f"energy_{j}", energy[j].detach())
            size = torch.sqrt(self.scale[f"power_{j}"] * self.scale[f"energy_{j}"]) + 1e-9
            product = waves[j] * again.conj()
            odd.append(torch.view_as_real(self._mean(product) / size).flatten())
            even.append((power / (self.scale[f"power_{j}"] + 1e-12)).flatten())
        found = {"s3": torch.cat(odd), "s4": torch.cat(even)}
        return {name: found[name] for name in found if name in self.terms}

    def _scaled(self, name: str, values: Tensor) -> Tensor:
        self.scale.setdefault(name, values.detach())
        return values / (self.scale[name] + 1e-12)

    def _moments(self, spectrum: Tensor) -> Tensor:
        smooth = torch.fft.ifft2(spectrum * self.filters.low).real
        raw = torch.stack([self._mean(smooth**power) for power in (2, 3, 4)])
        self.scale.setdefault("variance", raw[0].detach())
        size = torch.sqrt(self.scale["variance"]) + 1e-9
        even = raw[2] / size**4
        self.scale.setdefault("fourth", even.detach())
        return torch.stack([raw[0] / size**2, raw[1] / size**3, even / self.scale["fourth"]])
