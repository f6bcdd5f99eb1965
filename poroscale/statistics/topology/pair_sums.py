"""Pairs of birth and death with their numbers, summed over blocks in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from poroscale.kernels.topology.order_keys import values_of_keys

Int64 = NDArray[np.int64]

MOST = 1 << 22
"""Different pairs that are listed; the shortest ones are left out first."""


def unique_pairs(pairs: Int64) -> Int64:
    """Rows birth, death and number of the different pairs (2, p), ascending."""
    return _merged(np.vstack([pairs, np.ones(pairs.shape[1], np.int64)]))


def alive_by_level(pairs: Int64, levels: Int64) -> Int64:
    """How many more pairs are alive at each level than at the one before; (levels + 1,).

    `pairs` has the rows birth, death and number. A pair is alive where birth <= level < death.
    """
    births, deaths = (np.searchsorted(levels, keys, side="left") for keys in pairs[:2])
    n = len(levels) + 1
    change = np.zeros(n, np.int64)
    np.add.at(change, births, pairs[2])
    np.add.at(change, deaths, -pairs[2])
    return change


@dataclass(frozen=True)
class PairTable:
    """The different pairs of a diagram.

    Attributes
    ----------
    birth, death
        (n,) values, ascending by birth, then by death.
    count
        int64 (n,) how many pairs have them.
    total
        Number of all pairs, also of those that are not listed.
    cut
        Pairs whose persistence is at most this are not listed; 0 if all are.
    """

    birth: NDArray[Any]
    death: NDArray[Any]
    count: Int64
    total: int
    cut: float

    @property
    def listed(self) -> int:
        """Number of the pairs in the table."""
        return int(self.count.sum())


@dataclass
class PairSum:
    """Pairs of all blocks so far, as keys.

    Attributes
    ----------
    dtype
        Type of the values.
    most
        Different pairs that are kept.
    """

    dtype: np.dtype[Any]
    most: int = MOST
    total: int = 0
    cut: float = 0.0
    _kept: Int64 = field(default_factory=lambda: np.empty((3, 0), np.int64))
    _new: list[Int64] = field(default_factory=list)
    _waiting: int = 0

    def add(self, pairs: Int64) -> None:
        """Add rows of birth, death and number."""
        self.total += int(pairs[2].sum())
        if self.cut:
            pairs = pairs[:, _persistence(pairs, self.dtype) > self.cut]
        self._new.append(pairs)
        self._waiting += pairs.shape[1]
        if self._waiting > max(1 << 16, self._kept.shape[1] // 2):
            self._merge()

    def table(self) -> PairTable:
        """All that was added."""
        self._merge()
        birth, death = (values_of_keys(keys, self.dtype) for keys in self._kept[:2])
        return PairTable(birth, death, self._kept[2], self.total, self.cut)

    def _merge(self) -> None:
        self._kept = _merged(np.concatenate([self._kept, *self._new], axis=1))
        self._new, self._waiting = [], 0
        if self._kept.shape[1] > self.most:
            # The cut of some pairs is never above that of all: what falls here is not listed.
            length = _persistence(self._kept, self.dtype)
            self.cut = float(np.partition(length, -self.most - 1)[-self.most - 1])
            self._kept = self._kept[:, length > self.cut]


def _persistence(pairs: Int64, dtype: DTypeLike) -> NDArray[np.float64]:
    birth, death = (values_of_keys(keys, dtype).astype(np.float64) for keys in pairs[:2])
    return death - birth


def _merged(pairs: Int64) -> Int64:
    """Equal pairs as one, with the sum of their numbers."""
    if not pairs.shape[1]:
        return pairs
    pairs = pairs[:, np.lexsort((pairs[1], pairs[0]))]
    starts = np.flatnonzero(np.append(True, (np.diff(pairs[:2], axis=1) != 0).any(axis=0)))
    return np.vstack([pairs[:2, starts], np.add.reduceat(pairs[2], starts)])
