"""Curves of both sides over lag or length, with those of sub-volumes of the original.

Counts add up: a curve is computed from the summed counts of the blocks or windows that it is of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.compare.config import CompareConfig
from poroscale.compare.sample import Sample
from poroscale.compare.voxels import CODED, Streamed
from poroscale.kernels.phases.chords import PART, PHASES, WHOLE
from poroscale.kernels.phases.joined_chords import WindowChords
from poroscale.statistics.morphology import path_of_chords
from poroscale.statistics.samples.distances import halves, ratio_of
from poroscale.statistics.two_point import Pairs, count_pairs
from poroscale.volume import PHASES as VALUES
from poroscale.volume import VoxelSize

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Numbers = NDArray[np.int64]
CurveOf = Callable[[Numbers], Floats]
"""The curve of the windows or blocks of the original with some numbers."""
Found = tuple[dict[str, Any], CurveOf] | None
"""The curves of both sides, and how to compute that of some windows of the original."""

SUB_VOLUMES = 8
"""Sub-volumes of the original whose curves are shown beside its own, at most."""
FINE = 8
"""Lengths of chords that are classes of their own [voxels]; longer classes grow with the length."""
GROWTH = 1.2
"""Ratio of the lengths at which long classes begin: long chords are rare, one by one noise."""
PORE, SOLID = CODED.code(VALUES["pore"]), CODED.count - 1


@dataclass(frozen=True)
class Direction:
    """Axes whose chords are counted together; all have one voxel edge `step` [um]."""

    name: str
    axes: tuple[int, ...]
    step: float


def two_point_curves(
    reference: Sequence[Sample], generated: Sequence[Sample], config: CompareConfig
) -> dict[str, Any]:
    """S2 of both sides, and root mean square differences, also between halves of the original.

    Empty where voxels are no cubes.
    """
    volumes = [sample.phases for sample in (*reference, *generated)]
    size = volumes[0].voxel_size
    if max(size) > 1.001 * min(size):
        return {}
    shortest = min(min(volume.shape) for volume in volumes)
    lag = max(1, min(round(config.lag_um / size[0]), shortest // 2, 64))
    a, b = (
        _pool([count_pairs(sample.phases, lag) for sample in side])
        for side in (reference, generated)
    )
    curves = [a.probability(), b.probability()]
    found = {
        "lag_um": [k * size[0] for k in range(lag + 1)],
        "reference": curves[0].tolist(),
        "generated": curves[1].tolist(),
        "difference": _rms(*curves),
    }
    filled = np.flatnonzero(a.pore[:, 0] + a.part[:, 0] > 0)
    pooled = Pairs(a.pore[filled], a.part[filled])
    spread = _spread(
        pooled.probability, len(filled), found["difference"], config.splits, config.seed
    )
    return found | s2_of_sub_volumes(pooled) | spread


def s2_of_sub_volumes(pairs: Pairs) -> dict[str, Any]:
    """The lowest and the highest S2 of the original's own sub-volumes, by lag.

    Sub-volumes are blocks that follow one another along z, all of the same number.
    """
    return _of_sub_volumes(pairs.probability, len(pairs.pore), len(pairs.pore) // 2)


def curve_rows(
    reference: Sequence[Streamed],
    generated: Sequence[Streamed],
    voxel_size: VoxelSize,
    *,
    splits: int,
    seed: int,
) -> list[dict[str, Any]]:
    """Lineal path of the pores and chord lengths of pores and solid, along z and across.

    Curves of the two sides are those of `poroscale stats`, of all volumes of a side together. A
    sub-volume is some windows that follow one another. Chords along z have their whole length in
    it, also those that began in the window below; lines of the lineal path lie within one window.

    Parameters
    ----------
    reference, generated
        Streams of the volumes of either side.
    voxel_size
        Of all volumes [um].
    splits, seed
        Ways to deal the windows of the original into two halves.

    Returns
    -------
    list of dict
        `statistic`, `phase`, `axis` ("z", and "across" for y and x together, or "y" and "x" where
        their voxel edges differ); `lag_um`, and by lag `reference`, `generated`, `lowest` and
        `highest` of `sub_volumes` sub-volumes of the reference; `difference`, root mean square over
        the lags, `halves`, the same between two halves of the reference, and `ratio`. Densities are
        in 1/um. A curve that no pore gives is left out.
    """
    sides = [[w for each in side for w in each.chords] for side in (reference, generated)]
    layers, windows = min(each.layers for each in (*reference, *generated)), len(sides[0])
    rows = []
    for direction in _directions(voxel_size):
        found = [
            _lineal_path(sides, direction, most=layers),
            _chord_density(sides, direction, "pore", PORE),
            _chord_density(sides, direction, "solid", SOLID),
        ]
        for row, of_windows in filter(None, found):
            difference = _rms(np.array(row["reference"]), np.array(row["generated"]))
            band = _of_sub_volumes(of_windows, windows, windows)
            spread = _spread(of_windows, windows, difference, splits, seed)
            rows.append(row | {"difference": difference} | spread | band)
    return rows


def _directions(size: VoxelSize) -> Iterator[Direction]:
    z, y, x = size
    yield Direction("z", (0,), z)
    if np.isclose(y, x, rtol=1e-3):
        yield Direction("across", (1, 2), x)
    else:
        yield Direction("y", (1,), y)
        yield Direction("x", (2,), x)


def _lineal_path(
    sides: Sequence[Sequence[WindowChords]], direction: Direction, *, most: int
) -> Found:
    """Lineal path of the pores; along z up to the `most` layers that every window has."""

    def curve(windows: Sequence[WindowChords], lags: int, *, within: bool) -> Floats:
        pores, part = (
            _added([t[c] for t in _tables(windows, kind, direction.axes, within=within)])
            for kind, c in ((PHASES, PORE), (PART, 0))
        )
        return _fitted(path_of_chords(pores, part), lags)

    longest = max(_longest(_tables(side, PHASES, direction.axes), PORE) for side in sides)
    if not longest:
        return None
    lags = min(longest + 1, most) if direction.name == "z" else longest + 1
    ours = sides[0]
    row = {
        "statistic": "lineal_path",
        "phase": "pore",
        "axis": direction.name,
        "lag_um": (np.arange(lags) * direction.step).tolist(),
        "reference": curve(ours, lags, within=False).tolist(),
        "generated": curve(sides[1], lags, within=False).tolist(),
    }
    return row, lambda chosen: curve([ours[k] for k in chosen], lags, within=True)


def _chord_density(
    sides: Sequence[Sequence[WindowChords]], direction: Direction, phase: str, code: int
) -> Found:
    """Density of the lengths of the chords of a phase that no edge cuts."""
    lengths = [
        [_added([t[code] for t in _tables([w], PHASES, direction.axes)])[WHOLE] for w in side]
        for side in sides
    ]
    longest = max(int(np.flatnonzero(w).max(initial=0)) for side in lengths for w in side)
    if not longest:
        return None
    classes = length_classes(longest)
    curves = [partial(_density, side, classes, direction.step) for side in lengths]
    every = [np.arange(len(side)) for side in lengths]
    middles = 0.5 * (classes[1:] + classes[:-1] - 1) * direction.step
    row = {
        "statistic": "chord_density",
        "phase": phase,
        "axis": direction.name,
        "lag_um": middles.tolist(),
        "reference": curves[0](every[0]).tolist(),
        "generated": curves[1](every[1]).tolist(),
    }
    return row, curves[0]


def length_classes(longest: int) -> Counts:
    """Lengths at which classes of chords begin, up to `longest`, and one more than the last ends.

    int64 (classes + 1,) [voxels]: single lengths up to `FINE`, and then classes that grow.
    """
    starts = list(range(1, min(FINE, longest) + 2))
    while starts[-1] <= longest:
        starts.append(max(starts[-1] + 1, round(GROWTH * starts[-1])))
    return np.array(starts)


def _density(windows: Sequence[Counts], classes: Counts, step: float, chosen: Numbers) -> Floats:
    """Probability density of lengths by class [1/um]; NaN of windows without a chord."""
    counts = _added([windows[k] for k in chosen])
    below = np.concatenate([[0], np.cumsum(counts)])
    inside = np.diff(below[np.minimum(classes, len(counts))])
    total = inside.sum()
    if not total:
        return np.full(len(inside), np.nan)
    return np.asarray(inside / (total * step * np.diff(classes)))


def _tables(
    windows: Sequence[WindowChords], kind: str, axes: Sequence[int], *, within: bool = False
) -> list[Counts]:
    return [w.within[kind][k] if within else w.chords(kind, k) for w in windows for k in axes]


def _longest(tables: Sequence[Counts], code: int) -> int:
    return max(int(np.flatnonzero(table[code].sum(axis=0)).max(initial=0)) for table in tables)


def _added(tables: Sequence[Counts]) -> Counts:
    """The sum of histograms over lengths along the last axis, which may differ in number."""
    most = max(table.shape[-1] for table in tables)
    total = np.zeros((*tables[0].shape[:-1], most), np.int64)
    for table in tables:
        total[..., : table.shape[-1]] += table
    return total


def _fitted(curve: Floats, count: int) -> Floats:
    """The first `count` values; NaN beyond the end."""
    found = np.full(count, np.nan)
    found[: len(curve)] = curve[:count]
    return found


def _of_sub_volumes(curve: CurveOf, count: int, most: int) -> dict[str, Any]:
    """Lowest and highest of the curves of at most `most` groups of neighbours among `count`."""
    groups = min(SUB_VOLUMES, most)
    if groups < 2:
        return {"sub_volumes": 0}
    curves = np.array([curve(group) for group in np.array_split(np.arange(count), groups)])
    low, high = np.fmin.reduce(curves), np.fmax.reduce(curves)
    return {"sub_volumes": groups, "lowest": low.tolist(), "highest": high.tolist()}


def _spread(
    curve: CurveOf, count: int, difference: float, splits: int, seed: int
) -> dict[str, float]:
    """Root mean square between two halves of the original, and the ratio of a difference to it."""
    apart = [
        _rms(curve(one), curve(other))
        for one, other in halves(count, splits=splits, seed=seed)
        if len(one)
    ]
    known = [each for each in apart if np.isfinite(each)]
    within = float(np.mean(known)) if known else float("nan")
    return {"halves": within, "ratio": ratio_of(difference, within)}


def _pool(pairs: Sequence[Pairs]) -> Pairs:
    return Pairs(
        np.concatenate([each.pore for each in pairs]), np.concatenate([each.part for each in pairs])
    )


def _rms(a: Floats, b: Floats) -> float:
    """Root mean square difference where both are known; NaN where nothing is."""
    squares = (a - b) ** 2
    known = np.isfinite(squares)
    return float(np.sqrt(squares[known].mean())) if known.any() else float("nan")
