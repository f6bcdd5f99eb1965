"""Matching of the pores of a truth with those of a measurement.

From the voxels that they share:

- A truth pore is *found* when one measured pore covers at least a quarter of its voxels.
- A measured pore is *true* when at least a quarter of its voxels lie in truth pores.
- Sizes and places are compared for the pairs of which each shares most with the other.

Or, where there are no labels, from their centroids alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]

ENOUGH = 0.25
_LABEL_BITS = 32


@dataclass(frozen=True)
class Matches:
    """Rows of the two tables that belong together.

    Attributes
    ----------
    found, true : ndarray of bool
        True for each truth pore, and for each measured pore, that has a partner.
    pairs : ndarray of int64, shape (n, 2)
        Rows (truth, measured) whose volume and centroid are compared.
    merged, split : int
        Measured pores that cover several truth pores; truth pores that several measured cover.
    """

    found: NDArray[np.bool_]
    true: NDArray[np.bool_]
    pairs: IntArray
    merged: int = 0
    split: int = 0


@dataclass(frozen=True)
class Bodies:
    """The pores of one label volume: their labels, and how many voxels each has."""

    labels: NDArray[Any]
    voxels: NDArray[Any]


def shared_voxels(truth: NDArray[Any], measured: NDArray[Any]) -> IntArray:
    """Pairs of labels that meet in a voxel, and in how many; int64 (n, 3), sorted.

    Parameters
    ----------
    truth, measured
        Labels of one shape, 0 where there is no pore, below 2**31.
    """
    both = (truth > 0) & (measured > 0)
    keys = (truth[both].astype(np.int64) << _LABEL_BITS) | measured[both].astype(np.int64)
    unique, counts = np.unique(keys, return_counts=True)
    return _unpacked(unique, counts)


def add_shared(parts: Iterable[IntArray]) -> IntArray:
    """The pairs of several boxes together; int64 (n, 3), sorted."""
    every = np.concatenate([np.zeros((0, 3), np.int64), *parts])
    keys = (every[:, 0] << _LABEL_BITS) | every[:, 1]
    unique, place = np.unique(keys, return_inverse=True)
    counts = np.zeros(len(unique), np.int64)
    np.add.at(counts, place.ravel(), every[:, 2])
    return _unpacked(unique, counts)


def _unpacked(keys: IntArray, counts: IntArray) -> IntArray:
    return np.column_stack([keys >> _LABEL_BITS, keys & ((1 << _LABEL_BITS) - 1), counts])


def match_by_overlap(truth: Bodies, measured: Bodies, shared: IntArray) -> Matches:
    """Match the pores of two label volumes by `shared`, the voxels they share."""
    t = _rows(truth.labels, shared[:, 0])
    m = _rows(measured.labels, shared[:, 1])
    known = (t >= 0) & (m >= 0)
    t, m, counts = t[known], m[known], shared[known, 2]
    covers = counts >= ENOUGH * truth.voxels[t]
    found = np.zeros(len(truth.labels), bool)
    found[t[covers]] = True
    inside = np.bincount(m, weights=counts, minlength=len(measured.labels))
    mutual = _largest(t, counts) & _largest(m, counts)
    return Matches(
        found,
        inside >= ENOUGH * measured.voxels,
        np.column_stack([t, m])[mutual],
        merged=int((np.bincount(m[covers]) > 1).sum()),
        split=int((np.bincount(t) > 1).sum()),
    )


def match_by_centroid(
    places: NDArray[np.float64], reach: NDArray[np.float64], measured: NDArray[np.float64]
) -> Matches:
    """Match pores one to one, nearest pairs first.

    Parameters
    ----------
    places
        Centroids of the truth, shape (n, 3).
    reach
        Greatest distance of each from the centroid of its pore, shape (n,).
    measured
        Centroids that were measured, shape (m, 3).
    """
    from scipy.spatial import cKDTree

    found, true = np.zeros(len(places), bool), np.zeros(len(measured), bool)
    pairs: list[tuple[int, int]] = []
    if len(places) and len(measured):
        near = cKDTree(measured).query_ball_point(places, reach)
        t = np.repeat(np.arange(len(places)), [len(n) for n in near])
        m = np.array([k for n in near for k in n], np.int64)
        distance = np.linalg.norm(places[t] - measured[m], axis=1)
        for k in np.argsort(distance, kind="stable"):
            if not (found[t[k]] or true[m[k]]):
                found[t[k]] = true[m[k]] = True
                pairs.append((int(t[k]), int(m[k])))
    return Matches(found, true, np.array(pairs, np.int64).reshape(-1, 2))


def _rows(numbers: NDArray[Any], wanted: IntArray) -> IntArray:
    """Row of each wanted number, -1 where the table has none."""
    if not len(numbers):
        return np.full(len(wanted), -1)
    order = np.argsort(numbers)
    place = np.minimum(np.searchsorted(numbers[order], wanted), len(numbers) - 1)
    return np.where(numbers[order][place] == wanted, order[place], -1)


def _largest(groups: IntArray, counts: IntArray) -> NDArray[np.bool_]:
    """True for the first entry with the largest count of its group."""
    best = np.zeros(len(groups), bool)
    order = np.lexsort((np.arange(len(groups)), -counts, groups))
    starts = np.ones(len(order), bool)
    starts[1:] = groups[order][1:] != groups[order][:-1]
    best[order[starts]] = True
    return best
