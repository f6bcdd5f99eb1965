"""The equations of a steady Stokes flow on a pore space, driven along its first axis."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.flow.faces import FlowFaces, coded_voxels, flow_faces, numbered_cells
from poroscale.kernels.flow.momentum import (
    add_divergence,
    add_gradient,
    friction_of,
    solve_momentum,
)
from poroscale.transport.flow.boundary import FlowBoundary

Vector = NDArray[Any]
Velocity = list[Vector]
"""One vector for each component, (n + 1,) with a zero at the end."""

CORNER = 1.5
"""Friction of a face beside an edge of the solid: half of its control volume meets a wall half a
voxel away, which is 2, the other half a velocity of 0 one voxel away, which is 1."""
MOST = 20_000
"""Iterations of one momentum solution."""


@dataclass
class StokesEquations:
    """Faces and pores of a pore space: friction, gradient, divergence, and the velocity of a force.

    In units of the voxel, the viscosity and a unit pressure gradient along the first axis:
    `friction(u) + gradient(p) = force`, `divergence(u) = 0`.
    """

    shape: tuple[int, ...]
    pores: int
    components: list[FlowFaces]
    dtype: Any
    threads: int = 1
    iterations: int = 0
    updates: int = field(default=0)

    def zeros(self) -> Velocity:
        """Return a velocity at rest."""
        return [np.zeros(each.diagonal.size + 1, self.dtype) for each in self.components]

    def pressure_zeros(self) -> Vector:
        """Return a pressure of 0, (pores + 1,)."""
        return np.zeros(self.pores + 1, self.dtype)

    def volumes(self) -> Velocity:
        """Return the volume of each face [voxels]: a half on faces of given pressure, else one."""
        out = self.zeros()
        for each, faces in zip(out, self.components, strict=True):
            each[:-1] = 1
            each[: faces.first_halves] = each[slice(*faces.last_halves)] = 0.5
        return out

    def force(self) -> Velocity:
        """Return the driving force, on the first component alone."""
        out = self.zeros()
        out[0] = self.volumes()[0]
        return out

    def friction(self, velocity: Velocity) -> tuple[Velocity, float]:
        """Return the friction of a velocity, and what it dissipates."""
        out = self.zeros()
        pairs = zip(self.components, velocity, out, strict=True)
        return out, sum(friction_of(faces, u, v) for faces, u, v in pairs)

    def add_gradient(self, pressure: Vector, factor: float, out: Velocity) -> Velocity:
        """Add `factor` times the gradient of a pressure to `out`."""
        for faces, each in zip(self.components, out, strict=True):
            add_gradient(faces, pressure, factor, each)
        return out

    def divergence(self, velocity: Velocity) -> Vector:
        """Return what leaves each pore, (pores + 1,)."""
        out = self.pressure_zeros()
        for faces, each in zip(self.components, velocity, strict=True):
            add_divergence(faces, each, 1.0, out)
        return out

    def solve(self, force: Velocity, start: Velocity, tolerance: float) -> Velocity:
        """Improve the velocity under a force, in place, until its residual is below a tolerance."""

        def one(job: tuple[FlowFaces, Vector, Vector]) -> int:
            faces, b, x = job
            return solve_momentum(faces, b, x, tolerance=tolerance, limit=MOST)

        jobs = list(zip(self.components, force, start, strict=True))
        done = _in_threads(one, jobs, self.threads)
        self.iterations += max(done)
        sizes = (faces.diagonal.size for faces in self.components)
        self.updates += sum(n * size for n, size in zip(done, sizes, strict=True))
        return start

    def resists(self) -> bool:
        """Whether a wall holds the driven component anywhere."""
        faces = self.components[0]
        weights = self.volumes()[0]
        met = faces.neighbours < faces.diagonal.size
        held = met[:2].sum(axis=0) + weights[:-1] * met[2:].sum(axis=0)
        return bool(np.any(faces.diagonal > held + 0.25))


def stokes_equations(
    pore: NDArray[np.bool_],
    boundary: FlowBoundary,
    *,
    corner: float = CORNER,
    dtype: Any = np.float32,
    threads: int = 1,
) -> StokesEquations:
    """Equations on a pore space, whose first axis is driven; without its layers of open fluid.

    Parameters
    ----------
    pore
        bool (nz, ny, nx): the pores that carry.
    boundary
        What the flow meets at the faces of the box.
    corner
        See `poroscale.kernels.flow.faces.flow_faces`.
    dtype
        Of the velocity.
    threads
        How many components are solved at a time. The result does not depend on it.
    """
    codes = coded_voxels(pore, boundary.codes, boundary.periodic)
    cells = numbered_cells(codes, boundary.periodic)
    pores = int(np.count_nonzero(pore))
    make = {"periodic": boundary.periodic, "corner": corner, "dtype": dtype}
    components = [flow_faces(codes, cells, axis, **make) for axis in range(3)]
    return StokesEquations(pore.shape, pores, components, dtype, threads)


def product(a: Velocity, b: Velocity) -> float:
    """Scalar product of two velocities, summed in double precision."""
    return sum(float(np.einsum("i,i->", x, y, dtype=np.float64)) for x, y in zip(a, b, strict=True))


def add_scaled(out: Velocity, factor: float, other: Velocity) -> None:
    """Add `factor` times another velocity to `out`."""
    for mine, theirs in zip(out, other, strict=True):
        np.add(mine, mine.dtype.type(factor) * theirs, out=mine)


def _in_threads(one: Callable[[Any], int], jobs: list[Any], threads: int) -> list[int]:
    if threads < 2:
        return [one(job) for job in jobs]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, jobs))
