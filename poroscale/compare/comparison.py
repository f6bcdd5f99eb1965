"""Original against generated parts, each number beside that of two halves of the original."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.compare.bivariate import overlap_row, pairs_of, points_of
from poroscale.compare.config import CompareConfig
from poroscale.compare.covariance import covariance_rows
from poroscale.compare.curves import curve_rows, two_point_curves
from poroscale.compare.pictures import SMALLEST, Scattered, scatter_views, scattering_row
from poroscale.compare.pore_values import MEASURES, Measure, Pores, pores_of_sample, values_of
from poroscale.compare.sample import Sample, check_samples, names_of
from poroscale.compare.surfaces import Surface
from poroscale.compare.voxels import Streamed, stream
from poroscale.compare.words import sides_in_words, summary
from poroscale.events import Described
from poroscale.statistics.samples.distances import (
    FEWEST,
    Values,
    bootstrap_interval,
    kolmogorov_smirnov,
    ratio_of,
    split_distances,
    wasserstein,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Side:
    """One side of a comparison: entry i of each belongs to volume i."""

    samples: Sequence[Sample]
    streams: Sequence[Streamed]
    surfaces: Sequence[Surface | None]
    pores: Sequence[Pores]

    def values(self, measure: Measure, clump: int) -> Values:
        """Values of a measure in all volumes of the side."""
        return values_of(measure, self.pores, self.streams, clump=clump)

    def points(self, pair: tuple[Measure, Measure]) -> tuple[Floats, NDArray[np.int64]]:
        """Points of a pair of measures in all volumes of the side, and their windows."""
        return points_of(self.pores, self.streams, pair)


@dataclass(frozen=True)
class Comparison(Described):
    """The result: numbers for a file, and what the figures are drawn from.

    Attributes
    ----------
    numbers
        JSON: `summary`, `sides`, `measures`, `scattering`, `covariance`, `bivariate`,
        `roughness`, `two_point`, `curves`, `parts`, `settings`.
    reference, generated
        Measurements of either side.
    scattered
        Coefficients by view.
    clump
        Voxel layers that count as one layer of the process.
    """

    numbers: dict[str, Any]
    reference: Side
    generated: Side
    scattered: dict[str, Scattered]
    clump: int

    def describe(self) -> Iterator[str]:
        """The verdict in a few lines."""
        yield from self.numbers["summary"]


def compare_samples(
    reference: Sequence[Sample],
    generated: Sequence[Sample],
    *,
    config: CompareConfig | None = None,
) -> Comparison:
    """Compare two sets of measured parts.

    Parameters
    ----------
    reference, generated
        Original and generated parts, at least one each, of one voxel size.
    config
        Windows, splits, intervals.

    Raises
    ------
    ValueError
        If a side is empty, a volume is on both sides, voxel sizes differ, a part has no pores, the
        volumes are too short to be halved, or nothing they have in common can be compared.
    """
    config = config or CompareConfig()
    check_samples(reference, generated)
    layers = window_layers(reference, generated, config.windows)
    first, second = (_read_side(side, layers) for side in (reference, generated))
    size = reference[0].phases.voxel_size
    voxel = size[0]
    clump = max(1, round(config.layer_um / voxel))
    measures = list(_measure_rows(first, second, clump, config))
    if not measures:
        raise ValueError(
            f"parts must have a measure of at least {FEWEST} values in common, got none"
        )
    names = names_of(reference, generated)
    scattered = scatter_views(
        (first.streams, second.streams), (first.surfaces, second.surfaces), longest=config.picture
    )
    dealt = {"splits": config.splits, "seed": config.seed}
    numbers: dict[str, Any] = {
        "measures": measures,
        "scattering": [scattering_row(view, found, **dealt) for view, found in scattered.items()],
        "covariance": covariance_rows(first.pores, second.pores, first.streams, **dealt),
        "bivariate": _bivariate(first, second, [row["name"] for row in measures], dealt),
        "roughness": _roughness(first, second),
        "two_point": two_point_curves(first.samples, second.samples, config),
        "curves": curve_rows(
            first.streams, second.streams, reference[0].phases.voxel_size, **dealt
        ),
        "parts": {"reference": _parts(first, names[0]), "generated": _parts(second, names[1])},
        "sides": sides_in_words(names, generated=all(each.generated for each in generated)),
        "settings": config.model_dump()
        | {"window_layers": layers, "clump_layers": clump, "voxel_um": voxel},
    }
    numbers["summary"] = summary(numbers)
    return Comparison(numbers, first, second, scattered, clump)


def window_layers(reference: Sequence[Sample], generated: Sequence[Sample], windows: int) -> int:
    """Layers of a window: the reference gives `windows`, every volume at least two.

    Raises
    ------
    ValueError
        If a volume is too short for two windows.
    """
    depth = sum(sample.phases.shape[0] for sample in reference)
    shortest = min((*reference, *generated), key=lambda sample: sample.phases.shape[0])
    layers = min(max(SMALLEST, depth // windows), shortest.phases.shape[0] // 2)
    if layers < SMALLEST:
        raise ValueError(
            f"volumes must have at least {2 * SMALLEST} layers along z, got "
            f"{shortest.phases.shape[0]} of {shortest.phases.path}"
        )
    return layers


def _read_side(samples: Sequence[Sample], layers: int) -> Side:
    streams, surfaces, pores = [], [], []
    for sample in samples:
        streams.append(stream(sample.phases, layers))
        surfaces.append(Surface.open(sample.surface) if sample.surface is not None else None)
        pores.append(pores_of_sample(sample, streams[-1], surfaces[-1]))
    return Side(samples, streams, surfaces, pores)


def _measure_rows(
    first: Side, second: Side, clump: int, config: CompareConfig
) -> Iterator[dict[str, Any]]:
    for measure in MEASURES:
        a, b = first.values(measure, clump), second.values(measure, clump)
        if min(len(a.values), len(b.values)) < FEWEST:
            continue
        yield measure_row(measure, a, b, config)


def measure_row(
    measure: Measure, reference: Values, generated: Values, config: CompareConfig
) -> dict[str, Any]:
    """Distances of one measure: between the sides, and between halves of the original.

    `wasserstein`, `ks` and `interval` are of all values; `across`, `halves` and `ratio` of samples
    of equal size.
    """
    a, b, period = reference.values, generated.values, measure.period
    across, within = split_distances(
        reference, generated, splits=config.splits, seed=config.seed, period=period
    )
    ks, p = kolmogorov_smirnov(a, b)
    interval = (float("nan"),) * 2
    if config.bootstrap:
        interval = bootstrap_interval(
            a, b, resamples=config.bootstrap, seed=config.seed, period=period
        )
    known = len(within) > 0
    ratio = ratio_of(float(across.mean()), float(within.mean())) if known else float("nan")
    return {
        "name": measure.name,
        "words": measure.words,
        "unit": measure.unit,
        "counts": [len(a), len(b)],
        "means": [float(a.mean()), float(b.mean())],
        "medians": [float(np.median(a)), float(np.median(b))],
        "ks": ks,
        "ks_p": p,
        "wasserstein": wasserstein(a, b, period=period),
        "interval": list(interval),
        "across": float(across.mean()) if known else float("nan"),
        "halves": float(within.mean()) if known else float("nan"),
        "halves_range": [float(q) for q in np.quantile(within, [0.05, 0.95])] if known else [],
        "ratio": ratio,
        "passes": bool(ratio <= config.limit) if known else None,
    }


def _parts(side: Side, names: Sequence[str]) -> list[dict[str, Any]]:
    rows = []
    for name, sample, streamed, pores in zip(
        names, side.samples, side.streams, side.pores, strict=True
    ):
        part, count = int(streamed.part.sum()), len(pores.window)
        edge = float(np.prod(sample.phases.voxel_size))
        rows.append(
            {
                "name": name,
                "shape": list(sample.phases.shape),
                "pores": count,
                "porosity": int(streamed.pore.sum()) / max(1, part),
                "part_um3": part * edge,
                "pores_per_mm3": count / (part * edge * 1e-9) if part else float("nan"),
                "windows": streamed.windows,
                "radius_um": streamed.radius * sample.phases.voxel_size[1],
                "content": sample.phases.digest,
            }
        )
    return rows


def _bivariate(
    first: Side, second: Side, names: Sequence[str], dealt: dict[str, int]
) -> list[dict[str, Any]]:
    windows = sum(streamed.windows for streamed in first.streams)
    rows = (
        overlap_row(pair, first.points(pair), second.points(pair)[0], windows=windows, **dealt)
        for pair in pairs_of(names)
    )
    return [row for row in rows if row is not None]


def _roughness(first: Side, second: Side) -> list[dict[str, Any]]:
    """ISO 25178-2 parameters of both sides, means over their volumes."""
    sides = [[s.parameters for s in side.surfaces if s is not None] for side in (first, second)]
    if not all(sides):
        return []
    rows = []
    for name in sides[0][0]:
        values = [float(np.mean([each[name] for each in side])) for side in sides]
        if np.isfinite(values).all():
            change = (values[1] - values[0]) / abs(values[0]) if values[0] else float("nan")
            rows.append({"name": name, "reference": values[0], "generated": values[1]})
            rows[-1]["change"] = change
    return rows
