"""The last pass over a streamed solution: mean fluxes, and slices of potential and flux."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import prod

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Box, Pass
from poroscale.engine.plan import Need
from poroscale.transport.conduction.result import AXES, FluxScaling
from poroscale.transport.conduction.streamed.slabs import (
    Arrays,
    SlabLattice,
    SlabMedium,
    SlabPasses,
    SlabRecords,
)
from poroscale.volume import Index, Shape


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
    slabs: SlabLattice, potentials: SlabRecords, across: int, passes: SlabPasses, need: Need
) -> SlabFluxes:
    """Do the pass over potentials, which may be gone if an earlier run has done it."""
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
    potentials: SlabRecords,
    across: int,
) -> tuple[None, Arrays]:
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


def scaling_of(medium: SlabMedium) -> FluxScaling:
    """From currents of the lattice to fluxes of the volume."""
    drive = medium.drive
    return FluxScaling(medium.shape, drive.axis, drive.voxel_size, medium.scale)


@dataclass(frozen=True)
class StreamedFields:
    """Potential and flux of a streamed solution, as passes that make them block by block."""

    slabs: SlabLattice
    potentials: SlabRecords
    share: float

    def potential(self) -> Pass:
        """float32 (nz, ny, nx): as `LocalFields.potential`."""
        return self._pass(None)

    def flux(self, axis: int) -> Pass:
        """float32 (nz, ny, nx): as `LocalFields.flux`."""
        return self._pass(axis)

    def _pass(self, axis: int | None) -> Pass:
        medium = self.slabs.medium
        scaling = FluxScaling(
            medium.shape, medium.drive.axis, medium.drive.voxel_size, medium.scale
        )
        name = "potential" if axis is None else f"flux along {AXES[axis]}"
        made = {"volume": medium.volume, "known": medium.known, "field": name}
        return Pass(
            name,
            SlabField(
                self.slabs,
                self.potentials,
                None if axis is None else scaling.place(axis),
                1.0 if axis is None else scaling.factor(axis),
            ),
            writes=np.float32,
            parameters=made | {"axis": medium.drive.axis, "sides": medium.drive.sides},
            temporary=0.0,
            fixed=field_bytes(medium, self.share),
        )


@dataclass(frozen=True)
class SlabField:
    """A field as a sampler, in the axes of the volume.

    Attributes
    ----------
    axis
        Axis of the lattice along which the flux is taken; None for the potential.
    factor
        Flux over current.
    """

    slabs: SlabLattice
    potentials: SlabRecords
    axis: int | None
    factor: float

    def __call__(self, origin: Index, shape: Shape) -> NDArray[np.float32]:
        """The box: float32 of `shape`."""
        medium, out = self.slabs.medium, np.empty(shape, np.float32)
        driven = np.moveaxis(out, medium.drive.axis, 0)
        z, y, x = (origin[k] for k in medium.order)
        depth, height, width = driven.shape
        for number, slab in enumerate(medium.grid):
            first, stop = max(z, slab.origin[0]), min(z + depth, slab.stop[0])
            if first < stop:
                planes = slice(first - slab.origin[0], stop - slab.origin[0])
                found = self._of_slab(number)
                driven[first - z : stop - z] = found[planes, y : y + height, x : x + width]
        return out

    def _of_slab(self, number: int) -> NDArray[np.float32]:
        lattice = self.slabs.lattice(number)
        x = self.slabs.vector(lattice, self.potentials, "x", number)
        if self.axis is None:
            return lattice.spread(x)
        out = np.empty(lattice.shape, np.float32)
        lattice.current(x, self.axis, out)
        out *= np.float32(self.factor)
        return out


def field_bytes(medium: SlabMedium, share: float) -> int:
    """Bytes that a field of one slab takes, where a `share` of its voxels conducts."""
    slab = prod(n + 2 for n in medium.grid.block)
    return int(slab * (12 + 12 * share))
