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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from poroscale.config import Config
from poroscale.engine import Halo, Reduction, Run, connect, map_blocks, reduce_blocks
from poroscale.engine.jobs.recipe import input_identity
from poroscale.engine.jobs.work import finished_before, work_folder
from poroscale.engine.plan import Need
from poroscale.identity import kernel
from poroscale.kernels.learning.compensation import (
    CLASSES,
    Fit,
    compensate,
    compensation_halo,
    fit_weight,
    ratio_sums,
)
from poroscale.kernels.learning.score_levels import count_invalid, holds_scores
from poroscale.volume import Volume, VolumeSpec

COMPENSATION_BYTES = 24.0
"""Temporary bytes per voxel: scores, prediction, slope and its smoothing in single precision."""


class PostprocessConfig(Config):
    """How the scores of the surface are found.

    Attributes
    ----------
    weight
        λ; None finds it.
    sigma
        σ [voxels]; None finds it.
    sigma_range
        Smallest and largest σ that are tried [voxels].
    sigmas
        How many σ one pass over the volume tries.
    """

    weight: PositiveFloat | None = None
    sigma: PositiveFloat | None = Field(None, le=16)
    sigma_range: tuple[PositiveFloat, PositiveFloat] = (0.4, 6.0)
    sigmas: PositiveInt = Field(7, ge=4, le=32)

    @model_validator(mode="after")
    def _range_ascends(self) -> PostprocessConfig:
        low, high = self.sigma_range
        if not low < high <= 16:
            raise ValueError(f"sigma_range must ascend and end at 16 at most, got {low}, {high}")
        return self


@dataclass(frozen=True)
class Compensation:
    """What was found, and how.

    Attributes
    ----------
    weight, sigma
        λ* and σ* [voxels].
    mean_l1
        The objective there.
    mean_score
        The objective at λ = 0: the mean of the scores.
    tried
        σ, λ and objective of every σ that was tried.
    warnings
        What a reader should know.
    """

    weight: float
    sigma: float
    mean_l1: float
    mean_score: float
    tried: tuple[Mapping[str, float], ...]
    warnings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """For the attributes of the scores."""
        return {
            "weight": self.weight,
            "sigma_voxels": self.sigma,
            "mean_l1": self.mean_l1,
            "mean_score": self.mean_score,
            "tried": [dict(row) for row in self.tried],
            "warnings": list(self.warnings),
        }


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
        What the network makes of the scan, of the same shape: unsigned integers of 8 or 16 bits,
        which fill [0, 1], or floats.
    out
        Folder of the new scores, of the same type.
    inside
        0 where no voxel counts for λ* and σ*: give it where scores are 0 outside a part, for there
        the surface's slope stands without the score that it explains. None counts all.
    config
        Range of σ, or λ and σ themselves.
    run
        How to run; changes no byte of the output.

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
    made_by = {
        "verb": "postprocess_scores",
        "config": config.model_dump(mode="json"),
        "scores": input_identity(scores),
        "predicted": input_identity(predicted),
        "inside": inside and input_identity(inside),
    }
    with connect(run) as run:
        done = finished_before(out, made_by, run, [scores, predicted])
        if done is not None:
            return done
        with work_folder(out, made_by, run) as work:
            step = run.but(overwrite=False)
            found = fit_compensation(
                scores, predicted, inside=inside, config=config, work=work, run=step
            )
            attributes = {
                **scores.attributes,
                "kind": "pore_scores",
                "made_by": made_by,
                "postprocessing": found.as_json(),
            }
            return map_blocks(
                compensate,
                (scores, predicted),
                out,
                dtype=scores.dtype,
                halo=Halo.of(compensation_halo(found.sigma), pad="symmetric"),
                parameters={"weight": found.weight, "sigma": found.sigma},
                attributes=attributes,
                pyramid=scores.spec.pyramid,
                bytes_per_voxel=COMPENSATION_BYTES,
                run=run,
            )


def needs(spec: VolumeSpec, predicted: int, config: PostprocessConfig) -> dict[str, Need]:
    """What both passes take, for scores of `spec` and a prediction of so many bytes a voxel."""
    largest = config.sigma if config.sigma is not None else config.sigma_range[1]
    halo = Halo.of(compensation_halo(largest)).width
    size = spec.dtype.itemsize
    return {
        "fit": Need(size + predicted + 1, halo=halo, temporary=COMPENSATION_BYTES),
        "post-processed": Need(size + predicted, size, halo, temporary=COMPENSATION_BYTES),
    }


def check_pair(scores: Volume, predicted: Volume) -> None:
    """Refuse volumes that do not belong together."""
    if not holds_scores(scores.dtype) or scores.dtype.kind == "b":
        raise TypeError(f"{scores.path} must hold scores, uint8 or float16, got {scores.dtype}")
    wide = predicted.dtype.kind == "u" and predicted.dtype.itemsize <= 2
    if not (wide or predicted.dtype.kind == "f"):
        raise TypeError(
            f"{predicted.path} must hold a prediction, uint8, uint16 or floats, "
            f"got {predicted.dtype}"
        )
    if predicted.shape != scores.shape:
        raise ValueError(
            f"the prediction must have the scores' shape {scores.shape}, got {predicted.shape}"
        )


