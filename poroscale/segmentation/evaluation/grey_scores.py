"""The scan itself as scores: what a network, or anything else that scores voxels, has to beat.

A user without a network would take dark voxels for pores, after a little smoothing where the scan
is noisy. Both are scores like any other: 0 is as bright as the solid, 1 as dark as it gets. Whoever
ranks voxels worse than that, on a scan like this one, does harm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from poroscale.engine import Halo, Pass, Run, map_pass
from poroscale.engine.passes import named
from poroscale.identity import kernel
from poroscale.kernels.grey.levels import gaussian_halo, smooth_gaussian
from poroscale.segmentation.evaluation.evaluate import Evaluation
from poroscale.segmentation.network.normalisation import GreyRange, grey_extent
from poroscale.segmentation.thresholds.config import OtsuConfig
from poroscale.segmentation.thresholds.fields import Nowhere
from poroscale.segmentation.thresholds.otsu import find_outside, outside_passes
from poroscale.volume import Volume, VolumeSpec

GREY, SMOOTHED = "grey", "grey, smoothed"
SIGMAS: Mapping[str, float] = {GREY: 0.0, SMOOTHED: 0.7}
"""Standard deviation of the Gaussian along every axis [voxels]. On the noisy scans of
`configs/study.yaml` and of the demo, 0.7 is better than 0.5 and 1."""
SCORE_BYTES = 12.0
"""Temporary bytes per voxel: single precision, with its copies."""


def grey_baselines(
    scan: Volume, folder: Path, *, flood: bool = False, run: Run | None = None
) -> dict[str, Volume]:
    """The grey value, and the smoothed one, as scores of a pore.

    Parameters
    ----------
    scan
        Grey values, bright where dense.
    folder
        Of the volumes: float16, what is there already is left alone.
    flood
        Score what surrounds the part 0, where those that look at the scores do not know the part:
        it is as dark as pores are.
    run
        Memory, workers and cluster.

    Returns
    -------
    dict of Volume
        By the names `GREY` and `SMOOTHED`.

    Raises
    ------
    ValueError
        If all voxels have one grey value, or some are no finite numbers.
    """
    run = run or Run()
    folder.mkdir(parents=True, exist_ok=True)
    extent = grey_extent(scan, run=run)
    outside: Volume | Nowhere = Nowhere(scan.shape)
    if flood:
        outside, _ = find_outside(scan, folder, config=OtsuConfig(), run=run)
    return {
        name: map_pass(
            darkness_pass(scan.dtype, sigma).but(
                parameters={"low": extent.low, "high": extent.high, "sigma": sigma}
            ),
            (scan, outside),
            folder / f"{name.replace(', ', '_')}.zarr",
            attributes={"kind": "pore_scores"},
            run=run,
        )
        for name, sigma in SIGMAS.items()
    }


def darkness_pass(grey: DTypeLike, sigma: float) -> Pass:
    """The pass over grey values and the outside, with a Gaussian of `sigma` voxels first."""
    return Pass(
        "grey scores",
        darkness,
        reads=(grey, bool),
        writes=np.float16,
        halo=Halo.of(gaussian_halo(sigma)),
        temporary=SCORE_BYTES,
    )


def beaten_by_grey(found: Sequence[Evaluation]) -> list[str]:
    """A sentence for each of the scores that rank voxels no better than the scan itself does.

    Phases are left out: their average precision is that of one threshold.
    """
    baselines = [one for one in found if one.is_baseline]
    if not baselines:
        return []
    best = max(baselines, key=_precision)
    return [
        f"{one.name} tells pores from solid no better than {best.name} does, the scan's own grey "
        f"values (average precision {_precision(one):.3f} against {_precision(best):.3f}): on a "
        "scan like this one, use a threshold"
        for one in found
        if not (one.is_baseline or one.is_hard) and _precision(one) <= _precision(best)
    ]


def _precision(one: Evaluation) -> float:
    return one.ranking.average_precision


def passes(spec: VolumeSpec) -> dict[str, Pass]:
    """Passes over a scan of `spec`; the widest Gaussian stands for all."""
    score = darkness_pass(spec.dtype, max(SIGMAS.values()))
    others = score.written_bytes * (len(SIGMAS) - 1)
    return outside_passes(spec, OtsuConfig()) | named(score.but(scratch=others))


@kernel("segment.darkness")
def darkness(
    grey: NDArray[Any], outside: NDArray[np.bool_], *, low: float, high: float, sigma: float
) -> NDArray[np.float16]:
    """1 where grey values are `low` or less, 0 where they are `high` or more, and outside.

    Parameters
    ----------
    grey
        Grey values with a halo of `gaussian_halo(sigma)`.
    outside
        bool of the same shape.
    sigma
        Standard deviation of a Gaussian first [voxels].
    """
    values = grey.astype(np.float32)
    if sigma:
        values = smooth_gaussian(values, sigma=(sigma, sigma, sigma))
    scores = 1 - GreyRange(low, high).normalised(values)
    scores[outside] = 0
    return scores.astype(np.float16)
