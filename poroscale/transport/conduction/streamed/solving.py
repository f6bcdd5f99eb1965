"""Conjugate gradients whose vectors lie on the disk, in two passes an iteration."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import pairwise
from math import inf
from pathlib import Path

import numpy as np

from poroscale.engine.plan import Need
from poroscale.manifest import write_durably
from poroscale.transport.conduction.effective import Drive
from poroscale.transport.conduction.lattice import Vector
from poroscale.transport.conduction.multigrid import GraphCycle
from poroscale.transport.conduction.solving import FLOOR, ErrorBound, safety_of
from poroscale.transport.conduction.streamed.coarse import SlabSeams
from poroscale.transport.conduction.streamed.iterating import Answer, Step, descend_slab, rise_slab
from poroscale.transport.conduction.streamed.slabs import SlabPasses, SlabRecords


@dataclass(frozen=True)
class Course:
    """How far a solution has come, as a file tells it.

    Attributes
    ----------
    thickness, edge
        Planes of a slab, and edge of the blocks of an aggregate.
    carried
        Name of the pass over aggregates, once it is done.
    share
        Largest share of the voxels of a slab that conduct.
    mixed
        Whether aggregates hold voxels of several kinds.
    steps, squares
        Length of each step, and square of each residual in the norm of the preconditioner.
    energy, error, iterations
        What was found in the end.
    """

    thickness: int
    edge: int
    carried: str = ""
    share: float = 1.0
    mixed: bool = False
    steps: list[float] = field(default_factory=list)
    squares: list[float] = field(default_factory=list)
    energy: float = 0.0
    error: float = 0.0
    iterations: int = 0

    @classmethod
    def load(cls, path: Path) -> Course | None:
        """What an earlier run has left; None if it has left nothing."""
        return cls(**json.loads(path.read_text())) if path.exists() else None

    def ended(self, solved: StreamedSolution) -> Course:
        """The course of a solution that is good enough."""
        return replace(self, energy=solved.energy, error=solved.error, iterations=solved.iterations)

    def save(self, path: Path) -> Course:
        """Keep it in a file."""
        write_durably(path, json.dumps(asdict(self)).encode())
        return self


@dataclass(frozen=True)
class StreamedSolution:
    """Potentials on the disk, and how good they are; numbers as in `solving.Solution`."""

    potentials: SlabRecords
    energy: float
    error: float
    iterations: int
    converged: bool


class SlabSolver:
    """The iterations over slabs.

    Parameters
    ----------
    seams
        The lattice with its aggregates.
    passes
        Runs the passes.
    needs
        Memory of "descend" and "rise".
    path
        File of the course.
    """

    def __init__(
        self, seams: SlabSeams, passes: SlabPasses, needs: dict[str, Need], path: Path
    ) -> None:
        self._seams, self._passes, self._needs, self._path = seams, passes, needs, path
        self._cycle: GraphCycle | None = None
        self._bound = ErrorBound()

    def solve(self, course: Course, drive: Drive) -> StreamedSolution:
        """Go on from where the course has come to, until the error is within the tolerance."""
        least = drive.wanted - 2 * FLOOR
        medium = self._seams.slabs.medium
        self._cycle = self._seams.cycle(mixed=course.mixed)
        self._bound.safety = safety_of(medium.conductivities, medium.pairs, mixed=self._cycle.mixed)
        self._replay(course)
        step: Step | None = None
        while True:
            k = len(course.steps)
            below = self._descend(k, self._step(course) if step is None else step)
            self._forget(f"descend-{k - 1}")
            right, square, energy = self._gathered(below)
            answer = self._answer(right)
            square += float(right.astype(np.float64) @ answer.astype(np.float64))
            ratio = square / course.squares[-1] if k else 0.0
            if k:
                self._bound.add(course.steps[-1], ratio)
            error = self._error(square, energy)
            if error <= least * energy or k >= drive.iterations:
                break
            directions = self._rise(k, below, answer, ratio)
            power = self._power(directions)
            course = replace(
                course, steps=[*course.steps, square / power], squares=[*course.squares, square]
            ).save(self._path)
            self._forget(f"rise-{k - 1}")
            step = Step(below, directions, square / power)
        error += FLOOR * energy
        return StreamedSolution(below, energy, error, k, error <= drive.wanted * energy)

    def _replay(self, course: Course) -> None:
        for step, square, following in zip(
            course.steps, course.squares, course.squares[1:], strict=False
        ):
            self._bound.add(step, following / square)

    def _error(self, square: float, energy: float) -> float:
        if not self._bound.steps:
            return square if square <= FLOOR * energy else inf
        return self._bound.of(square, self._bound.node)

    def _step(self, course: Course) -> Step | None:
        """The step that a run was about to do, or had done, when it was ended."""
        k = len(course.steps)
        if k == 0:
            return None
        below, above = (self._passes.left_by(f"{name}-{k - 1}") for name in ("descend", "rise"))
        return Step(below, above, course.steps[-1])

    def _descend(self, k: int, step: Step | None) -> SlabRecords:
        task = partial(descend_slab, slabs=self._seams.slabs, step=step)
        title = f"iteration {k}" if k else "first potentials"
        return self._passes.over(f"descend-{k}", task, self._needs["descend"], title=title)

    def _gathered(self, below: SlabRecords) -> tuple[Vector, float, float]:
        """Right side of the aggregates, product with the swept image, and power of x."""
        firsts, product, power = self._seams.firsts, 0.0, 0.0
        right = np.empty(firsts[-1], np.float32)
        for k, (first, stop) in enumerate(pairwise(firsts)):
            found = below.load(k, "right", "sums")
            right[first:stop] = found["right"]
            product, power = product + found["sums"][0], power + found["sums"][1]
        product += self._seams.add_residual(below, right)
        return right, float(product), float(power)

    def _answer(self, right: Vector) -> Vector:
        assert self._cycle is not None
        self._cycle.right[:] = right
        return self._cycle.correction()

    def _rise(self, k: int, below: SlabRecords, answer: Vector, ratio: float) -> SlabRecords:
        path = self._passes.work / "answer.f32"
        write_durably(path, answer.tobytes())
        given = Answer(path, tuple(self._seams.firsts.tolist()))
        before = self._passes.left_by(f"rise-{k - 1}") if k else None
        task = partial(
            rise_slab,
            slabs=self._seams.slabs,
            below=below,
            answer=given,
            directions=before,
            ratio=ratio,
        )
        title = f"direction {k + 1}"
        return self._passes.over(f"rise-{k}", task, self._needs["rise"], title=title)

    def _power(self, directions: SlabRecords) -> float:
        slabs = range(len(self._seams.firsts) - 1)
        inside = sum(float(directions.one(k, "power")) for k in slabs)
        return inside + self._seams.energy(directions)

    def _forget(self, name: str) -> None:
        shutil.rmtree(self._passes.work / name, ignore_errors=True)
