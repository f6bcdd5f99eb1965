"""Local thickness: at each voxel of a phase, the largest ball in the phase that holds the voxel.

Of pores its distribution is the pore-size distribution, of struts and walls their thickness
(Hildebrand and Rüegsegger 1997). Two passes: the centres of balls, which lie in a temporary volume;
then every block is painted from the balls that reach it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Halo, JobPlan, Pass, Reduction, Run, map_pass, plan_job, reduce_pass
from poroscale.engine.job_plan import planned
from poroscale.engine.passes import named
from poroscale.identity import kernel
from poroscale.kernels.phases.ball_painting import paint_balls
from poroscale.kernels.phases.inscribed_balls import code_dtype
from poroscale.kernels.phases.squared_distance import Metric
from poroscale.statistics.ball_centres import BallCentres, centres_pass, reach_in, write_centres
from poroscale.statistics.connectivity import inputs_of
from poroscale.statistics.phases import PhaseMap
from poroscale.volume import Index, Shape, Volume, VoxelSize

LARGEST = 64
"""Radius up to which balls are told apart, unless told otherwise [shortest voxel edges]."""
PAINTING = 12.0
"""Bytes per voxel of block and halo that painting takes: the list of balls, or the distances from
the largest of them, and bits."""

Int64 = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Thickness:
    """Voxels of a phase by their local thickness.

    Attributes
    ----------
    diameters_um
        Diameters that occur, ascending [um]; each is that of a ball around a voxel, not binned.
    voxels
        int64, voxels of each diameter.
    largest_um
        Diameter up to which balls were told apart [um]; larger ones count as this large.
    bin_um
        Width of the bins of `histogram`: the shortest edge of a voxel [um].
    """

    diameters_um: Floats
    voxels: Int64
    largest_um: float
    bin_um: float

    @property
    def capped_share(self) -> float:
        """Share of the phase whose thickness is `largest_um` or more; NaN without a voxel."""
        capped = self.diameters_um >= self.largest_um * (1 - 1e-9)
        return _share(self.voxels[capped].sum(), self.voxels.sum())

    @property
    def mean_um(self) -> float:
        """Mean over the voxels of the phase [um]; NaN without a voxel."""
        return _share(self.diameters_um @ self.voxels, self.voxels.sum())

    @property
    def std_um(self) -> float:
        """Standard deviation over the voxels of the phase [um]."""
        return float(
            np.sqrt(
                _share((self.diameters_um - self.mean_um) ** 2 @ self.voxels, self.voxels.sum())
            )
        )

    @property
    def median_um(self) -> float:
        """The smallest diameter that at least half of the voxels do not exceed [um]."""
        if not self.voxels.size:
            return float("nan")
        below = np.cumsum(self.voxels)
        return float(self.diameters_um[np.searchsorted(2 * below, below[-1])])

    def histogram(
        self, width_um: float | None = None, *, begin_um: float = 0.0
    ) -> tuple[Floats, Floats]:
        """Shares of the phase by diameter.

        Parameters
        ----------
        width_um
            Width of a bin; None takes `bin_um`.
        begin_um
            Lower edge of the first bin, 0 or less [um].

        Returns
        -------
        edges
            float64 (bins + 1,), from `begin_um` on [um]; a bin holds its lower edge.
        shares
            float64 (bins,), of sum 1.
        """
        width = self.bin_um if width_um is None else width_um
        if not width > 0:
            raise ValueError(f"`width_um` must be positive, got {width}")
        if not begin_um <= 0:
            raise ValueError(f"`begin_um` must be 0 or less, got {begin_um}")
        # A diameter that is a whole number of edges belongs to the bin that begins there.
        places = np.floor((self.diameters_um - begin_um) / width + 1e-9).astype(np.int64)
        counts = np.bincount(places, self.voxels, minlength=1)
        shares = counts / max(1, self.voxels.sum())
        edges = begin_um + np.arange(len(counts) + 1, dtype=np.float64) * width
        return edges, np.asarray(shares, np.float64)


def _share(part: Any, whole: Any) -> float:
    return float(part) / float(whole) if whole else float("nan")


def thickness(
    volume: Volume,
    phases: PhaseMap,
    value: int,
    *,
    largest_um: float | None = None,
    walled: bool = False,
    inside: Volume | None = None,
    run: Run | None = None,
) -> Thickness:
    """The distribution of the local thickness of a phase.

    The ball around a voxel of the phase holds all voxels whose centres are nearer to its centre
    than that of the nearest voxel of another phase; its diameter is twice that distance. What lies
    beyond the volume limits no ball. Equal to painting all balls of the whole array, for every
    grid.

    Parameters
    ----------
    volume, phases, value
        The volume, its phase values, and the value that is measured.
    largest_um
        Diameter up to which balls are told apart [um], at least two voxel edges; memory grows with
        it. None takes 128 of the shortest voxel edges, or what fits the volume.
    walled
        True: voxels that do not count (beyond the mask, or of the phase `outside`) limit balls as
        other phases do. False: they limit none, as what lies beyond the volume.
    inside
        Mask of the same shape; voxels where it is zero do not count.
    run
        Memory, workers and cluster; changes no number.

    Raises
    ------
    ValueError
        If the volume does not hold the value, the mask has another shape, or `largest_um` is below
        two voxel edges.
    MemoryError
        If the budget cannot hold a block with the reach of the largest ball.
    """
    sampler = _sampler(volume, phases, value, largest_um=largest_um, walled=walled, inside=inside)
    run = planned(run or Run(), lambda run: _plan(sampler, run))
    with tempfile.TemporaryDirectory(prefix="poroscale-") as folder:
        centres, reach = write_centres(sampler, Path(folder) / "centres.zarr", run=run)
        declared = _painting(sampler, reach).but(kernel=Reduction(_count_block, _both, _whole))
        found = reduce_pass(declared, centres, run=run)
    metric = sampler.metric
    return Thickness(
        2 * metric.length(found["squared"]),
        found["voxels"],
        _cap(metric),
        min(volume.voxel_size),
    )


def thickness_volume(
    volume: Volume,
    phases: PhaseMap,
    value: int,
    out: str | Path,
    *,
    largest_um: float | None = None,
    walled: bool = False,
    inside: Volume | None = None,
    run: Run | None = None,
) -> Volume:
    """The local thickness at every voxel as a volume: float32 [um], 0 beyond the phase.

    Parameters
    ----------
    volume, phases, value, largest_um, walled, inside, run
        As in `thickness`.
    out
        Folder of the new volume; the centres lie in `OUT.work` meanwhile.

    Raises
    ------
    ValueError, MemoryError
        As `thickness`.
    """
    out = Path(out)
    sampler = _sampler(volume, phases, value, largest_um=largest_um, walled=walled, inside=inside)
    run = planned(run or Run(), lambda run: _plan(sampler, run, image=True))
    work = out.with_name(f"{out.name}.work")
    centres, reach = write_centres(sampler, work / "centres.zarr", run=run)
    declared = _painting(sampler, reach, image=True).but(kernel=_paint_block)
    attributes = {
        "kind": "thickness",
        "unit": "um",
        "phase": value,
        "largest_um": _cap(sampler.metric),
    }
    made = map_pass(declared, centres, out, attributes=attributes, run=run)
    shutil.rmtree(work, ignore_errors=True)
    return made


def plan_thickness(
    volume: Volume,
    *,
    image: bool = False,
    largest_um: float | None = None,
    inside: Volume | None = None,
    run: Run | None = None,
) -> JobPlan:
    """The plan of `thickness`, or of `thickness_volume` with `image`, for the largest balls.

    Raises
    ------
    ValueError, MemoryError
        As `thickness`.
    """
    sampler = _sampler(
        volume, PhaseMap((0,)), 0, largest_um=largest_um, walled=False, inside=inside
    )
    return _plan(sampler, run or Run(), image=image)


def _plan(sampler: BallCentres, run: Run, *, image: bool = False) -> JobPlan:
    volume, metric = sampler.volume, sampler.metric
    read = sum(each.dtype.itemsize for each in inputs_of(volume, sampler.inside))
    first = centres_pass(volume.spec, metric, read_bytes=read)
    then = _painting(sampler, metric.limit, image=image)
    return plan_job(volume.spec, named(first, then), run)


def _sampler(
    volume: Volume,
    phases: PhaseMap,
    value: int,
    *,
    largest_um: float | None,
    walled: bool,
    inside: Volume | None,
) -> BallCentres:
    inputs_of(volume, inside)
    phases.code(value)
    metric = _metric(volume.voxel_size, volume.shape, largest_um)
    return BallCentres(volume, inside, phases, value, metric, walled)


def _metric(voxel_size: VoxelSize, shape: Shape, largest_um: float | None) -> Metric:
    """The metric for balls up to a diameter; none is wider than twice the diagonal."""
    edge = min(voxel_size)
    diagonal = float(np.linalg.norm(np.multiply(voxel_size, shape)))
    radius = LARGEST * edge if largest_um is None else largest_um / 2
    if not radius >= edge:
        raise ValueError(
            f"`largest_um` must be at least two voxel edges, {2 * edge:g} um, got {largest_um:g}"
        )
    return Metric.of(voxel_size, max(edge, min(radius, diagonal)))


def _cap(metric: Metric) -> float:
    return 2 * float(metric.length(np.array(metric.limit)))


def _painting(sampler: BallCentres, squared: int, *, image: bool = False) -> Pass:
    """The pass that paints balls up to a squared radius; its kernel is put in before the run."""
    volume, metric = sampler.volume, sampler.metric
    reach = reach_in(volume.shape, metric, squared)
    return Pass(
        "thickness",
        reads=(code_dtype(metric),),
        writes=np.float32 if image else None,
        halo=Halo.of(reach, pad=0),
        parameters={
            "halo": reach,
            "weights": metric.weights,
            "edge": metric.edge,
            "limit": metric.limit,
        },
        temporary=PAINTING + (4 if image else 0),
    )


@kernel("statistics.count_thickness")
def _count_block(
    codes: NDArray[Any], *, halo: Index, weights: Index, edge: float, limit: int
) -> dict[str, Int64]:
    painted = paint_balls(codes, halo, Metric((weights[0], weights[1], weights[2]), edge, limit))
    return _merged(painted.squared, painted.voxels)


@kernel("statistics.thickness")
def _paint_block(
    codes: NDArray[Any], *, halo: Index, weights: Index, edge: float, limit: int
) -> NDArray[np.float32]:
    metric = Metric((weights[0], weights[1], weights[2]), edge, limit)
    largest = paint_balls(codes, halo, metric, image=True).largest
    assert largest is not None
    diameters = metric.length(largest)
    diameters *= 2
    return diameters.astype(np.float32)


def _merged(squared: Int64, voxels: Int64) -> dict[str, Int64]:
    """Each squared radius once, ascending, with its voxels."""
    values, places = np.unique(squared, return_inverse=True)
    counts = np.zeros(len(values), np.int64)
    np.add.at(counts, places, voxels)
    return {"squared": values, "voxels": counts}


def _both(a: Mapping[str, Int64], b: Mapping[str, Int64]) -> dict[str, Int64]:
    return _merged(*(np.concatenate([a[name], b[name]]) for name in ("squared", "voxels")))


def _whole(total: dict[str, Int64]) -> dict[str, Int64]:
    return total
