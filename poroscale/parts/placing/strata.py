"""Number density of pores over depth, for parts in which radius and angle define no place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.parts.model_settings import ModelSettings

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

STRATA = 20
"""Strata of r*."""


def area_within(r_star: Floats, settings: ModelSettings) -> Floats:
    """Share of the cross-section of the scanned part that lies within r*.

    r*² for a cylinder. For a box of half edges a <= b, what is deeper than (1 - r*) a below the
    nearest face is a box of half edges a r* and b - a (1 - r*).
    """
    if settings.part == "cylinder":
        return r_star**2
    small, large = sorted(settings.half_um)
    return r_star * (1 - small / large * (1 - r_star))


@dataclass(frozen=True)
class Strata:
    """Number density of pores over r*, for parts without polar coordinates."""

    density: Floats
    home: Rows
    cumulated: list[Floats]
    members: list[Rows]

    @classmethod
    def of(cls, pores: dict[str, NDArray[Any]], settings: ModelSettings) -> Strata:
        """Strata of equal width in r*."""
        home = np.clip((pores["r_star"] * STRATA).astype(np.int64), 0, STRATA - 1)
        edges = np.arange(STRATA + 1) / STRATA
        area = float(settings.section_um2) * np.diff(area_within(edges, settings))
        weight = np.bincount(home, pores["weight"], STRATA)
        members = [np.flatnonzero(home == stratum) for stratum in range(STRATA)]
        cumulated = [np.cumsum(pores["weight"][rows]) for rows in members]
        return cls(weight / area, home, cumulated, members)

    @property
    def densest(self) -> float:
        """Largest number density [1/um³]."""
        return float(self.density.max())

    def accept(self, r_star: Floats, luck: Floats) -> NDArray[np.bool_]:
        """True for each place at r* that is kept, by a number `luck` in [0, 1)."""
        stratum = np.clip((r_star * STRATA).astype(np.int64), 0, STRATA - 1)
        inside = (r_star >= 0) & (r_star < 1)
        return np.asarray(inside & (luck * self.densest < self.density[stratum]))

    def source(self, r_star: Floats, choice: Floats) -> Rows:
        """A source of the stratum of r*, by its weight and a number `choice` in [0, 1)."""
        stratum = np.clip((r_star * STRATA).astype(np.int64), 0, STRATA - 1)
        found = np.zeros(len(r_star), np.int64)
        for each in np.unique(stratum):
            rows, cumulated = stratum == each, self.cumulated[each]
            at = np.searchsorted(cumulated, choice[rows] * cumulated[-1], side="right")
            found[rows] = self.members[each][np.minimum(at, len(cumulated) - 1)]
        return found
