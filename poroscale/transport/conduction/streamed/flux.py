"""The last pass over a streamed solution: mean fluxes, and slices of potential and flux."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Box
from poroscale.engine.plan import Need
from poroscale.transport.conduction.streamed.slabs import (
    Arrays,
    SlabLattice,
    SlabPasses,
    SlabRecords,
)


@dataclass(frozen=True)
class SlabFluxes:
    """What the last pass has found.

    Attributes
    ----------
    currents
        Sums of the currents of all voxels along the axes of the lattice.
    potential, current
        float32 (depth, width): the middle slice along the second axis of the lattice, or along the
        third for `across` = 2; the potential is NaN where nothing flows.
    """

    currents: tuple[float, float, float]
    potential: NDArray[np.float32]
    current: NDArray[np.float32]


def measure_fluxes(
    slabs: SlabLattice, potentials: SlabRecords | None, across: int, passes: SlabPasses, need: Need
) -> SlabFluxes:
    """Do the pass; without `potentials` an earlier run has done it."""
    task = partial(_flux_of_slab, slabs=slabs, potentials=potentials, across=across)
    found = passes.over("flux", task, need)
    parts = [found.load(k) for k in range(len(slabs.medium.grid))]
    z, y, x = np.sum([each["currents"] for each in parts], axis=0)
    potential, current = (
        np.concatenate([each[name] for each in parts]) for name in ("potential", "current")
    )
    return SlabFluxes((float(z), float(y), float(x)), potential, current)


def _flux_of_slab(
    _output: object,
    number: int,
    _box: Box,
    *,
    slabs: SlabLattice,
    potentials: SlabRecords | None,
    across: int,
) -> tuple[None, Arrays]:
    assert potentials is not None
    lattice = slabs.lattice(number)
    x = slabs.vector(lattice, potentials, "x", number)
    middle = lattice.shape[across] // 2
    potential = np.take(lattice.spread(x), middle, across).copy()
    out = np.empty(lattice.shape, np.float32)
    currents = [lattice.current(x, axis, out) for axis in (1, 2, 0)]
    return None, {
        "currents": np.array([currents[2], *currents[:2]]),
        "potential": potential,
        "current": np.take(out, middle, across),
    }


@dataclass(frozen=True)
class StreamedFields:
    """Potential and flux of a streamed solution."""

    slabs: SlabLattice
    potentials: SlabRecords
