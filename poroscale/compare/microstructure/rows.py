"""Rows of the comparison: a difference beside the spread of the reference, and what it says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from poroscale.compare.microstructure.measures import Floats, MeasureKey, SampleMeasures

WITHIN, BEYOND, UNKNOWN, ALONE = "within", "beyond", "cannot tell", "no reference"
NEGLIGIBLE = 0.01
"""Differences below this share of the measure are within, however even the reference is."""
WORDS = {
    "fraction": ("Fraction", ""),
    "surface_crofton_per_um": ("Surface, Crofton's formula", "1/µm"),
    "surface_s2_per_um": ("Surface, slope of S2", "1/µm"),
    "s2": ("S2, all directions", ""),
    "s2_axes": ("S2 along the axes", ""),
    "lineal_path": ("Lineal path", ""),
    "mean_chord_um": ("Mean chord", "µm"),
    "chord_density": ("Chord lengths", "1/µm"),
    "percolating_fraction": ("Percolating fraction", ""),
    "connected_fraction": ("Share of the largest cluster", ""),
    "c2": ("C2, in one cluster", ""),
    "betti_0": ("Components by distance", "1/µm³"),
    "betti_1": ("Handles by distance", "1/µm³"),
    "betti_2": ("Cavities by distance", "1/µm³"),
    "betti_0_of_phase": ("Components of the phase", "1/µm³"),
    "betti_1_of_phase": ("Handles of the phase", "1/µm³"),
    "betti_2_of_phase": ("Cavities of the phase", "1/µm³"),
    "thickness_mean_um": ("Local thickness, mean", "µm"),
    "thickness_std_um": ("Local thickness, deviation", "µm"),
    "diffusivity": ("Relative diffusivity", ""),
    "conductivity": ("Conductivity", "as the phases"),
    "permeability_um2": ("Permeability", "µm²"),
}
"""Words and unit of a measure; any other is shown by its name."""
OF_IMAGES = {
    "betti_0": ("Components by distance", "1/µm²"),
    "betti_1": ("Holes by distance", "1/µm²"),
    "betti_0_of_phase": ("Components of the phase", "1/µm²"),
    "betti_1_of_phase": ("Holes of the phase", "1/µm²"),
}
"""The same where samples are images."""


def phase_words(phase: int | None) -> str:
    """A phase in words."""
    return "all phases" if phase is None else f"phase {phase}"


def phases_in_order(rows: Iterable[Mapping[str, Any]]) -> list[int | None]:
    """Phases of rows by their numbers; the medium as a whole comes last."""
    found = {row["phase"] for row in rows}
    return sorted(found, key=lambda phase: (phase is None, phase))


def comparison_rows(
    reference: Sequence[SampleMeasures],
    generated: Sequence[SampleMeasures],
    *,
    dimensions: int,
    limit: float,
) -> list[dict[str, Any]]:
    """A row for each measure and phase that both sides have.

    Parameters
    ----------
    reference, generated
        Samples of either side.
    dimensions
        2 where samples are images.
    limit
        Largest ratio that counts as within.

    Returns
    -------
    list of dict
        `measure`, `words`, `unit`, `phase`, `dimensions`; `reference`, `reference_sd`, `generated`
        and `generated_sd`: means and standard deviations of the samples, None of curves;
        `difference`: root mean square of the difference of the means over axes or lags; `spread`:
        that of the standard deviation between samples of the reference; `ratio` of the two;
        `relative`: the difference over the root mean square of the measure; `verdict`.
    """
    rows = []
    for key in reference[0].values:
        if all(key in sample.values for sample in (*reference, *generated)):
            a, b = (np.stack([s.values[key] for s in side]) for side in (reference, generated))
            rows.append(named_row(key, dimensions) | _numbers(a, b) | compared(a, b, limit=limit))
    return rows


def rows_alone(samples: Sequence[SampleMeasures], *, dimensions: int) -> list[dict[str, Any]]:
    """Rows of what the generated volumes alone can show: single numbers, without curves."""
    rows = []
    for key in samples[0].values:
        values = np.stack([sample.values[key] for sample in samples])
        if values.shape[1] <= 3:
            numbers = _numbers(values, values)
            numbers |= {"reference": None, "reference_sd": None}
            nothing = dict.fromkeys(("difference", "spread", "ratio", "relative"))
            rows.append(named_row(key, dimensions) | numbers | nothing | {"verdict": ALONE})
    return rows


def named_row(key: MeasureKey, dimensions: int) -> dict[str, Any]:
    """What a row is about."""
    measure, phase = key
    words, unit = WORDS.get(measure, (measure, ""))
    if dimensions == 2:
        words, unit = OF_IMAGES.get(measure, (words, unit))
    return {
        "measure": measure,
        "words": words,
        "unit": unit,
        "phase": phase,
        "dimensions": dimensions,
    }


def _numbers(reference: Floats, generated: Floats) -> dict[str, float | None]:
    """Means over the axes and samples, and deviations between samples; None of curves."""
    found: dict[str, float | None] = {}
    for side, values in (("reference", reference), ("generated", generated)):
        short = values.shape[1] <= 3
        each = mean_known(values, 1)
        each = each[np.isfinite(each)]
        found[side] = float(each.mean()) if short and len(each) else None
        found[f"{side}_sd"] = float(each.std(ddof=1)) if short and len(each) > 1 else None
    return found


def compared(reference: Floats, generated: Floats, *, limit: float) -> dict[str, Any]:
    """Difference, spread, ratio and verdict of one measure.

    Parameters
    ----------
    reference, generated
        (samples, numbers) of either side; NaN where a sample has no such number.
    limit
        Largest ratio that counts as within.
    """
    known = np.isfinite(reference).any(0) & np.isfinite(generated).any(0)
    if not known.any():
        return dict.fromkeys(("difference", "spread", "ratio", "relative")) | {"verdict": UNKNOWN}
    a, b = reference[:, known], generated[:, known]
    mean = mean_known(a, 0)
    difference, size = rms(mean_known(b, 0) - mean), rms(mean)
    spread = _spread(a, mean)
    found = {
        "difference": difference,
        "spread": spread,
        "ratio": difference / spread if spread else None,
        "relative": difference / size if size else None,
    }
    return found | {"verdict": verdict_of(found, size=size, covered=_covered(a, b), limit=limit)}


def verdict_of(found: dict[str, Any], *, size: float, covered: bool, limit: float) -> str:
    """What a difference says beside the spread of the reference.

    Parameters
    ----------
    found
        `difference`, `spread` and `ratio`.
    size
        Root mean square of the measure of the reference.
    covered
        Whether samples of the generated side lie on both sides of the reference.
    limit
        Largest ratio that counts as within.
    """
    difference, spread, ratio = found["difference"], found["spread"], found["ratio"]
    if spread is None:
        return UNKNOWN
    if difference <= NEGLIGIBLE * size:
        return WITHIN
    if ratio is None:  # All samples of the reference have one value.
        return UNKNOWN if covered else BEYOND
    if ratio > limit:
        return BEYOND
    return UNKNOWN if spread >= size else WITHIN


def _covered(reference: Floats, generated: Floats) -> bool:
    low, high = np.nanmin(generated, 0), np.nanmax(generated, 0)
    mean = mean_known(reference, 0)
    return bool(((low <= mean) & (mean <= high)).all())


def _spread(values: Floats, mean: Floats) -> float | None:
    """Root mean square over the numbers of the standard deviation between samples."""
    counts = np.isfinite(values).sum(0)
    if counts.max() < 2:
        return None
    squares = np.nansum((values - mean) ** 2, 0) / np.maximum(counts - 1, 1)
    return float(np.sqrt(squares[counts > 1].mean()))


def mean_known(values: Floats, axis: int) -> Floats:
    """Means of what is not NaN; NaN where nothing is."""
    counts = np.isfinite(values).sum(axis)
    total = np.nansum(values, axis)
    return np.divide(total, counts, out=np.full(total.shape, np.nan), where=counts > 0)


def rms(values: Floats) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(values))))
