"""Anomaly scores without those of the surface (Iuso et al. 2024, section 3.4).

The text: A_pores = max(0, A - λ* G_σ*(D)), where D is the sum of the absolute voxel-wise
derivatives of the volume that the network predicts, and λ*, σ* > 0 minimise the mean L1 norm
||A - λ G_σ(D)||_1 over the whole volume. The optimiser is not named. What is done here:

- Derivatives are central differences per voxel. Beyond its faces the prediction is continued by
  its mirror image, so that D is as well (scipy's mode "reflect"). The Gaussian ends at 4 σ.
- For a given σ the best λ is a weighted median, found from integer sums (`kernels.compensation`):
  one pass over the volume answers every λ for a row of σ. The first pass takes σ in equal ratios
  over the range, the second between the neighbours of the best, then a bounded scalar minimiser
  works on the interpolated values, and a last pass gives λ at the σ it finds.
- In λ the objective has a degenerate minimum: where at least half of the smoothed slope stands in
  voxels of score 0, the least is at λ = 0, which the text excludes and which leaves the scores as
  they are. Scores that were stored coarsely make it likely; float16 avoids it. So do scores that
  are 0 outside a part, for half of the surface's slope stands there: `inside` leaves those out.
- In σ it has none in general, but it drifts: where noise gives every voxel some score, a Gaussian
  so wide that it covers the part explains that floor better than the rim of the surface, and the
  best σ lies at the end of the range. The range is a choice, then, not a result.

Both cases are told in a warning that the scores, and the phases made of them, carry.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from poroscale.engine import Halo, Pass, Run, connect, map_pass
from poroscale.engine.jobs.recipe import input_identity
from poroscale.engine.jobs.work import finished_before, work_folder
from poroscale.engine.passes import named
from poroscale.kernels.learning.compensation import compensate, compensation_halo
from poroscale.segmentation.scores.compensation_fit import (
    COMPENSATION_BYTES,
    Compensation,
    check_pair,
    fit_compensation,
    fit_pass,
)
from poroscale.segmentation.scores.config import PostprocessConfig
from poroscale.volume import Volume


def postprocess_scores(
    scores: Volume,
    predicted: Volume,
    out: str | Path,
    *,
    inside: Volume | None = None,
    config: PostprocessConfig | None = None,
    run: Run | None = None,
) -> Volume:
    """A_pores = max(0, A - λ* G_σ*(D)) of anomaly scores (Iuso et al. 2024, eqs. 2 and 3).

    Parameters
    ----------
    scores
        Anomaly scores A, uint8 (score = value / 255) or float16 in [0, 1].
    predicted
        Output of the network for the scan: uint8 or uint16, which fill [0, 1], or floats.
    out
        Folder of the new scores, of the same type.
    inside
        0 where no voxel counts for λ* and σ*: give it where scores are 0 outside a part, for there
        the surface's slope stands without the score that it explains. None counts all.
    config, run
        Range of σ, or λ and σ themselves; how to run, which changes no byte of the output.

    Returns
    -------
    Volume
        The scores; `attributes["postprocessing"]` has λ*, σ* and the objective.

    Raises
    ------
    TypeError
        If a volume has another type.
    ValueError
        If the shapes differ, no voxel counts, or the prediction is the same everywhere.
    """
    config, run, out = config or PostprocessConfig(), run or Run(), Path(out)
    check_pair(scores, predicted)
    made_by = _made_by(scores, predicted, inside, config)
    with connect(run, job="compensate") as run:
        done = finished_before(out, made_by, run, [scores, predicted])
        if done is not None:
            return done
        with work_folder(out, made_by, run) as work:
            step = run.but(overwrite=False)
            found = fit_compensation(
                scores, predicted, inside=inside, config=config, work=work, run=step
            )
            return _compensated(scores, predicted, out, found=found, made_by=made_by, run=run)


def _made_by(
    scores: Volume, predicted: Volume, inside: Volume | None, config: PostprocessConfig
) -> dict[str, Any]:
    """Inputs and settings from which the new scores follow."""
    return {
        "verb": "postprocess_scores",
        "config": config.model_dump(mode="json"),
        "scores": input_identity(scores),
        "predicted": input_identity(predicted),
        "inside": inside and input_identity(inside),
    }


def _compensated(
    scores: Volume,
    predicted: Volume,
    out: Path,
    *,
    found: Compensation,
    made_by: Mapping[str, Any],
    run: Run,
) -> Volume:
    """The scores less those of the surface, as `found` says."""
    attributes = {
        **scores.attributes,
        "kind": "pore_scores",
        "made_by": made_by,
        "postprocessing": found.as_json(),
    }
    declared = compensation_pass(scores.dtype, predicted.dtype, found.sigma)
    return map_pass(
        declared.but(
            parameters={"weight": found.weight, "sigma": found.sigma},
            pyramid=scores.spec.pyramid,
        ),
        (scores, predicted),
        out,
        attributes=attributes,
        run=run,
    )


def compensation_pass(scores: DTypeLike, predicted: DTypeLike, sigma: float) -> Pass:
    """The pass over scores and what the network makes of the scan, at one σ [voxels]."""
    return Pass(
        "post-processed",
        compensate,
        reads=(scores, predicted),
        writes=scores,
        halo=Halo.of(compensation_halo(sigma), pad="symmetric"),
        temporary=COMPENSATION_BYTES,
    )


def passes(scores: DTypeLike, predicted: DTypeLike, config: PostprocessConfig) -> dict[str, Pass]:
    """Passes over scores and a prediction of these dtypes."""
    largest = config.sigma if config.sigma is not None else config.sigma_range[1]
    return named(
        fit_pass((scores, predicted, np.uint8), largest),
        compensation_pass(scores, predicted, largest),
    )
