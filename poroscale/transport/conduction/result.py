"""What is found of a volume that conducts, and how it follows from currents of its lattice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, prod, sqrt

AXES = ("z", "y", "x")


@dataclass(frozen=True)
class EffectiveConductivity:
    """What a volume conducts along one axis.

    Attributes
    ----------
    axis
        "z", "y" or "x".
    effective
        The effective conductivity, in the unit of the phases; 0 without a path. The true value of
        the voxels is not above it.
    error
        Bound of what the true value lies below it.
    mean
        Mean of the conductivity over the volume: what straight ways would give.
    fraction
        Share of the voxels that conduct.
    effective_fraction
        Share of the voxels in clusters that join both faces.
    iterations
        Iterations of the solver.
    column
        Mean flux along z, y and x at a mean gradient of 1 along the axis; None if not asked for.
    column_error
        Bounds of its errors.
    """

    axis: str
    effective: float
    error: float
    mean: float
    fraction: float
    effective_fraction: float
    iterations: int
    column: tuple[float, float, float] | None = None
    column_error: tuple[float, float, float] | None = None

    @property
    def tortuosity_factor(self) -> float:
        """The mean conductivity over the effective one: 1 for straight ways, infinite for none."""
        return self.mean / self.effective if self.effective > 0 else inf

    @property
    def percolates(self) -> bool:
        """Whether a path joins both faces."""
        return self.effective_fraction > 0


@dataclass(frozen=True)
class FluxScaling:
    """From currents and energies of a lattice to what they are of the volume.

    Attributes
    ----------
    shape
        Voxels of the lattice, the driven axis first.
    axis
        Driven axis of the volume.
    edges
        Edges of a voxel along z, y and x.
    scale
        What a conductivity of 1 in the lattice stands for.
    """

    shape: tuple[int, int, int]
    axis: int
    edges: tuple[float, float, float]
    scale: float

    def place(self, axis: int) -> int:
        """Where an axis of the volume lies in the lattice."""
        return place_in_lattice(axis, self.axis)

    def factor(self, axis: int) -> float:
        """Flux over the current of the lattice, whose conductances are scaled."""
        return self.shape[0] * self.edges[axis] / self.edges[self.axis] * self.scale

    def told(
        self,
        found: EffectiveConductivity,
        energies: tuple[float, float],
        sums: Sequence[float] | None,
        *,
        carrying: int,
    ) -> EffectiveConductivity:
        """What was found, with the energy and its error.

        `sums` are those of the currents along the axes of the volume over all voxels, of which
        `carrying` carry some; None if they are not asked for.
        """
        depth, height, width = self.shape
        per_energy = self.scale * depth / (height * width)
        effective, error = (per_energy * each for each in energies)
        found = replace(found, effective=effective, error=error)
        if sums is None:
            return found
        z, y, x = (sums[k] * self.factor(k) / prod(self.shape) for k in range(3))
        of_z, of_y, of_x = (self._mean_error(k, error, carrying) for k in range(3))
        return replace(found, column=(z, y, x), column_error=(of_z, of_y, of_x))

    def _mean_error(self, axis: int, error: float, carrying: int) -> float:
        """Bound of the error of a mean flux, by the inequality of Cauchy and Schwarz."""
        if axis == self.axis:
            return error
        edge = self.edges[axis] / self.edges[self.axis]
        energy = error / self.scale * prod(self.shape[1:]) / self.shape[0]
        return sqrt(carrying / edge**2 * energy) * self.factor(axis) / prod(self.shape)


def place_in_lattice(axis: int, driven: int) -> int:
    """Where an axis of the volume lies in the lattice."""
    return [driven, *others_of(driven)].index(axis)


def others_of(axis: int) -> list[int]:
    """The axes across the driven one."""
    return [k for k in range(3) if k != axis]
