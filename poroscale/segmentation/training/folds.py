"""Division of the scans into those for training and those for validation.

Several scans are divided among the folds whole. One scan alone is cut into slabs along z, whose
ends are multiples of a cell; no patch crosses the end of a slab.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from poroscale.segmentation.training.cells import CELL
from poroscale.volume import Shape

USUAL = 5
"""Folds of the paper."""


class Region(NamedTuple):
    """Slices of one scan, which patches of its own do not leave."""

    scan: int
    low: int
    high: int


class Split(NamedTuple):
    """Scans for training, and those left out for validation."""

    training: tuple[Region, ...]
    validation: tuple[Region, ...]


def fold_count(shapes: Sequence[Shape], folds: int | None, edge: int) -> int:
    """Number of folds.

    Parameters
    ----------
    shapes
        Of the scans.
    folds
        Number asked for; None takes 5, or as many as there are scans or as fit the one scan.
    edge
        Of a patch, which a slab must hold [voxels].

    Raises
    ------
    ValueError
        If there cannot be as many.
    """
    if folds == 1:
        return 1
    many = len(shapes) > 1
    most = len(shapes) if many else _slabs(shapes[0][0], edge)
    if folds is None:
        if most < 2:
            raise ValueError(
                f"a scan of {shapes[0][0]} slices cannot be cut into slabs of {edge} for "
                "validation; give folds: 1 to train without"
            )
        return min(USUAL, most)
    if folds > most:
        held = (
            f"the number of scans, {most}"
            if many
            else f"the slabs of {edge} slices that the scan of {shapes[0][0]} holds, {most}"
        )
        raise ValueError(f"folds must be at most {held}, got {folds}")
    return folds


def split_of(shapes: Sequence[Shape], count: int, fold: int) -> Split:
    """The regions of one fold of `count`."""
    if len(shapes) > 1:
        wholes = [Region(scan, 0, shape[0]) for scan, shape in enumerate(shapes)]
        out = {scan for scan in range(len(shapes)) if count > 1 and scan % count == fold}
        return Split(
            tuple(each for each in wholes if each.scan not in out),
            tuple(each for each in wholes if each.scan in out),
        )
    slabs = slabs_of(shapes[0][0], count)
    if count == 1:
        return Split(slabs, ())
    low, high = slabs[fold].low, slabs[fold].high
    rest = (Region(0, 0, low), Region(0, high, shapes[0][0]))
    return Split(tuple(each for each in rest if each.low < each.high), (slabs[fold],))


def slabs_of(length: int, count: int) -> tuple[Region, ...]:
    """One scan in slabs of about equal height, each of whole cells but for the last one's rest."""
    ends = [CELL * round(i * length / count / CELL) for i in range(count)] + [length]
    return tuple(Region(0, low, high) for low, high in pairwise(ends))


def _slabs(length: int, edge: int) -> int:
    """The largest number of slabs each of which holds a patch."""
    for count in range(max(1, length // edge), 1, -1):
        if min(each.high - each.low for each in slabs_of(length, count)) >= edge:
            return count
    return 1
