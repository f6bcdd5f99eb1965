"""The weight and the Gaussian by which the surface explains most of the scores (eq. 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from poroscale.engine import Halo, Pass, Reduction, Run, reduce_pass
from poroscale.identity import kernel
from poroscale.kernels.learning.compensation import (
    CLASSES,
    Fit,
    compensation_halo,
    fit_weight,
    ratio_sums,
)
from poroscale.kernels.learning.score_levels import count_invalid, holds_scores
from poroscale.segmentation.scores.config import PostprocessConfig
from poroscale.statistics.sums import summed
from poroscale.volume import Volume

COMPENSATION_BYTES = 24.0
"""Temporary bytes per voxel: scores, prediction, slope and its smoothing in single precision."""


@dataclass(frozen=True)
class Compensation:
    """Results, and the way to them.

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
        Warnings for the reader.
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
    known = _Measured({}, float("nan"))
    if config.sigma is None:
        sigma, known = search.best_sigma(known)
    else:
        sigma = config.sigma
    known = search.measured(known, [sigma])
    fit = known.fits[sigma]
    return Compensation(
        fit.weight,
        sigma,
        fit.mean_l1,
        known.mean_score,
        tuple({"sigma_voxels": s, **vars(known.fits[s])} for s in sorted(known.fits)),
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


class _Measured(NamedTuple):
    """The best weight of each Gaussian that was tried, and the mean of the scores."""

    fits: Mapping[float, Fit]
    mean_score: float


@dataclass(frozen=True)
class _Search:
    """The passes over the volumes; what is known before and after them is handed on."""

    volumes: tuple[Volume, ...]
    config: PostprocessConfig
    work: Path | None
    run: Run

    def best_sigma(self, known: _Measured) -> tuple[float, _Measured]:
        """Two passes, then a bounded minimiser on what they found."""
        low, high = self.config.sigma_range
        count = self.config.sigmas
        coarse = np.geomspace(low, high, count).tolist()
        known = self.measured(known, coarse)
        best = min(range(count), key=lambda k: known.fits[coarse[k]].mean_l1)
        left, right = coarse[max(0, best - 1)], coarse[min(count - 1, best + 1)]
        known = self.measured(known, np.geomspace(left, right, count + 2).tolist())
        return _interpolated(known, left, right), known

    def measured(self, known: _Measured, sigmas: list[float]) -> _Measured:
        """Result of one pass for those of `sigmas` that are not known yet."""
        new = [sigma for sigma in sigmas if sigma not in known.fits]
        if not new:
            return known
        halo = compensation_halo(max(new))
        declared = fit_pass([volume.dtype for volume in self.volumes], max(new)).but(
            parameters={"sigmas": new, "halo_width": halo}
        )
        journal = self.work and self.work / f"fit {len(known.fits)}"
        found = reduce_pass(declared, self.volumes, journal=journal, run=self.run)
        sums, voxels = self._checked(found), int(found["voxels"])
        fits = {
            sigma: fit_weight(one, voxels, weight=self.config.weight)
            for sigma, one in zip(new, sums, strict=True)
        }
        mean_score = fit_weight(sums[0], voxels, weight=0.0).mean_l1
        return _Measured({**known.fits, **fits}, mean_score)

    def _checked(self, found: Mapping[str, Any]) -> NDArray[np.int64]:
        """The sums, if they are of values that a sum can hold, and tell a weight."""
        scores, predicted = self.volumes[:2]
        if found["bad"][0]:
            raise ValueError(f"{scores.path} must hold scores from 0 to 1, got NaN or others")
        if found["bad"][1]:
            raise ValueError(
                f"{predicted.path} holds values that are no finite numbers (NaN or infinite)"
            )
        if not int(found["voxels"]):
            raise ValueError(f"{self.volumes[2].path} must not be 0 everywhere: no voxel counts")
        sums: NDArray[np.int64] = found["sums"]
        if not sums[:, 1].any():
            raise ValueError(
                f"{predicted.path} must vary: the derivative of the prediction is 0 everywhere, "
                "and explains no score"
            )
        return sums


def _interpolated(known: _Measured, left: float, right: float) -> float:
    """The minimum of a spline in log σ through what is known between two σ."""
    from scipy.interpolate import CubicSpline
    from scipy.optimize import minimize_scalar

    near = [s for s in sorted(known.fits) if left <= s <= right]
    values = [known.fits[s].mean_l1 for s in near]
    spline = CubicSpline(np.log(near), values)
    best = int(np.argmin(values))
    bounds = np.log([near[max(0, best - 1)], near[min(len(near) - 1, best + 1)]])
    found = minimize_scalar(spline, bounds=tuple(bounds), method="bounded")
    return near[best] if found.fun >= values[best] else float(np.exp(found.x))


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


_SUMS = Reduction(_chunk, summed, lambda total: total)


def fit_pass(reads: Sequence[DTypeLike], sigma: float) -> Pass:
    """The pass over scores, prediction and a mask, for Gaussians up to `sigma` [voxels]."""
    return Pass(
        "fit",
        _SUMS,
        reads=tuple(reads),
        halo=Halo.of(compensation_halo(sigma), pad="symmetric"),
        temporary=COMPENSATION_BYTES,
    )
