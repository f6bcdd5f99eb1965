"""The voxels that carry current, with the operator between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.conduction.numbering import Codes, Numbers, number_carrying, with_margin
from poroscale.kernels.conduction.operator import (
    Pairs,
    flow_into,
    inverse_diagonal,
    lattice_current,
    lattice_energy,
    pair_table,
)
from poroscale.kernels.conduction.vectors import linear_profile, spread_values

Vector = NDArray[np.float32]


@dataclass(frozen=True)
class ConductingLattice:
    """Voxels of the clusters that join both driven faces, driven along the first axis.

    Attributes
    ----------
    numbers, codes
        As in `poroscale.kernels.conduction.numbering`.
    conductivities
        float64 (phases,): that of each code, 0 for code 0.
    pairs
        float32 (3, phases, phases): conductance between neighbours of two phases.
    count
        Voxels that carry current.
    """

    numbers: Numbers
    codes: Codes
    conductivities: NDArray[np.float64]
    pairs: Pairs
    count: int

    @classmethod
    def of(
        cls,
        codes: NDArray[np.uint8],
        conductivities: NDArray[np.float64],
        *,
        edges: tuple[float, float, float] = (1.0, 1.0, 1.0),
        periodic: bool = False,
    ) -> ConductingLattice:
        """The lattice of phases.

        Parameters
        ----------
        codes
            uint8 (nz, ny, nx): 0 for no current, otherwise a row of `conductivities`.
        conductivities
            float64 (phases,) that are positive, but for code 0.
        edges
            Edges of a voxel along the axes, in any unit.
        periodic
            Whether opposite sides join.
        """
        held = with_margin(codes, periodic=periodic)
        numbers, count = number_carrying(held, periodic=periodic)
        z, y, x = edges
        # So scaled, the current at a drop of 1 is the conductivity of nz = 1 and ny = nx = 1.
        weights = (1.0, z * z / (y * y), z * z / (x * x))
        pairs = pair_table(conductivities, weights)
        return cls(numbers, held, conductivities, pairs, count)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along the axes, without the margin."""
        z, y, x = (n - 2 for n in self.numbers.shape)
        return z, y, x

    @cached_property
    def inverse(self) -> Vector:
        """One over the diagonal of the operator."""
        out = self.vector()
        inverse_diagonal(self.numbers, self.codes, self.pairs, out)
        return out

    def vector(self) -> Vector:
        """A new vector, not set."""
        return np.empty(self.count, np.float32)

    def profile(self) -> Vector:
        """The potential of a uniform medium."""
        out = self.vector()
        linear_profile(self.numbers, self.codes, out)
        return out

    def flow(self, values: Vector, out: Vector, *, first: float = 0.0) -> float:
        """Fill `out` with the current into each voxel; returns its product with `values`."""
        level = np.float32(first)
        return float(flow_into(self.numbers, self.codes, self.pairs, values, level, out))

    def energy(self, values: Vector) -> float:
        """Power of potentials at a drop of 1: the current, if they are the right ones."""
        return float(lattice_energy(self.numbers, self.codes, self.pairs, values))

    def current(self, values: Vector, axis: int, out: NDArray[np.float32] | None = None) -> float:
        """The sum over all voxels of the current along an axis; `out` gets that of each."""
        places = np.empty(self.shape, np.float32) if out is None else out
        return float(lattice_current(self.numbers, self.codes, self.pairs, values, axis, places))

    def spread(self, values: Vector) -> NDArray[np.float32]:
        """The values in their places, NaN elsewhere."""
        out = np.empty(self.shape, np.float32)
        spread_values(self.numbers, self.codes, values, out)
        return out
