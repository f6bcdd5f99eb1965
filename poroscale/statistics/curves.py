"""Curves of statistics in one long table: a row for each value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poroscale.storage.columns import read_columns, write_columns

COLUMNS = ("statistic", "phase", "axis", "lag_um", "value")
"""Columns: name of the statistic, phase value (two with a comma between them for a pair of phases),
axis ("z", "y", "x", "radial" for all directions, or none), lag, length or level, and value."""


@dataclass(frozen=True)
class Curve:
    """One curve.

    Attributes
    ----------
    statistic, phase, axis
        As in `COLUMNS`.
    lag, value
        float64 (n,): lags [um] and values.
    """

    statistic: str
    phase: str
    axis: str
    lag: NDArray[np.float64]
    value: NDArray[np.float64]


@dataclass
class Curves:
    """Curves in the order in which they were added."""

    found: list[Curve] = field(default_factory=list)

    def add(
        self, statistic: str, phase: int | str, axis: str, lag: ArrayLike, value: ArrayLike
    ) -> None:
        """Add a curve; values that are not defined are left out."""
        lags, values = np.asarray(lag, np.float64), np.asarray(value, np.float64)
        seen = np.isfinite(values)
        self.found.append(Curve(statistic, str(phase), axis, lags[seen], values[seen]))

    def of(self, statistic: str) -> Iterator[Curve]:
        """Curves of one statistic."""
        return (each for each in self.found if each.statistic == statistic)

    def columns(self) -> dict[str, NDArray[Any]]:
        """The table as arrays by column."""
        counts = [len(each.lag) for each in self.found]
        names = {
            name: np.repeat(np.array([getattr(c, name) for c in self.found], object), counts)
            for name in COLUMNS[:3]
        }
        empty = np.empty(0)
        return names | {
            "lag_um": np.concatenate([empty, *(each.lag for each in self.found)]),
            "value": np.concatenate([empty, *(each.value for each in self.found)]),
        }

    def write(self, path: Path, *, about: dict[str, Any]) -> Path:
        """Write the table as Parquet, with what it is about."""
        return write_columns(self.columns(), path, about=about)

    @classmethod
    def read(cls, path: Path) -> Curves:
        """Curves of a table that `write` has written."""
        table, _, _ = read_columns(path)
        found = cls()
        keys = list(zip(*(table[name] for name in COLUMNS[:3]), strict=True))
        for key in dict.fromkeys(keys):
            rows = np.array([k == key for k in keys])
            statistic, phase, axis = key
            found.found.append(
                Curve(statistic, phase, axis, table["lag_um"][rows], table["value"][rows])
            )
        return found
