"""What images say about a medium: correlations of its phases by lag.

A section is a plane of the volume. One section stands for all directions: the medium is taken as
isotropic. Several sections, of planes across different axes, or a volume, show each direction by
itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poroscale.statistics.correlation import Correlations

Floats = NDArray[np.float64]
Codes = tuple[int, ...]
PLANES = ("yx", "zx", "zy")
"""Planes of sections, by the axes of their rows and columns."""
_AXES = {"yx": (1, 2), "zx": (0, 2), "zy": (0, 1)}


@dataclass(frozen=True)
class Observed:
    """Correlations of one image.

    Attributes
    ----------
    found
        Pairs of its voxels. A section lies in a volume of one slice.
    plane
        Of `PLANES`, or None for a volume.
    """

    found: Correlations
    plane: str | None

    def vectors(self) -> NDArray[np.int64]:
        """int64 (z, y, x, 3) lags in the axes of the medium, for every entry of the maps."""
        z, y, x = self.found.reach
        own = np.stack(
            np.meshgrid(
                np.arange(z + 1), np.arange(-y, y + 1), np.arange(-x, x + 1), indexing="ij"
            ),
            axis=-1,
        )
        if self.plane is None:
            return own
        lags = np.zeros_like(own)
        rows, columns = _AXES[self.plane]
        lags[..., rows], lags[..., columns] = own[..., 1], own[..., 2]
        return lags

    def pairs(self, codes: Codes) -> Floats:
        """Pairs of which both voxels belong to a union of phases, about its fraction.

        The fraction of the image stands for that of the voxels at the ends of the pairs, which
        differs from it where the phases are rarer at the edge (`Correlations.covariance`).
        """
        found = self.found
        both = np.zeros(found.part.shape)
        ends = np.zeros(found.part.shape)
        for a in codes:
            ends += found.ends[a]
            for b in codes:
                both += found.pairs[min(a, b), max(a, b)]
        share = self.fraction(codes)
        return np.asarray(both - share * ends + 2 * share**2 * found.part)

    def fraction(self, codes: Codes) -> float:
        """Share of a union of phases."""
        return sum(self.found.fraction(code) for code in codes)


def fraction_of(images: Sequence[Observed], code: int) -> float:
    """Share of a phase in all images together."""
    voxels = [_voxels(each) for each in images]
    shares = [each.found.fraction(code) for each in images]
    return float(np.average(shares, weights=voxels))


def _voxels(image: Observed) -> float:
    _, y, x = image.found.reach
    return float(image.found.part[0, y, x])


def by_distance(images: Sequence[Observed], codes: Codes) -> tuple[Floats, Floats, Floats]:
    """S2 of a union of phases by distance: distances, S2 and numbers of pairs, all (n,).

    Each distance that the lattice has is one class: no two lengths are mixed.
    """
    squares = [(each.vectors() ** 2).sum(axis=-1).ravel() for each in images]
    pairs = [each.pairs(codes).ravel() for each in images]
    part = [each.found.part.ravel() for each in images]
    every, place = np.unique(np.concatenate(squares), return_inverse=True)
    sums = [np.bincount(place, np.concatenate(each), len(every)) for each in (pairs, part)]
    seen = sums[1] > 0.5
    distance: Floats = np.sqrt(every[seen].astype(np.float64))
    return distance, sums[0][seen] / sums[1][seen], sums[1][seen].astype(np.float64)
