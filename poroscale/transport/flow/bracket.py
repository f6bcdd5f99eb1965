"""Iteration for the pressure, and bounds on both sides of the permeability.

Let `A` be the friction, `G` the gradient, `f` the force. For any pressure `p`, the velocity
`A^-1 (f - G p)` dissipates at least what the true flow does. For any velocity `w` without
divergence, `(f w)^2 / (w A w)` is at most that. The true flow makes both equal. So the
permeability, which is this dissipation for a unit gradient, lies between two numbers whose distance
falls with the square of the errors of pressure and velocity.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from poroscale.transport.flow.levels import PressureLevels, pressure_levels
from poroscale.transport.flow.stokes import (
    StokesEquations,
    Vector,
    Velocity,
    add_scaled,
    product,
)

ROUGH = 0.05
"""Tolerance of the local mobility, which only preconditions."""
LEFT = 3e-3
"""Share of the divergence that the velocity of the lower bound may keep."""
BALANCE = 0.03
"""Share of the tolerance that the momentum balance may miss before bounds; with 0.1 the upper one
was too small."""
TIGHTEST = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-12}


class Bounds(NamedTuple):
    """Bounds of the dissipation at a unit gradient [voxel^5], and a velocity without divergence."""

    lower: float
    upper: float
    velocity: Velocity


@dataclass
class PressureIteration:
    """Conjugate gradients for the pressure that takes the divergence from the velocity.

    The preconditioner is the identity plus the inverse of a local flow: the velocity that a unit
    force drives in each face when no pressure acts, times the difference of the pressure. The
    second is exact for long waves of the pressure, the first for short ones.
    """

    equations: StokesEquations
    places: NDArray[np.int32]
    tolerance: float
    drops: list[float] = field(default_factory=list)
    """How much the dissipation fell in each iteration."""

    def __post_init__(self) -> None:
        equations = self.equations
        self.mobility = equations.solve(equations.volumes(), equations.zeros(), ROUGH)
        pairs = zip(self.mobility, equations.volumes(), strict=True)
        mobility = [(m[:-1] / w[:-1]).astype(m.dtype) for m, w in pairs]
        self.mobility = [np.append(m, m.dtype.type(0)) for m in mobility]
        cells = [faces.cells for faces in equations.components]
        self.levels: PressureLevels = pressure_levels(cells, mobility, self.places)
        self.force = equations.force()
        self.inner = max(min(1e-2, self.tolerance), TIGHTEST[np.dtype(equations.dtype)])
        self.velocity = equations.solve(self.force, equations.zeros(), self.inner)
        self.undriven = product(self.force, self.velocity)
        self.pressure = equations.pressure_zeros()
        self.residual = equations.divergence(self.velocity)[:-1]
        self.residual *= -1
        self.direction = equations.pressure_zeros()
        self.steepness = 0.0

    def advance(self) -> None:
        """Do one iteration: one solution for the velocity and one cycle for the pressure."""
        equations = self.equations
        z = self.residual + self.levels.cycle(self.residual)
        new = _dot(self.residual, z)
        if new <= 0:
            self.drops.append(0.0)
            return
        self.direction *= self.direction.dtype.type(new / self.steepness if self.steepness else 0)
        self.direction[:-1] += z
        self.steepness = new
        force = equations.add_gradient(self.direction, -1.0, equations.zeros())
        step = equations.solve(force, equations.zeros(), self.inner)
        outflow = equations.divergence(step)
        alpha = new / _dot(self.direction, outflow)
        self.pressure += self.pressure.dtype.type(alpha) * self.direction
        self.residual -= self.residual.dtype.type(alpha) * outflow[:-1]
        add_scaled(self.velocity, alpha, step)
        self.drops.append(alpha * new)

    def dissipation(self) -> float:
        """Return what the velocity of the present pressure dissipates, an upper bound [voxel^5]."""
        return self.undriven - sum(self.drops)

    def expected_error(self) -> float:
        """Estimate by how much the dissipation will still fall, from its last falls."""
        if len(self.drops) < 3:
            return np.inf
        a, b, c = self.drops[-3:]
        if c <= 0 or b <= 0:
            return 0.0
        rate = min(max(c / b, b / a), 0.95)
        return c * rate / (1 - rate)

    def bounds(self) -> Bounds:
        """Bounds of the dissipation from the present pressure and velocity.

        First the velocity is corrected for what inexact solutions left of the momentum balance,
        then its divergence is taken away by a local flow.
        """
        equations = self.equations
        drive = equations.add_gradient(self.pressure, -1.0, [each.copy() for each in self.force])
        self._correct(drive)
        _friction, dissipated = equations.friction(self.velocity)
        upper = 2 * product(drive, self.velocity) - dissipated
        divergence = equations.divergence(self.velocity)
        self.residual = -divergence[:-1]
        local, _ = self.levels.solve(self.residual, tolerance=LEFT)
        shift = equations.add_gradient(
            np.append(local, local.dtype.type(0)), 1.0, equations.zeros()
        )
        free = [u - m * g for u, m, g in zip(self.velocity, self.mobility, shift, strict=True)]
        _, loss = equations.friction(free)
        lower = product(drive, free) ** 2 / loss if loss > 0 else 0.0
        return Bounds(min(lower, upper), upper, free)

    def _correct(self, drive: Velocity) -> None:
        equations = self.equations
        friction, _ = equations.friction(self.velocity)
        rest = [d - a for d, a in zip(drive, friction, strict=True)]
        scale = sum(_dot(d, d) for d in drive)
        left = sum(_dot(each, each) for each in rest)
        wanted = max(BALANCE * self.tolerance, TIGHTEST[np.dtype(equations.dtype)])
        if scale > 0 and left > wanted**2 * scale:
            tolerance = min(0.3, wanted * (scale / left) ** 0.5)
            add_scaled(self.velocity, 1.0, equations.solve(rest, equations.zeros(), tolerance))


def _dot(a: Vector, b: Vector) -> float:
    if a.size > b.size:
        a = a[:-1]
    if b.size > a.size:
        b = b[:-1]
    return float(np.einsum("i,i->", a, b, dtype=np.float64))
