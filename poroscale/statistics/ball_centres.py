"""Centres of the balls inscribed in a phase, exact for each block whatever its size.

A block reads as far around itself as its largest ball reaches. How far that is it sees for itself:
what it reads at first shows distances that are too large at the most, so that reading as far as the
largest of them is enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Box, Halo, Pass, Run
from poroscale.engine.filling import fill_and_count
from poroscale.engine.jobs.recipe import plain
from poroscale.identity import kernel
from poroscale.kernels.phases.codes import OUTSIDE
from poroscale.kernels.phases.inscribed_balls import WITHIN, ball_centres, code_dtype
from poroscale.kernels.phases.squared_distance import Metric, squared_distances
from poroscale.statistics.phases import PhaseMap
from poroscale.volume import Index, Shape, Volume, VolumeSpec

FIRST = 12
"""Reach that a block reads at first [shortest voxel edges]; few pores are wider than twice that."""
ONE = (1, 1, 1)


@kernel("statistics.BallCentres")
@dataclass(frozen=True)
class BallCentres:
    """The codes of `kernels.phases.ball_centres` for any box of a volume.

    Attributes
    ----------
    volume, inside
        The phases, and the mask if there is one.
    phases, value
        Phase values of the volume, and the one whose balls are wanted.
    metric
        Whole-numbered distances, with the largest that is told apart.
    walled
        Whether voxels that do not count limit balls, as other phases do.
    """

    volume: Volume
    inside: Volume | None
    phases: PhaseMap
    value: int
    metric: Metric
    walled: bool

    def __call__(
        self, origin: Index, shape: Shape
    ) -> tuple[NDArray[Any], dict[str, NDArray[np.int64]]]:
        """Codes of a box, and `radii`: how many centres have a radius, in shortest voxel edges.

        Radii are rounded up. The largest that occurs says how far balls reach.
        """
        core = Box(origin, shape)
        around = core.grown(ONE).clipped(self.volume.shape)
        squared, phase = self._settled(around)
        codes = ball_centres(squared, phase, self.metric)[core.shifted(around.origin).slices]
        named = codes[codes > WITHIN].astype(np.int64) - 1
        steps = np.ceil(np.sqrt(named / min(self.metric.weights))).astype(np.int64)
        return codes, {"radii": np.bincount(steps, minlength=self._longest + 1)}

    @property
    def _longest(self) -> int:
        """The largest radius, rounded up [shortest voxel edges]."""
        return int(np.ceil(np.sqrt(self.metric.limit / min(self.metric.weights))))

    def _settled(self, around: Box) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Squared distances in a box, exact where the phase is, and where that is."""
        limit = self.metric.limit
        reach = min(limit, FIRST * FIRST * min(self.metric.weights))
        while True:
            box = around.grown(self.metric.reach(reach)).clipped(self.volume.shape)
            inner = around.shifted(box.origin).slices
            phase, walls = self._read(box)
            phase = phase[inner].copy()
            if not phase.any():
                return np.zeros(around.shape, np.int32), phase
            squared = squared_distances(walls, self.metric)[inner]
            farthest = int(squared.max(initial=0, where=phase))
            if farthest <= reach or box.shape == self.volume.shape:
                return np.ascontiguousarray(squared), phase
            reach = farthest

    def _read(self, box: Box) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Where the phase is, and where what limits its balls is."""
        inside = None if self.inside is None else self.inside.read(box.origin, box.shape)
        codes = self.phases.codes(self.volume.read(box.origin, box.shape), inside)
        phase = codes == self.phases.code(self.value)
        walls = ~phase
        if not self.walled:
            walls &= codes != OUTSIDE
        return phase, walls


def centres_pass(
    spec: VolumeSpec, metric: Metric, *, read_bytes: int, sampler: BallCentres | None = None
) -> Pass:
    """The pass that writes the centres; its memory is that of the longest reach.

    Parameters
    ----------
    spec
        The volume of phases.
    metric
        Its metric.
    read_bytes
        Bytes per voxel of the phases and of the mask.
    sampler
        What is written; None for a plan.
    """
    return Pass(
        "ball centres",
        sampler,
        writes=code_dtype(metric),
        halo=Halo.of(reach_in(spec.shape, metric, metric.limit, more=1)),
        # Beside what is read: codes, phase, walls, and four bytes of the squared distance.
        temporary=read_bytes + 7.0,
    )


def reach_in(shape: Shape, metric: Metric, squared: int, *, more: int = 0) -> Shape:
    """Voxels that balls up to a squared radius reach along each axis, inside a volume."""
    reach = metric.reach(squared)
    z, y, x = (min(n - 1, far + more) for n, far in zip(shape, reach, strict=True))
    return z, y, x


def write_centres(sampler: BallCentres, out: Path, *, run: Run) -> tuple[Volume, int]:
    """The centres as a volume, and the squared radius that none exceeds."""
    volume, metric = sampler.volume, sampler.metric
    read = volume.dtype.itemsize + (0 if sampler.inside is None else sampler.inside.dtype.itemsize)
    spec = volume.spec.but(dtype=code_dtype(metric), attributes={}, pyramid=None)
    recipe = {
        "volume": plain(volume),
        "inside": plain(sampler.inside),
        "value": sampler.value,
        "values": plain(sampler.phases.values),
        "outside": sampler.phases.outside,
        "weights": metric.weights,
        "limit": metric.limit,
        "walled": sampler.walled,
        "sampler": plain(BallCentres),
    }
    made, counts = fill_and_count(
        centres_pass(volume.spec, metric, read_bytes=read, sampler=sampler),
        out,
        spec=spec,
        recipe=recipe,
        run=run,
    )
    longest = int(np.flatnonzero(counts["radii"]).max(initial=1))
    return made, min(metric.limit, longest * longest * min(metric.weights))