def fit_compensation(
    scores: Volume,
    predicted: Volume,
    *,
    inside: Volume | None = None,
    config: PostprocessConfig | None = None,
    work: Path | None = None,
    run: Run | None = None,
) -> Compensation:
    """λ* and σ* of eq. 3, over all voxels that count.

    Parameters
    ----------
    scores, predicted, inside, config, run
        As in `postprocess_scores`.
    work
        Folder in which finished blocks are remembered.
    """
    config = config or PostprocessConfig()
    check_pair(scores, predicted)
    if inside is not None and inside.shape != scores.shape:
        raise ValueError(f"inside must have the scores' shape {scores.shape}, got {inside.shape}")
    volumes = (scores, predicted) if inside is None else (scores, predicted, inside)
    search = _Search(volumes, config, work, run or Run())
    sigma = config.sigma if config.sigma is not None else search.best_sigma()
    fit = search.at(sigma)
    return Compensation(
        fit.weight,
        sigma,
        fit.mean_l1,
        search.mean_score,
        tuple({"sigma_voxels": s, **vars(search.known[s])} for s in sorted(search.known)),
        tuple(_warnings(fit, sigma, config)),
    )


def _warnings(fit: Fit, sigma: float, config: PostprocessConfig) -> list[str]:
    found = []
    if fit.weight == 0:
        found.append(
            "At least half of the smoothed slope of the prediction stands where the score is 0: "
            "the best weight is 0, and post-processing leaves the scores as they are."
        )
    low, high = config.sigma_range
    if config.sigma is None and not low * 1.02 < sigma < high / 1.02:
        found.append(
            f"The best Gaussian, {sigma:.3g} voxels, lies at the end of the range of "
            f"{low:g} to {high:g} voxels; a wider range may hold a better one."
        )
    return found


class _Search:
    """The passes over the volume, and what is known after them."""

    def __init__(
        self,
        volumes: tuple[Volume, ...],
        config: PostprocessConfig,
        work: Path | None,
        run: Run,
    ) -> None:
        self.known: dict[float, Fit] = {}
        self.mean_score = float("nan")
        self._volumes = volumes
        self._config, self._work, self._run = config, work, run

    def best_sigma(self) -> float:
        """Two passes, then a bounded minimiser on what they found."""
        low, high = self._config.sigma_range
        count = self._config.sigmas
        coarse = np.geomspace(low, high, count).tolist()
        self._measure(coarse)
        best = min(range(count), key=lambda k: self.known[coarse[k]].mean_l1)
        left, right = coarse[max(0, best - 1)], coarse[min(count - 1, best + 1)]
        self._measure(np.geomspace(left, right, count + 2).tolist())
        return self._interpolated(left, right)

    def at(self, sigma: float) -> Fit:
        """The best weight for one Gaussian."""
        self._measure([sigma])
        return self.known[sigma]

    def _interpolated(self, left: float, right: float) -> float:
        """The minimum of a spline in log σ through what is known between two σ."""
        from scipy.interpolate import CubicSpline
        from scipy.optimize import minimize_scalar

        near = [s for s in sorted(self.known) if left <= s <= right]
        values = [self.known[s].mean_l1 for s in near]
        spline = CubicSpline(np.log(near), values)
        best = int(np.argmin(values))
        bounds = np.log([near[max(0, best - 1)], near[min(len(near) - 1, best + 1)]])
        found = minimize_scalar(spline, bounds=tuple(bounds), method="bounded")
        return near[best] if found.fun >= values[best] else float(np.exp(found.x))

    def _measure(self, sigmas: list[float]) -> None:
        """One pass for those of `sigmas` that are not known yet."""
        new = [sigma for sigma in sigmas if sigma not in self.known]
        if not new:
            return
        halo = compensation_halo(max(new))
        found = reduce_blocks(
            _SUMS,
            self._volumes,
            halo=Halo.of(halo, pad="symmetric"),
            parameters={"sigmas": new, "halo_width": halo},
            journal=self._work and self._work / f"fit {len(self.known)}",
            bytes_per_voxel=COMPENSATION_BYTES,
            run=self._run,
        )
        self._check(found["bad"])
        sums, voxels = found["sums"], int(found["voxels"])
        if not voxels:
            raise ValueError(f"{self._volumes[2].path} must not be 0 everywhere: no voxel counts")
        if not sums[:, 1].any():
            raise ValueError(
                f"{self._volumes[1].path} must vary: the derivative of the prediction is 0 "
                "everywhere, and explains no score"
            )
        self.mean_score = fit_weight(sums[0], voxels, weight=0.0).mean_l1
        for sigma, one in zip(new, sums, strict=True):
            self.known[sigma] = fit_weight(one, voxels, weight=self._config.weight)

    def _check(self, bad: NDArray[np.int64]) -> None:
        """Refuse values that no sum can hold."""
        scores, predicted = self._volumes[:2]
        if bad[0]:
            raise ValueError(f"{scores.path} must hold scores from 0 to 1, got NaN or others")
        if bad[1]:
            raise ValueError(
                f"{predicted.path} holds values that are no finite numbers (NaN or infinite)"
            )


@kernel("segment.chunk")
def _chunk(
    scores: NDArray[Any],
    predicted: NDArray[Any],
    inside: NDArray[Any] | None = None,
    *,
    sigmas: list[float],
    halo_width: int,
) -> dict[str, Any]:
    bad = np.array([count_invalid(scores), np.count_nonzero(~np.isfinite(predicted))], np.int64)
    middle = (slice(halo_width, -halo_width),) * 3
    voxels = scores[middle].size if inside is None else np.count_nonzero(inside[middle])
    found: dict[str, Any] = {"bad": bad, "voxels": np.int64(voxels)}
    if bad.any():  # the driver refuses; nothing is worth adding up
        return found | {"sums": np.zeros((len(sigmas), 2, CLASSES), np.int64)}
    return found | {"sums": ratio_sums(scores, predicted, inside, sigmas=sigmas, halo=halo_width)}


def _add(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    return {name: a[name] + b[name] for name in a}


_SUMS = Reduction(_chunk, _add, lambda total: total)
