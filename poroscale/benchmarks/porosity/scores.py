"""Scores of a method against the truth, scan by scan, and the table over many scans."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.benchmarks.porosity.methods import Found
from poroscale.benchmarks.table import markdown_table
from poroscale.kernels.bodies.matching import match_by_centroid
from poroscale.phantoms.known import KnownScan

CLASSES = {"> 6": (6.0, math.inf), "3-6": (3.0, 6.0)}
"""Classes of pores by the diameter of the ball of equal volume, in voxels."""
CLOSE, FAIR = 0.02, 0.1
HEADS = (
    "scans",
    "median error",
    "within 2 %",
    "within 10 %",
    "beyond x 2, of them warned",
    "fair, of them warned",
    "interval holds, half width",
    "part volume",
    *(f"volume of pores {name}" for name in CLASSES),
    *(f"found {name}" for name in CLASSES),
)


@dataclass(frozen=True)
class Score:
    """One method on one scan; JSON.

    Attributes
    ----------
    truth, porosity
        The porosity, and what was found; None if the method refused the scan.
    part
        Relative error of the part's volume; None after a refusal.
    low, high
        The interval, if there is one.
    warnings
        Warnings of the method.
    pores
        Class -> how many pores there are, and the relative errors of the volumes of those found.
    seconds
        Wall time.
    """

    case: str
    kind: str
    method: str
    truth: float
    porosity: float | None = None
    part: float | None = None
    low: float | None = None
    high: float | None = None
    warnings: Sequence[str] = ()
    pores: Mapping[str, tuple[int, Sequence[float]]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def error(self) -> float:
        """Relative error of the porosity; infinite after a refusal."""
        return math.inf if self.porosity is None else self.porosity / self.truth - 1

    @property
    def beyond(self) -> bool:
        """Wrong by more than a factor of two, or refused."""
        return self.porosity is None or not 0.5 <= self.porosity / self.truth <= 2

    @property
    def fair(self) -> bool:
        """Wrong by no more than a tenth."""
        return abs(self.error) <= FAIR

    @property
    def holds(self) -> bool | None:
        """True if the truth lies in the interval; None without an interval."""
        if self.low is None or self.high is None:
            return None
        return self.low <= self.truth <= self.high

    @property
    def half_width(self) -> float | None:
        """Half of the interval's width over the porosity found; None without one."""
        if self.low is None or self.high is None or not self.porosity:
            return None
        return (self.high - self.low) / 2 / self.porosity


def score(scan: KnownScan, found: Found, **named: Any) -> Score:
    """Compare what was found with the truth; `named` are `case`, `method`, `seconds`."""
    return Score(
        kind=scan.kind,
        truth=scan.porosity,
        porosity=float(found.porosity),
        part=float(found.part_volume) / scan.part_volume - 1,
        low=found.low,
        high=found.high,
        warnings=list(found.warnings),
        pores={} if scan.pores is None else pore_errors(scan.pores, found.pores),
        **named,
    )


def pore_errors(
    truth: NDArray[np.float64], measured: NDArray[np.float64]
) -> dict[str, tuple[int, list[float]]]:
    """For each class the number of pores, and the relative errors of the volumes of those found.

    A pore is found where a measured centroid lies within half its diameter, or 1.5 voxels if that
    is more, of its own; pairs are made one to one, nearest first.
    """
    diameters = np.cbrt(6 * truth[:, 0] / np.pi)
    reach = np.maximum(0.5 * diameters, 1.5)
    t, m = match_by_centroid(truth[:, 1:], reach, measured[:, 1:]).pairs.T
    errors = np.full(len(truth), np.nan)
    errors[t] = measured[m, 0] / truth[t, 0] - 1
    classes: dict[str, tuple[int, list[float]]] = {}
    for name, (low, high) in CLASSES.items():
        members = errors[(diameters > low) & (diameters <= high)]
        classes[name] = (len(members), members[~np.isnan(members)].tolist())
    return classes


def overall_table(scores: Sequence[Score]) -> str:
    """One row for each method."""
    return _table(scores, ("method",))


def kinds_table(scores: Sequence[Score]) -> str:
    """One row for each kind of scan and method."""
    return _table(scores, ("kind", "method"))


def _table(scores: Sequence[Score], by: tuple[str, ...]) -> str:
    """A row for each group, without the columns that no row fills."""
    rows = [(*key, *row(group)) for key, group in _grouped(scores, by)]
    columns = list(zip((*by, *HEADS), *rows, strict=True))
    heads, *cells = zip(*(column for column in columns if any(column[1:])), strict=True)
    return markdown_table(heads, cells)


def _grouped(
    scores: Sequence[Score], by: tuple[str, ...]
) -> list[tuple[tuple[str, ...], list[Score]]]:
    """Groups in the order in which they first occur; the rows of a kind stand together."""
    groups: dict[tuple[str, ...], list[Score]] = {}
    for each in scores:
        groups.setdefault(tuple(getattr(each, name) for name in by), []).append(each)
    firsts = list(dict.fromkeys(names[0] for names in groups))
    return sorted(groups.items(), key=lambda item: firsts.index(item[0][0]))


def row(scores: Sequence[Score]) -> tuple[str, ...]:
    """The cells under `HEADS`."""
    errors = [abs(each.error) for each in scores]
    beyond = [each for each in scores if each.beyond]
    fair = [each for each in scores if each.fair]
    parts = [each.part for each in scores if each.part is not None]
    found = {name: _of_class(scores, name) for name in CLASSES}
    return (
        str(len(scores)),
        _percent(float(np.median(errors))),
        _share(sum(error <= CLOSE for error in errors), len(scores)),
        _share(len(fair), len(scores)),
        f"{len(beyond)}, {sum(bool(each.warnings) for each in beyond)}",
        f"{len(fair)}, {sum(bool(each.warnings) for each in fair)}",
        _interval(scores),
        _bias([[part] for part in parts]),
        *(_bias([errors for _, errors in each if errors]) for each in found.values()),
        *(_share(sum(len(e) / n for n, e in each), len(each)) for each in found.values()),
    )


def _interval(scores: Sequence[Score]) -> str:
    held = [each.holds for each in scores if each.holds is not None]
    widths = [each.half_width for each in scores if each.half_width is not None]
    return f"{_share(sum(held), len(held))}, {_percent(float(np.median(widths)))}" if widths else ""


def _of_class(scores: Sequence[Score], name: str) -> list[tuple[int, Sequence[float]]]:
    """For each scan with pores of a class: how many there are, and the errors of those found."""
    each = [one.pores[name] for one in scores if name in one.pores]
    return [(there, errors) for there, errors in each if there]


def _percent(value: float) -> str:
    return f"{100 * value:.{1 if value < 1 else 0}f} %" if math.isfinite(value) else "refused"


def _share(some: float, whole: int) -> str:
    return f"{100 * some / whole:.0f} %" if whole else ""


def _bias(errors: Sequence[Sequence[float]]) -> str:
    """Median over scans of the median of each, with its sign and, in brackets, without."""
    if not errors:
        return ""
    signed = 100 * np.median([np.median(each) for each in errors])
    plain = 100 * np.median([np.median(np.abs(each)) for each in errors])
    return f"{signed:+.1f} ({plain:.1f}) %"
