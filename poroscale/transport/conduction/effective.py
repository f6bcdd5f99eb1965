"""The effective conductivity of phases in an array: one axis, its error, and the local fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from poroscale.transport.conduction.lattice import ConductingLattice, Vector
from poroscale.transport.conduction.multigrid import APART
from poroscale.transport.conduction.result import (
    AXES,
    EffectiveConductivity,
    FluxScaling,
    others_of,
    place_in_lattice,
)
from poroscale.transport.conduction.solving import Solution, solve_lattice

Sides = Literal["closed", "periodic", "mirrored"]
TOLERANCE, ITERATIONS = 1e-4, 200
FINEST = 1e-6
"""Least error that float32 potentials can reach, over the effective value."""


def solver_bytes(voxels: int, conducting: int, *, kinds: bool = False) -> int:
    """Memory of a solution [bytes], the codes of the volume included.

    Numbers and codes with their margin, and a copy of the codes, for each voxel. Five vectors,
    groups and coarse levels for each voxel that conducts: most in noise, whose aggregates are
    small; they are an eighth of the voxels where all conduct alike.

    Parameters
    ----------
    voxels, conducting
        Voxels of the volume, and those that conduct.
    kinds
        Whether conductivities are so far apart that aggregates keep them apart: all of them in a
        small volume, of which noise then makes more aggregates.
    """
    apart = 56 * conducting + 40 * min(conducting, APART)
    solved = apart if kinds else min(54 * conducting, 38 * voxels)
    return (4 << 20) + int(7 * voxels + solved)


class NotConvergedError(ArithmeticError):
    """A solution whose error is still above the tolerance after all iterations."""


@dataclass(frozen=True)
class LocalFields:
    """Potential and flux of a solution, in the axes of the volume.

    Attributes
    ----------
    axis
        Driven axis: 0, 1 or 2.
    """

    axis: int
    _lattice: ConductingLattice
    _potential: Vector
    _edges: tuple[float, float, float]
    _scale: float

    def potential(self) -> NDArray[np.float32]:
        """float32 (nz, ny, nx): from 1 at the first face to 0 at the last, NaN where none flows."""
        return _back(self._lattice.spread(self._potential), self.axis)

    def flux(self, axis: int) -> NDArray[np.float32]:
        """float32 (nz, ny, nx): the flux along an axis at a mean gradient of 1 along the driven."""
        out = np.empty(self._lattice.shape, np.float32)
        self._lattice.current(self._potential, place_in_lattice(axis, self.axis), out)
        scaling = FluxScaling(self._lattice.shape, self.axis, self._edges, self._scale)
        out *= np.float32(scaling.factor(axis))
        return _back(out, self.axis)

    def told(
        self, found: EffectiveConductivity, solved: Solution, *, tensor: bool
    ) -> EffectiveConductivity:
        """What was found of the volume, with what was solved."""
        scaling = FluxScaling(self._lattice.shape, self.axis, self._edges, self._scale)
        sums = None
        if tensor:
            held = self._lattice, self._potential
            sums = [held[0].current(held[1], scaling.place(axis)) for axis in range(3)]
        return scaling.told(
            replace(found, iterations=solved.iterations),
            (solved.energy, solved.error),
            sums,
            carrying=self._lattice.count,
        )


See = Callable[[LocalFields], None]


@dataclass(frozen=True)
class Drive:
    """How a volume is driven, and how exactly it is solved.

    Attributes
    ----------
    axis
        Driven axis: 0, 1 or 2.
    voxel_size
        Edges of a voxel along z, y and x, in any unit.
    sides
        "closed": no flux through the four other faces. "periodic": opposite ones join. "mirrored":
        the volume goes on as its mirror image, which lets no flux through either.
    tolerance
        Bound of the error of the result, over the result.
    iterations
        Iterations at the most.
    tensor
        Give the mean flux along all axes, too. It is not as exact as the effective value: the
        solver goes on to the square of the tolerance, or to `FINEST`.
    device
        "cpu", or a device of torch, as "cuda", that solves it.
    """

    axis: int = 0
    voxel_size: tuple[float, float, float] = (1.0, 1.0, 1.0)
    sides: Sides = "closed"
    tolerance: float = TOLERANCE
    iterations: int = ITERATIONS
    tensor: bool = False
    device: str = "cpu"

    @property
    def wanted(self) -> float:
        """Bound of the error of the effective value at which the solver stops."""
        return max(self.tolerance**2, FINEST) if self.tensor else self.tolerance


@dataclass(frozen=True)
class CodedPhases:
    """A volume in memory, as codes of its conductivities.

    Attributes
    ----------
    codes
        uint8, the driven axis first: 0 where nothing is conducted.
    table
        float64: conductivity by code; the largest is 1, so that a scale of all cannot change a bit.
    scale
        What 1 stands for.
    """

    codes: NDArray[np.uint8]
    table: NDArray[np.float64]
    scale: float

    @classmethod
    def of(
        cls,
        shape: tuple[int, int, int],
        slabs: Iterable[NDArray[Any]],
        known: Mapping[int, float],
        *,
        axis: int,
    ) -> CodedPhases:
        """The codes of a volume of `shape` that comes in slabs of planes across z."""
        positive = sorted({value for value in known.values() if value > 0})
        scale = positive[-1] if positive else 1.0
        codes = np.zeros([shape[axis], *(n for k, n in enumerate(shape) if k != axis)], np.uint8)
        planes = iter(np.moveaxis(codes, 0, axis))
        for slab in slabs:
            for plane in slab:
                out = next(planes)
                for value, conductivity in known.items():
                    if conductivity > 0:
                        out[plane == value] = 1 + positive.index(conductivity)
        return cls(codes, np.array([0.0, *(value / scale for value in positive)]), scale)


def effective_conductivity(
    phases: NDArray[Any],
    conductivities: Mapping[int, float],
    drive: Drive | None = None,
    *,
    see: See | None = None,
) -> EffectiveConductivity:
    """The effective conductivity of phases along one axis.

    Parameters
    ----------
    phases
        Integers or bool (nz, ny, nx).
    conductivities
        Conductivity by value of the phases, 0 or more.
    drive
        Axis, sides and tolerance.
    see
        Called with the local fields, before they are forgotten.

    Raises
    ------
    ValueError
        If a value has no conductivity or a negative one, or the volume is one voxel thick.
    NotConvergedError
        If the error is above the tolerance after all iterations.
    """
    drive = drive or Drive()
    if phases.ndim != 3:
        raise ValueError(f"phases must have the axes z, y, x, got {phases.ndim} axes")
    z, y, x = phases.shape
    check_thickness((z, y, x), drive.axis)
    known = checked_conductivities(conductivities, _values_of(phases))
    coded = CodedPhases.of((z, y, x), [phases], known, axis=drive.axis)
    return conductivity_of_codes(coded, drive, see=see)


def conductivity_of_codes(
    coded: CodedPhases, drive: Drive, *, see: See | None = None
) -> EffectiveConductivity:
    """The effective conductivity of coded phases.

    Finite volumes: harmonic means between voxels, and values fixed on the outer faces, half a cell
    from the outermost centres. Voxels that are joined to one face alone are left out first.

    Raises
    ------
    NotConvergedError
        If the error is above the tolerance after all iterations.
    """
    axis, scale, voxels = drive.axis, coded.scale, coded.codes.size
    counts = np.bincount(coded.codes.ravel(), minlength=len(coded.table))
    mean = scale * float(counts @ coded.table) / voxels
    first, second, third = (drive.voxel_size[k] for k in (axis, *others_of(axis)))
    periodic = drive.sides == "periodic"
    edges = (first, second, third)
    lattice = ConductingLattice.of(coded.codes, coded.table, edges=edges, periodic=periodic)
    found = EffectiveConductivity(
        AXES[axis], 0.0, 0.0, mean, 1 - float(counts[0] / voxels), lattice.count / voxels, 0
    )
    if lattice.count == 0:
        nothing = (0.0, 0.0, 0.0) if drive.tensor else None
        return replace(found, column=nothing, column_error=nothing)
    solved = _solved(lattice, drive)
    if not solved.converged:
        raise NotConvergedError(unfinished(solved.error / solved.energy, solved.iterations, drive))
    fields = LocalFields(axis, lattice, solved.potential, drive.voxel_size, scale)
    if see is not None:
        see(fields)
    return fields.told(found, solved, tensor=drive.tensor)


def _solved(lattice: ConductingLattice, drive: Drive) -> Solution:
    if drive.device == "cpu":
        return solve_lattice(lattice, tolerance=drive.wanted, most=drive.iterations)
    # torch takes a second to be imported.
    from poroscale.transport.conduction.on_device.solving import solve_on_device

    return solve_on_device(
        lattice,
        periodic=drive.sides == "periodic",
        device=drive.device,
        tolerance=drive.wanted,
        most=drive.iterations,
    )


def check_thickness(shape: tuple[int, int, int], axis: int) -> None:
    """Refuse a volume of a single layer along the driven axis."""
    if shape[axis] < 2:
        raise ValueError(
            f"volume must have at least two voxels along the driven axis {AXES[axis]}, "
            f"got {shape[axis]}"
        )


def checked_conductivities(given: Mapping[int, float], values: list[int]) -> dict[int, float]:
    """Conductivity of each value that there is.

    Raises
    ------
    ValueError
        Naming a value without one, or a conductivity that is none.
    """
    for value, conductivity in given.items():
        if not 0 <= conductivity < inf:
            raise ValueError(
                f"`phases` must give conductivities of 0 or more, got {value}={conductivity:g}"
            )
    missing = [str(int(value)) for value in values if int(value) not in given]
    if missing:
        listed = ", ".join(str(int(value)) for value in values)
        raise ValueError(
            f"`phases` must give a conductivity to each value of the volume ({listed}), got none "
            f"for {', '.join(missing)}"
        )
    return {int(value): float(given[int(value)]) for value in values}


def unfinished(error: float, iterations: int, drive: Drive) -> str:
    """What is told of a solution whose error, over the energy, is still above the tolerance."""
    return (
        f"the solution along {AXES[drive.axis]} must reach an error of {drive.wanted:.2g}, got "
        f"{error:.2g} after {iterations} iterations; raise `iterations` "
        "or `tolerance`"
    )


def _values_of(phases: NDArray[Any]) -> list[int]:
    """The values of an array; bytes are counted, not sorted."""
    if phases.dtype.kind == "b" or phases.dtype == np.uint8:
        counts = np.bincount(phases.reshape(-1).view(np.uint8), minlength=256)
        return [int(value) for value in np.flatnonzero(counts)]
    return [int(value) for value in np.unique(phases)]


def _back(array: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    return np.moveaxis(array, 0, axis)
