"""What is timed: each function prepares, and returns the work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Timed = Callable[[], Any]
SHARE, WIDTH, LAYERS = 0.25, 3.0, 4
TURNS = 10


def drawn_rock(edge: int) -> NDArray[np.bool_]:
    """Pores of a smoothed random field, bool (edge, edge, edge)."""
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(5).standard_normal((edge,) * 3).astype(np.float32)
    field = gaussian_filter(noise, WIDTH, mode="wrap")
    return np.asarray(field < np.quantile(field, SHARE))


def by_grid(_scratch: Path, *, edge: int, dtype: Any = np.float32) -> Timed:
    """Permeability on the staggered grid."""
    from poroscale.transport.flow.boundary import FlowBoundary
    from poroscale.transport.flow.permeability import permeability

    boundary = FlowBoundary("periodic", "wall", LAYERS)

    def work(pore: NDArray[np.bool_]) -> dict[str, Any]:
        found = permeability(pore, "z", boundary=boundary, tolerance=0.01, dtype=dtype)
        return {"permeability": found.effective, "error": found.error}

    work(np.ones((8, 8, 8), bool))
    pore = drawn_rock(edge)
    return lambda: work(pore)


def by_grid_in_double(scratch: Path, *, edge: int) -> Timed:
    """The same with float64."""
    return by_grid(scratch, edge=edge, dtype=np.float64)


def by_lattice(_scratch: Path, *, edge: int) -> Timed:
    """Permeability by the lattice Boltzmann method."""
    from poroscale.transport.flow.lattice_boltzmann import lattice_permeability

    def work(pore: NDArray[np.bool_]) -> dict[str, Any]:
        found = lattice_permeability(pore, "z", layers=LAYERS, relaxation_time=2.0)
        return {"permeability": found.effective, "change": found.change}

    work(np.ones((8, 8, 8), bool))
    pore = drawn_rock(edge)
    return lambda: work(pore)


def friction(_scratch: Path, *, edge: int) -> Timed:
    """Products of the friction with a velocity."""
    from poroscale.transport.flow.boundary import FlowBoundary
    from poroscale.transport.flow.stokes import stokes_equations

    equations = stokes_equations(drawn_rock(edge), FlowBoundary())
    velocity = equations.volumes()
    equations.friction(velocity)
    faces = sum(each.diagonal.size for each in equations.components)

    def timed() -> dict[str, Any]:
        for _ in range(TURNS):
            equations.friction(velocity)
        return {"done": TURNS * faces}

    return timed


def friction_by_numpy(_scratch: Path, *, edge: int) -> Timed:
    """The same on dense arrays: shifted views of the whole box, for three components."""
    pore = drawn_rock(edge)
    open_faces = [np.logical_and(pore, np.roll(pore, -1, axis)) for axis in range(3)]
    velocities = [each.astype(np.float32) for each in open_faces]

    def timed() -> dict[str, Any]:
        for _ in range(TURNS):
            for mask, u in zip(open_faces, velocities, strict=True):
                out = 6 * u[1:-1, 1:-1, 1:-1]
                out -= u[2:, 1:-1, 1:-1]
                out -= u[:-2, 1:-1, 1:-1]
                out -= u[1:-1, 2:, 1:-1]
                out -= u[1:-1, :-2, 1:-1]
                out -= u[1:-1, 1:-1, 2:]
                out -= u[1:-1, 1:-1, :-2]
                out *= mask[1:-1, 1:-1, 1:-1]
        return {"done": TURNS * sum(int(each.sum()) for each in open_faces)}

    return timed


def lattice_steps(_scratch: Path, *, edge: int) -> Timed:
    """Steps of the lattice Boltzmann method on the pores."""
    from poroscale.kernels.flow.faces import coded_voxels, numbered_cells
    from poroscale.kernels.flow.lattice import POPULATIONS, neighbour_slots, two_lattice_steps

    pore = drawn_rock(edge)
    periodic = (True, False, False)
    cells = numbered_cells(coded_voxels(pore, (0, 0, 0), periodic), periodic)
    count = int(pore.sum())
    slots = neighbour_slots(cells, (edge,) * 3, count)
    populations = np.zeros(count * POPULATIONS, np.float32)
    two_lattice_steps(populations, slots, (1.0, 1.0), 1.0)

    def timed() -> dict[str, Any]:
        for _ in range(TURNS // 2):
            two_lattice_steps(populations, slots, (1.0, 1.0), 1.0)
        return {"done": TURNS * count}

    return timed


def lattice_steps_by_numpy(_scratch: Path, *, edge: int) -> Timed:
    """The same on dense arrays: nineteen populations of the whole box, rolled."""
    from poroscale.kernels.flow.lattice import STEPS, WEIGHTS

    pore = drawn_rock(edge)
    moves = np.concatenate([[(0, 0, 0)], STEPS, -STEPS])
    opposite = [0, *range(10, 19), *range(1, 10)]
    weights = np.concatenate([[1 / 3], WEIGHTS, WEIGHTS]).astype(np.float32)
    held: list[NDArray[np.float32]] = [np.zeros(pore.shape, np.float32) for _ in moves]

    def step() -> None:
        density = np.sum(held, axis=0)
        flow = [sum(float(m[a]) * f for m, f in zip(moves, held, strict=True)) for a in range(3)]
        after = []
        for move, weight, f in zip(moves, weights, held, strict=True):
            along = sum(float(move[a]) * flow[a] for a in range(3))
            after.append(f - 0.7 * (f - weight * (density + 3 * along)))
        for q, move in enumerate(moves):
            arrived = np.roll(after[q], tuple(move), (0, 1, 2))
            from_pore = np.roll(pore, tuple(move), (0, 1, 2))
            held[q] = np.where(pore, np.where(from_pore, arrived, after[opposite[q]]), 0)

    def timed() -> dict[str, Any]:
        step()
        return {"done": int(pore.sum())}

    return timed


def copying(_scratch: Path, *, edge: int) -> Timed:
    """Read and write of a copy of an array that no cache holds [bytes]."""
    source = np.ones(2 * 128**3 + edge, np.float64)
    target = np.zeros_like(source)

    def timed() -> dict[str, Any]:
        for _ in range(TURNS):
            np.copyto(target, source)
        return {"done": 2 * TURNS * source.nbytes}

    return timed
