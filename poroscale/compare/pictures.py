"""Projections of pores, two-point probabilities and surfaces, window by window along z."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.compare.sample import Sample
from poroscale.engine import Halo, Reduction, Run, reduce_blocks
from poroscale.kernels.scattering import Coefficients, scattering_coefficients
from poroscale.volume import PHASES, Index

Floats = NDArray[np.float64]
PORE = PHASES["pore"]
LAGS = 32
"""Voxels up to which the two-point probability is followed."""
LEAST = 16
"""Rows and columns that four octaves of wavelets need."""
MOST = 48
"""Windows of a kind that are looked at, evenly spread: more tell little."""
AXES = ("x", "y", "z")


@dataclass(frozen=True)
class Projections:
    """Pore voxels summed along each axis.

    Attributes
    ----------
    along_x, along_y
        (z, y) and (z, x).
    along_z
        (windows, y, x): one picture for each window along z.
    """

    along_x: Floats
    along_y: Floats
    along_z: Floats


def project(sample: Sample, window: int, run: Run) -> Projections:
    """The projections of a part, with windows of so many layers."""
    z, y, x = sample.phases.shape
    windows = max(1, z // window)
    parts = reduce_blocks(
        Reduction(_sum_pores, _chain, _listed, located=True),
        sample.phases,
        parameters={"window": window},
        bytes_per_voxel=3.0,
        run=run,
    )
    found = Projections(np.zeros((z, y)), np.zeros((z, x)), np.zeros((windows, y, x)))
    for part in parts:
        oz, oy, ox = (int(value) for value in part["origin"])
        nz, ny, nx = (int(value) for value in part["shape"])
        found.along_x[oz : oz + nz, oy : oy + ny] += part["x"]
        found.along_y[oz : oz + nz, ox : ox + nx] += part["y"]
        for number, picture in zip(part["windows"], part["z"], strict=True):
            found.along_z[min(int(number), windows - 1), oy : oy + ny, ox : ox + nx] += picture
    return found


def _sum_pores(block: NDArray[np.uint8], *, origin: Index, window: int) -> dict[str, NDArray[Any]]:
    pore = block == PORE
    layers = (origin[0] + np.arange(block.shape[0])) // window
    numbers = np.unique(layers)
    return {
        "origin": np.array(origin),
        "shape": np.array(block.shape),
        "x": pore.sum(axis=2, dtype=np.uint16),
        "y": pore.sum(axis=1, dtype=np.uint16),
        "windows": numbers,
        "z": np.stack([pore[layers == number].sum(axis=0, dtype=np.uint16) for number in numbers]),
    }


def _chain(a: Any, b: Any) -> Any:
    return [*(a if isinstance(a, list) else [a]), b]


def _listed(gifts: Any) -> list[Mapping[str, NDArray[Any]]]:
    return gifts if isinstance(gifts, list) else [gifts]


def two_point(sample: Sample, run: Run) -> dict[str, Floats]:
    """Two-point probability of the pores along each axis, (LAGS + 1,) each.

    The probability that two points of the part at this lag both lie in a pore; pairs of which one
    is outside the part do not count.
    """
    sums = reduce_blocks(
        Reduction(_count_pairs, _added, dict),
        sample.phases,
        halo=Halo((LAGS, LAGS, LAGS), pad=0),
        bytes_per_voxel=4.0,
        run=run,
    )
    share = sums["pore"] / np.maximum(sums["part"], 1)
    return {axis: share[2 - i] for i, axis in enumerate(AXES)}


def _count_pairs(block: NDArray[np.uint8]) -> dict[str, NDArray[np.int64]]:
    found = {"pore": np.zeros((3, LAGS + 1), np.int64), "part": np.zeros((3, LAGS + 1), np.int64)}
    core = tuple(slice(LAGS, n - LAGS) for n in block.shape)
    for name, mask in (("pore", block == PORE), ("part", block != 0)):
        here = mask[core]
        if not here.any():
            continue
        for axis in range(3):
            for lag in range(LAGS + 1):
                moved = list(core)
                moved[axis] = slice(core[axis].start + lag, core[axis].stop + lag)
                found[name][axis, lag] = np.count_nonzero(here & mask[tuple(moved)])
    return found


def _added(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    return {name: a[name] + b[name] for name in a}


@dataclass(frozen=True)
class Scattered:
    """Scattering coefficients of a set of pictures."""

    coefficients: tuple[Coefficients, ...]

    @property
    def logs(self) -> Floats:
        """(n, k) log coefficients."""
        return np.stack([each.log_vector() for each in self.coefficients])


def scatter_projections(
    projections: Sequence[Projections], window: int
) -> dict[str, Scattered | None]:
    """Coefficients of the three projections of every window; None for windows that are too thin."""
    pictures: dict[str, list[Floats]] = {axis: [] for axis in AXES}
    for each in projections:
        for start in range(0, len(each.along_x) - window + 1, window):
            pictures["x"].append(each.along_x[start : start + window])
            pictures["y"].append(each.along_y[start : start + window])
        pictures["z"] += list(each.along_z)
    return {axis: _scattered(found) for axis, found in pictures.items()}


def scatter_surfaces(samples: Sequence[Sample], window: int) -> Scattered | None:
    """Coefficients of the unrolled surfaces [um], in windows twice as wide as high."""
    pictures = []
    for sample in samples:
        if sample.surface is None:
            continue
        for heights in sample.surface.arrays()[0]:
            level = heights - heights.mean()
            across = min(2 * window, level.shape[1])
            pictures += [
                level[row : row + window, column : column + across].astype(np.float64)
                for row in range(0, level.shape[0] - window + 1, window)
                for column in range(0, level.shape[1] - across + 1, across)
            ]
    return _scattered(pictures)


def _scattered(pictures: Sequence[Floats]) -> Scattered | None:
    fit = [picture for picture in pictures if min(picture.shape) >= LEAST]
    if len(fit) < 2:
        return None
    fit = [fit[i] for i in np.unique(np.linspace(0, len(fit) - 1, MOST).astype(int))]
    return Scattered(tuple(scattering_coefficients(picture) for picture in fit))
