"""Conjugate gradients that stop on the error of the result, not on the residual.

The effective conductivity is the power that the right potential dissipates at a drop of 1, and any
other potential dissipates more (Dirichlet's principle). What it dissipates more is the square of
the error in the norm of the operator, and that is what conjugate gradients make smaller. Their
coefficients are a quadrature for it: the rule of Gauss and Radau with a node below the smallest
eigenvalue gives an upper bound (Golub and Meurant 1997; the recurrence of Meurant and Tichý 2013).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.conduction.operator import Pairs
from poroscale.transport.conduction.lattice import ConductingLattice
from poroscale.transport.conduction.multigrid import AggregationMultigrid, kinds_of

SAFETY, SAFETY_OF_KINDS, SAFETY_OF_MIXED = 1 / 4, 1 / 128, 1 / (1 << 14)
"""Node of the rule over the smallest eigenvalue that was seen, which lies above the true one; where
conductances differ so much that a few eigenvalues may lie far below those that were seen; and where
aggregates mix such conductivities, too.
`tests/transport/conduction/test_solving.py` compares the bounds with true errors."""
STRETCHED = 9.0
"""Ratio of conductances along two axes, from which eigenvalues hide as between kinds: aggregates
are as long along either. Voxels three times as long as wide have it."""
FLOOR = 1e-9
"""Part of the energy below which an error is rounding."""
DRIFT = 0.1
"""Part of the tolerance by which the energy may differ from the sum of its steps."""
Preconditioner = Callable[[Any, Any], None]
"""`preconditioner(right, out)` on vectors of the equations."""


class Equations(Protocol):
    """The operator between voxels, and steps on the vectors that it acts on."""

    def vector(self) -> Any:
        """A new vector, not set."""
        ...

    def profile(self) -> Any:
        """The potential of a uniform medium."""
        ...

    def flow(self, values: Any, out: Any, *, first: float = 0.0) -> float:
        """Fill `out` with the current into each voxel; returns its product with `values`."""
        ...

    def energy(self, values: Any) -> float:
        """Power of potentials at a drop of 1."""
        ...

    def product(self, a: Any, b: Any) -> float:
        """The scalar product of two vectors."""
        ...

    def add(self, values: Any, factor: float, out: Any) -> None:
        """Add `factor` times `values` to `out`."""
        ...

    def turn(self, values: Any, factor: float, out: Any) -> None:
        """Set `out` to `values` and `factor` times itself."""
        ...


@dataclass
class ErrorBound:
    """An upper bound of the square of the error from the coefficients of conjugate gradients.

    Attributes
    ----------
    safety
        Node over the smallest eigenvalue.
    steps
        Length of each step.
    ratios
        Square of each residual over that of the one before, in the norm of the preconditioner.
    """

    safety: float = SAFETY
    steps: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)

    def add(self, step: float, ratio: float) -> None:
        """Coefficients of one iteration."""
        self.steps.append(step)
        self.ratios.append(ratio)

    @property
    def node(self) -> float:
        """A number that lies below the eigenvalues, judged by those that were seen.

        The smallest that is seen falls towards the true one. As long as it falls fast, the node
        lies further below: by the square of its last fall.
        """
        seen = self.smallest(len(self.steps))
        fall = seen / self.smallest(len(self.steps) - 1) if len(self.steps) > 1 else 0.5
        return self.safety * seen * fall * fall

    def smallest(self, count: int) -> float:
        """Smallest eigenvalue of the preconditioned operator that `count` iterations show."""
        from scipy.linalg import eigvalsh_tridiagonal

        steps, ratios = np.array(self.steps[:count]), np.array(self.ratios[: count - 1])
        diagonal = 1 / steps
        diagonal[1:] += ratios / steps[:-1]
        beside = np.sqrt(ratios) / steps[:-1]
        return float(eigvalsh_tridiagonal(diagonal, beside, select="i", select_range=(0, 0))[0])

    def of(self, square: float, node: float) -> float:
        """The bound after all iterations.

        Parameters
        ----------
        square
            That of the last residual.
        node
            A number below all eigenvalues.
        """
        length = 1 / node
        for step, ratio in zip(self.steps, self.ratios, strict=True):
            rest = length - step
            length = rest / (node * rest + ratio)
        return length * square


@dataclass(frozen=True)
class Solution:
    """A potential, and how good it is.

    Attributes
    ----------
    potential
        A vector of the equations, float32, from 1 at the first face to 0 at the last.
    energy
        The power that it dissipates; the true one is not more.
    error
        Bound of what it is less.
    iterations
        Iterations that were done.
    converged
        Whether the error is within the tolerance.
    """

    potential: Any
    energy: float
    error: float
    iterations: int
    converged: bool


def solve_lattice(
    lattice: ConductingLattice,
    *,
    tolerance: float,
    most: int,
    preconditioner: Preconditioner | None = None,
) -> Solution:
    """The potential of a lattice with a voxel that carries current.

    Parameters
    ----------
    lattice
        The voxels.
    tolerance
        Error of the energy over the energy.
    most
        Iterations at the most.
    preconditioner
        `preconditioner(right, out)`; None takes `AggregationMultigrid`.
    """
    mixed = False
    if preconditioner is None:
        cycle = AggregationMultigrid(lattice)
        preconditioner, mixed = cycle.apply, cycle.mixed
    safety = safety_of(lattice.conductivities, lattice.pairs, mixed=mixed)
    return solve_equations(lattice, preconditioner, safety=safety, tolerance=tolerance, most=most)


def safety_of(conductivities: NDArray[np.float64], pairs: Pairs, *, mixed: bool) -> float:
    """How far the node of `ErrorBound` must lie below what is seen.

    Parameters
    ----------
    conductivities, pairs
        Those of a `ConductingLattice`.
    mixed
        Whether aggregates hold conductivities of several kinds.
    """
    if mixed:
        return SAFETY_OF_MIXED
    along = pairs[:, -1, -1]
    stretched = along.max() >= STRETCHED * along.min()
    return SAFETY_OF_KINDS if stretched or kinds_of(conductivities).any() else SAFETY


def solve_equations(
    equations: Equations,
    preconditioner: Preconditioner,
    *,
    safety: float,
    tolerance: float,
    most: int,
) -> Solution:
    """As `solve_lattice`, for any vectors; `safety` is that of `ErrorBound`."""
    solver = _Solver(equations, preconditioner, safety)
    least = tolerance - 2 * FLOOR
    while True:
        solver.iterate(least, most)
        true = equations.energy(solver.potential)
        if abs(true - solver.energy) <= DRIFT * tolerance * true:
            break
        # Rounding has made the residual that was kept another than that of the potential.
        solver.start()
        if solver.error <= least * true or solver.iterations == most:
            break
    error = solver.error + FLOOR * true
    done = solver.iterations
    return Solution(solver.potential, true, error, done, error <= tolerance * true)


class _Solver:
    """Conjugate gradients that can start again from the potential that they have reached."""

    def __init__(self, of: Equations, precondition: Preconditioner, safety: float) -> None:
        self._of, self._precondition, self._safety = of, precondition, safety
        self.potential, self._residual = of.profile(), of.vector()
        self._direction, self._scratch = of.vector(), of.vector()
        self.iterations, self._node = 0, 1.0
        self.start()

    def start(self) -> None:
        """Compute residual, energy and error from the potential again."""
        of = self._of
        self.energy = of.energy(self.potential)
        of.flow(self.potential, self._residual, first=1.0)
        self._precondition(self._residual, self._scratch)
        self._square = self._of.product(self._residual, self._scratch)
        self._direction[:] = 0
        self._ratio, self._bound = 0.0, ErrorBound(self._safety)
        # Before the first iteration no eigenvalue is known, unless by an earlier start.
        known = self._square <= FLOOR * self.energy or self.iterations > 0
        self.error = self._square / self._node if known else inf

    def iterate(self, tolerance: float, most: int) -> None:
        """Go on until the error of the energy is within the tolerance, or `most` are done."""
        of, direction, scratch = self._of, self._direction, self._scratch
        while self.error > tolerance * self.energy and self.iterations < most:
            of.turn(scratch, self._ratio, direction)
            step = -self._square / of.flow(direction, scratch)
            of.add(direction, step, self.potential)
            of.add(scratch, step, self._residual)
            self.energy -= step * self._square
            self._precondition(self._residual, scratch)
            self._ratio = self._of.product(self._residual, scratch) / self._square
            self._square *= self._ratio
            self.iterations += 1
            self._bound.add(step, self._ratio)
            self._node = self._bound.node
            self.error = self._bound.of(self._square, self._node)
