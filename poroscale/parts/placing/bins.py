"""Bins of source pores, from which the published samplings draw.

Pores of one bin are alike in place: in (y, x) for the maps, in (r*, θ) for the polar ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.parts.bank import LOOKED_UP

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

ANGLES = 12
"""Sectors of a ring."""
SHARPNESS = 0.2
"""Bandwidth of δr in standard deviations of the scans' δr."""


@dataclass(frozen=True)
class BinLists:
    """Members of bins, for drawing one of the bin's members; an empty bin draws from all."""

    members: Rows
    first: Rows

    @classmethod
    def of(cls, home: Rows, bins: int) -> BinLists:
        """Lists from the bin (n,) of every member."""
        order = np.argsort(home, kind="stable")
        return cls(order, np.searchsorted(home[order], np.arange(bins + 1)))

    def draw(self, home: Rows, generator: np.random.Generator) -> Rows:
        """A member for each bin in `home`."""
        size = self.first[home + 1] - self.first[home]
        u = generator.random(len(home))
        within = self.first[home] + np.floor(u * size).astype(np.int64)
        anywhere = np.floor(u * len(self.members)).astype(np.int64)
        return np.asarray(self.members[np.where(size > 0, within, anywhere)])


@dataclass(frozen=True)
class PolarBins:
    """Bins over (r*, θ) of equal area, and δr within them (Appendix A)."""

    pores: dict[str, NDArray[Any]]
    rings: int
    home: Rows
    lists: BinLists

    @classmethod
    def of(cls, pores: dict[str, NDArray[Any]], bins: int) -> PolarBins:
        """Half as many rings as the maps have bins across."""
        rings = max(2, bins // 2)
        ring = np.clip((pores["r_star"] * rings).astype(np.int64), 0, rings - 1)
        angle = (pores["theta_rad"] / (2 * np.pi) * ANGLES).astype(np.int64) % ANGLES
        home = ring * ANGLES + angle
        return cls(pores, rings, home, BinLists.of(home, rings * ANGLES))

    def uniform(self, source: Rows, generator: np.random.Generator) -> tuple[Floats, Floats]:
        """r* and θ anywhere in the bins of sources (n,)."""
        ring, angle = self.home[source] // ANGLES, self.home[source] % ANGLES
        u = generator.random((2, len(source)))
        low, high = (ring / self.rings) ** 2, ((ring + 1) / self.rings) ** 2
        return np.sqrt(low + (high - low) * u[0]), (angle + u[1]) / ANGLES * 2 * np.pi

    def properties(
        self, source: Rows, rough: Floats, generator: np.random.Generator
    ) -> dict[str, Floats]:
        """Independent draws of each property from the bin; from δr-alike pores where known."""
        alike = self._alike(source, rough)
        found = {}
        for name in LOOKED_UP:
            donor = self.lists.draw(self.home[source], generator)
            pick = alike[np.arange(len(source)), generator.integers(0, alike.shape[1], len(source))]
            found[name] = self.pores[name][np.where(np.isfinite(rough), pick, donor)]
        return found

    def _alike(self, source: Rows, rough: Floats) -> Rows:
        from scipy.spatial import cKDTree

        known = np.flatnonzero(np.isfinite(self.pores["local_roughness_um"]))
        if len(known) < 2:
            return np.repeat(source[:, None], 1, axis=1)
        spread = float(np.std(self.pores["local_roughness_um"][known])) + 1e-9

        def place(rows: Rows, roughness: Floats) -> Floats:
            angle = self.pores["theta_rad"][rows]
            radial = 20 * self.pores["r_star"][rows]
            return np.stack(
                [np.cos(angle), np.sin(angle), radial, roughness / (SHARPNESS * spread)], axis=1
            )

        tree = cKDTree(place(known, self.pores["local_roughness_um"][known]))
        wanted = place(source, np.nan_to_num(rough))
        _, near = tree.query(wanted, k=min(6, len(known)))
        return known[near.reshape(len(source), -1)]
