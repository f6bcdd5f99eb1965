"""The voxels that carry current, with the operator between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.conduction.numbering import Codes, Numbers, number_carrying, with_margin
from poroscale.kernels.conduction.operator import (
    BOTH,
    Pairs,
    flow_into,
    inverse_diagonal,
    lattice_current,
    lattice_energy,
    pair_table,
)
from poroscale.kernels.conduction.vectors import (
    add_multiple,
    linear_profile,
    product_of,
    spread_values,
    turn_direction,
)

Vector = NDArray[np.float32]
T = TypeVar("T", bound=np.generic)


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
    ends
        Driven faces that belong to it; a slab of a larger lattice has one or none.
    beside
        Voxels of the planes before and behind a slab. Vectors begin and end with them.
    start, depth
        First plane of a slab, and planes of the whole lattice.
    """

    numbers: Numbers
    codes: Codes
    conductivities: NDArray[np.float64]
    pairs: Pairs
    count: int
    ends: int = BOTH
    beside: tuple[int, int] = (0, 0)
    start: int = 0
    depth: int = 0

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
        pairs = conductance_pairs(conductivities, edges)
        return cls(numbers, held, conductivities, pairs, count, depth=len(codes))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along the axes, without the margin."""
        z, y, x = (n - 2 for n in self.numbers.shape)
        return z, y, x

    @cached_property
    def inverse(self) -> Vector:
        """One over the diagonal of the operator."""
        out = self.vector()
        inverse_diagonal(self.numbers, self.codes, self.pairs, out, self.ends)
        return out

    def vector(self) -> Vector:
        """A new vector, not set."""
        return np.empty(self.count + sum(self.beside), np.float32)

    def own(self, values: NDArray[T]) -> NDArray[T]:
        """The part of a vector that belongs to the lattice itself."""
        return values[self.beside[0] : self.beside[0] + self.count]

    def profile(self) -> Vector:
        """The potential of a uniform medium."""
        out = self.vector()
        linear_profile(self.numbers, self.codes, self.start, self.depth, out)
        return out

    def flow(self, values: Vector, out: Vector, *, first: float = 0.0) -> float:
        """Fill `out` with the current into each voxel; returns its product with `values`."""
        level = np.float32(first)
        held = self.numbers, self.codes, self.pairs
        return float(flow_into(*held, values, level, out, self.ends))

    def energy(self, values: Vector, *, first: float = 1.0) -> float:
        """Power of potentials at a drop of 1: the current, if they are the right ones."""
        held = self.numbers, self.codes, self.pairs
        return float(lattice_energy(*held, values, first, self.ends))

    def current(self, values: Vector, axis: int, out: NDArray[np.float32] | None = None) -> float:
        """The sum over all voxels of the current along an axis; `out` gets that of each."""
        places = np.empty(self.shape, np.float32) if out is None else out
        held = self.numbers, self.codes, self.pairs
        return float(lattice_current(*held, values, axis, places, self.ends))

    def product(self, a: Vector, b: Vector) -> float:
        """The scalar product of two vectors, summed up in float64."""
        return float(product_of(a, b))

    def add(self, values: Vector, factor: float, out: Vector) -> None:
        """Add `factor` times `values` to `out`."""
        add_multiple(values, factor, out)

    def turn(self, values: Vector, factor: float, out: Vector) -> None:
        """Set `out` to `values` and `factor` times itself."""
        turn_direction(values, factor, out)

    def spread(self, values: Vector) -> NDArray[np.float32]:
        """The values in their places, NaN elsewhere."""
        out = np.empty(self.shape, np.float32)
        spread_values(self.numbers, self.codes, values, out)
        return out


def conductance_pairs(
    conductivities: NDArray[np.float64], edges: tuple[float, float, float]
) -> Pairs:
    """Conductance between neighbours of two phases, for voxels with these edges.

    So scaled, the current at a drop of 1 is the conductivity of nz = 1 and ny = nx = 1.
    """
    z, y, x = edges
    return pair_table(conductivities, (1.0, z * z / (y * y), z * z / (x * x)))
