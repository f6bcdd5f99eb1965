"""What a generator has come to after an epoch: fractions, S2, repetition, connectedness.

S2 is compared along the rows and columns of slices, as the critics see them. The volumes have
biases by which their fractions are right, as a fitted model has. A generator computes every
`cell`-th plane with the same numbers; whether they look alike shows in the autocorrelation at this
lag, less that of the images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poroscale.kernels.noise import tile_generator
from poroscale.microstructure.slicegan.biases import fitted_biases
from poroscale.microstructure.slicegan.crops import SliceCrops, Source
from poroscale.microstructure.slicegan.grey import LEVELS, fitted_levels
from poroscale.microstructure.slicegan.pairs import pair_shares, place_term
from poroscale.microstructure.slicegan.training import (
    SliceGan,
    one_hot,
    real_slices,
    slices_across,
)
from poroscale.networks.slicegan.generator import LEAST_LATENTS, SliceGanShape

JUDGED = 603
"""Stream of the latents of volumes that are looked at."""
EDGE = 64
"""Edge of a volume that is looked at, at least [voxels]: S2 of a smaller one is mostly chance."""
SAMPLED = 65_536
"""Voxels from which the biases of a look are fitted."""
LEAST = 1e-4
"""A fraction that biases are fitted to at least."""
S2, CORRELATION = "s2", "correlation"
"""Measures by which the best epoch is chosen: of phases, and of grey values."""


def wanted_pairs(crops: SliceCrops, shape: SliceGanShape, lags: int) -> dict[int, Tensor]:
    """By direction that has images, `pair_shares` of these images.

    Crops of the size of slices would tell them worse: S2 of some hundred crops is wrong by 0.01.
    """
    seen: dict[Source, list[tuple[int, Tensor]]] = {}
    for source in {each for sources in crops.sources for each in sources}:
        seen[source] = []
        for window in crops.windows(source):
            values = real_slices(torch.from_numpy(np.ascontiguousarray(window))[None], shape)
            found = pair_shares(values, lags)
            alike = found.mean(dim=0).expand_as(found) if crops.settings.turned else found
            seen[source].append((window.size, alike))
    return {
        axis: _weighted([part for each in sources for part in seen[each]])
        for axis, sources in enumerate(crops.sources)
        if sources
    }


def _weighted(parts: Sequence[tuple[int, Tensor]]) -> Tensor:
    """The mean of curves by the pixels they were counted from."""
    weights = torch.tensor([float(size) for size, _ in parts], dtype=torch.float64)
    curves = torch.stack([each.double() for _, each in parts])
    return (torch.tensordot(weights, curves, 1) / weights.sum()).float()


class SliceJudge:
    """Compares volumes of a generator with crops.

    Parameters
    ----------
    task
        The training.
    wanted
        By direction the pairs of the images, by `wanted_pairs`.
    """

    def __init__(self, task: SliceGan, wanted: Mapping[int, Tensor]) -> None:
        self._task, self._wanted = task, wanted
        curves = torch.stack(list(wanted.values()))
        self._lags = curves.shape[-1] - 1
        self._fractions = [max(LEAST, float(each)) for each in curves[..., 0].mean(dim=(0, 1))]

    def judge(self, count: int) -> dict[str, float]:
        """Measures of so many volumes; lower is better but for "connected" and "surface".

        Returns
        -------
        dict
            "fraction" is the largest difference of a fraction as the generator gives it. For the
            others it has biases, as a model has, by which the fractions are right: "s2" the root of
            the mean square of the differences of S2, "surface" the area of all surfaces beside that
            of the images, "repetition" the mean autocorrelation at the lag of a latent above that
            of the images, "places" the standard deviation of a fraction at the places within the
            voxels of a latent, chance left out, "connected" the least share of a phase in its
            largest cluster.
        """
        scores = judged_scores(self._task, count)
        plain = torch.bincount(scores.argmax(dim=1).flatten(), minlength=scores.shape[1])
        shares = plain / plain.sum()
        wrong = max(abs(a - b) for a, b in zip(shares.tolist(), self._fractions, strict=True))
        sample = scores.movedim(1, -1).reshape(-1, scores.shape[1])
        biases = fitted_biases(_some(sample.numpy()), self._fractions)
        phases = (scores + torch.tensor(biases).reshape(1, -1, 1, 1, 1)).argmax(dim=1)
        volumes = one_hot(phases, scores.shape[1])
        told = {"fraction": wrong, **self._curves(volumes)}
        told |= _places(volumes, self._task.judged.shape.cell)
        return told | {"connected": float(np.mean([_connected(each) for each in phases.numpy()]))}

    def _curves(self, volumes: Tensor) -> dict[str, float]:
        """What S2 along the axes tells."""
        squares, repeats, faces = [], [], []
        cell = self._task.judged.shape.cell
        for axis, wanted in self._wanted.items():
            found = pair_shares(slices_across(volumes, axis), self._lags)
            squares.append(float(((found - wanted)[:, :, 1:] ** 2).mean()))
            faces.append([float((each[..., 0] - each[..., 1]).sum()) for each in (found, wanted)])
            if cell <= self._lags:
                repeats.append(float((_decay(found, cell) - _decay(wanted, cell)).mean()))
        made, real = np.sum(faces, axis=0)
        told = {S2: float(np.sqrt(np.mean(squares))), "surface": float(made / max(real, 1e-9))}
        return told | ({"repetition": float(np.mean(repeats))} if repeats else {})


class GreyJudge:
    """Compares volumes of grey values with crops.

    Parameters
    ----------
    task
        The training.
    wanted
        By direction the products of pairs of the images, by `wanted_pairs`.
    counts
        Voxels of each level in the images.
    """

    def __init__(self, task: SliceGan, wanted: Mapping[int, Tensor], counts: Sequence[int]) -> None:
        self._task, self._wanted, self._counts = task, wanted, counts
        share, levels = np.array(counts) / sum(counts), np.arange(LEVELS) / (LEVELS - 1)
        self._mean = float((share * levels).sum())
        self._deviation = float(np.sqrt((share * (levels - self._mean) ** 2).sum()))

    def judge(self, count: int) -> dict[str, float]:
        """Measures of so many volumes; lower is better but for "deviation" and "slope".

        Returns
        -------
        dict
            "mean" is the difference of the mean grey as the generator gives it, in its whole range,
            and "deviation" the standard deviation beside that of the images. For the others the
            grey values have the histogram of the images, as a model's have: "correlation" is the
            root of the mean square of the differences of the autocorrelation, "slope" the mean
            square step between neighbours beside that of the images, "repetition" and
            "places" as of phases.
        """
        scores = judged_scores(self._task, count)
        plain = (torch.tanh(scores) + 1) / 2
        sample = scores.flatten().numpy()
        thresholds = fitted_levels(_some(sample), self._counts)
        levels = torch.bucketize(scores, torch.from_numpy(thresholds), right=True)
        told = {
            "mean": abs(float(plain.mean()) - self._mean),
            "deviation": float(plain.std()) / self._deviation,
        }
        volumes = levels.float() / (LEVELS - 1)
        return told | self._curves(volumes) | _places(volumes, self._task.judged.shape.cell)

    def _curves(self, volumes: Tensor) -> dict[str, float]:
        squares, repeats, slopes = [], [], []
        cell = self._task.judged.shape.cell
        for axis, wanted in self._wanted.items():
            lags = wanted.shape[-1] - 1
            found = pair_shares(slices_across(volumes, axis), lags)
            made, real = (self._correlation(each) for each in (found, wanted))
            squares.append(float(((made - real)[..., 1:] ** 2).mean()))
            slopes.append([float((1 - each[..., 1]).mean()) for each in (made, real)])
            if cell <= lags:
                repeats.append(float((made - real)[..., cell].mean()))
        made_slope, real_slope = np.sum(slopes, axis=0)
        told = {CORRELATION: float(np.sqrt(np.mean(squares)))}
        told["slope"] = float(made_slope / max(real_slope, 1e-9))
        return told | ({"repetition": float(np.mean(repeats))} if repeats else {})

    def _correlation(self, products: Tensor) -> Tensor:
        """Autocorrelation of mean products; the mean is that of the whole images."""
        return (products - self._mean**2) / (products[..., :1] - self._mean**2).clamp(min=1e-9)


def judged_scores(task: SliceGan, count: int) -> Tensor:
    """Scores (n, channels, z, y, x) of the same volumes each time, by frozen statistics."""
    generator = task.judged
    edge = max(task.latents, -(-EDGE // generator.shape.cell) + LEAST_LATENTS - 1)
    latents = [
        tile_generator(0, JUDGED, (number, 0, 0)).standard_normal(
            (1, task.config.latent, *(edge,) * 3), np.float32
        )
        for number in range(count)
    ]
    training = generator.training
    generator.eval()
    with torch.inference_mode():
        found = [generator.scores(torch.from_numpy(each).to(task.device)) for each in latents]
    generator.train(training)
    return torch.cat(found).float().cpu()


def _decay(curves: Tensor, lag: int) -> Tensor:
    """Autocorrelation at a lag; 0 where a phase is missing."""
    share = curves[:, :, 0]
    variance = share - share**2
    return torch.where(
        variance > 1e-6, (curves[:, :, lag] - share**2) / variance.clamp(min=1e-6), 0.0
    )


def _some(sample: NDArray[np.float32]) -> NDArray[np.float32]:
    """About `SAMPLED` voxels at an odd distance, so that all places within a latent are met."""
    return sample[:: len(sample) // SAMPLED | 1]


def _places(volumes: Tensor, cell: int) -> dict[str, float]:
    """Nothing of one volume, whose chance cannot be told."""
    if len(volumes) < 2:
        return {}
    return {"places": max(0.0, float(place_term(volumes, cell))) ** 0.5}


def _connected(phases: NDArray[np.integer[Any]]) -> float:
    """The least share of a phase in its largest cluster of faces."""
    from scipy.ndimage import label

    shares = []
    for code in np.unique(phases):
        labels, _ = label(phases == code)
        sizes = np.bincount(labels.ravel())[1:]
        shares.append(float(sizes.max() / sizes.sum()))
    return min(shares)
