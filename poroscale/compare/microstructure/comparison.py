"""A reference microstructure against generated volumes: samples cut, measured, and compared."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.compare.microstructure.config import CompareMicrostructureConfig
from poroscale.compare.microstructure.measures import (
    CurveKey,
    Floats,
    SampleMeasures,
    lags_within,
    measure_sample,
)
from poroscale.compare.microstructure.rows import (
    BEYOND,
    UNKNOWN,
    WITHIN,
    comparison_rows,
    mean_known,
    phase_words,
    rows_alone,
    verdict_of,
)
from poroscale.compare.microstructure.samples import (
    MOST_SAMPLES,
    ComparedMedium,
    SampleCut,
    normals_of,
    sample_shape,
    section_samples,
    sub_samples,
    write_sample,
)
from poroscale.compare.microstructure.transport import (
    THROUGH,
    add_transport,
    check_transport,
    transport_rows,
)
from poroscale.engine import Run
from poroscale.engine.workers.progress import progress
from poroscale.events import Described
from poroscale.statistics.pair_counting import correlations
from poroscale.statistics.values import few_values
from poroscale.volume import Shape

COMPARISON_FORMAT = 1
SHOWN = 256
"""Longer side of a picture at most [voxels]."""
ERRORS = 2.0
"""Differences within so many standard errors are those of chance, however few samples there are."""
MOST_NAMED = 4
"""Measures that the summary names."""
ONLY_3D = ("connectivity", "c2", "betti", "thickness", *THROUGH)
"""Statistics of which a section shows less than a volume, or nothing."""


@dataclass(frozen=True)
class CurveBand:
    """A curve of both sides.

    Attributes
    ----------
    lag
        Lags, lengths or levels [um].
    reference, generated
        Means of the samples of either side.
    lowest, highest
        Extremes of the samples of the reference.
    """

    lag: Floats
    reference: Floats
    generated: Floats
    lowest: Floats
    highest: Floats


@dataclass(frozen=True)
class SectionPicture:
    """A section to look at: its title, and uint8 phases (rows, columns)."""

    title: str
    phases: NDArray[np.uint8]


@dataclass(frozen=True)
class MicrostructureComparison(Described):
    """The result: numbers for a file, and what the figures are drawn from.

    Attributes
    ----------
    numbers
        JSON, as `docs/microstructures.md` lists it: `summary`, `measures`, `reference`,
        `generated`, `samples`, `settings`.
    curves
        Curves of both sides by statistic, phase and axis.
    pictures
        Sections of either side at one scale.
    """

    numbers: dict[str, Any]
    curves: dict[CurveKey, CurveBand]
    pictures: tuple[SectionPicture, ...]

    def describe(self) -> Iterator[str]:
        """The verdict in a few lines."""
        yield from self.numbers["summary"]

    def row(self, measure: str, phase: int | None) -> dict[str, Any]:
        """The row of a measure and a phase; None is the medium as a whole.

        Raises
        ------
        KeyError
            If there is none.
        """
        for row in self.numbers["measures"]:
            if (row["measure"], row["phase"]) == (measure, phase):
                found: dict[str, Any] = row
                return found
        raise KeyError((measure, phase))


def compare_media(
    reference: Sequence[ComparedMedium],
    generated: Sequence[ComparedMedium],
    *,
    config: CompareMicrostructureConfig | None = None,
    run: Run | None = None,
) -> MicrostructureComparison:
    """Compare generated volumes with a reference of the same phases and voxel size.

    Parameters
    ----------
    reference, generated
        Images or volumes, at least one of each; all of the reference have as many dimensions.
    config
        Statistics and samples.
    run
        Memory, workers and cluster; changes no number.

    Raises
    ------
    ValueError
        If a side is too small to be cut into samples, or `conductivities` or `pore` name other
        phases than there are.
    """
    config, run = config or CompareMicrostructureConfig(), run or Run()
    check_transport(reference[0].phases.count, config)
    own, made = ([each.volume.shape for each in side] for side in (reference, generated))
    shape = sample_shape(own, made, config)
    flat = reference[0].dimensions == 2
    measured = _measured(reference, generated, shape, config, run)
    samples = _samples(measured, shape, config)
    rows = comparison_rows(
        measured.reference,
        measured.generated,
        dimensions=2 if flat else 3,
        limit=samples["limit"],
    )
    sides = {"reference": _side(reference, run), "generated": _side(generated, run)}
    sides["reference"]["uncertainty"] = _uncertainty(reference, run)
    rows = [_of_wholes(row, sides, samples["limit"]) for row in rows]
    rows += rows_alone(measured.alone, dimensions=3) if measured.alone else []
    numbers: dict[str, Any] = {
        "format": COMPARISON_FORMAT,
        "measures": rows,
        "transport": transport_rows(
            [] if flat else measured.reference, measured.alone if flat else measured.generated
        ),
        **sides,
        "samples": samples,
        "settings": config.model_dump(mode="json")
        | {
            "which": list(config.wanted),
            "voxel_size_um": list(reference[0].volume.voxel_size),
        },
    }
    numbers["summary"] = list(summary_lines(numbers))
    bands = curve_bands(measured.reference, measured.generated)
    return MicrostructureComparison(numbers, bands, _pictures(reference, generated, config))


@dataclass(frozen=True)
class _Measured:
    """Samples of either side, and generated volumes as wholes where the reference is an image."""

    reference: list[SampleMeasures]
    generated: list[SampleMeasures]
    alone: list[SampleMeasures]


def _measured(
    reference: Sequence[ComparedMedium],
    generated: Sequence[ComparedMedium],
    shape: Shape,
    config: CompareMicrostructureConfig,
    run: Run,
) -> _Measured:
    """Cut samples and measure one after the other; each is removed before the next is cut."""
    own, made = _cuts(reference, generated, shape, config)
    wanted, lags = config.wanted, lags_within(shape, config.lags)
    deep = [name for name in wanted if name in ONLY_3D]
    flat = reference[0].dimensions == 2
    wholes = [
        SampleCut(each.volume, each.phases, (0, 0, 0))
        for each in generated
        if flat and deep and each.dimensions == 3
    ]
    phases, quiet = reference[0].phases.count, run.but(progress=False)
    total = len(own) + len(made) + len(wholes)
    with progress("samples", total=total, done=0, show=run.progress) as advance:

        def measure(cut: SampleCut, size: Shape, names: Sequence[str]) -> SampleMeasures:
            with tempfile.TemporaryDirectory(prefix="poroscale-") as folder:
                sample = write_sample(cut, size, Path(folder) / "sample.zarr", run=quiet)
                found = measure_sample(sample, phases, names, lags=lags, run=quiet)
                if sample.shape[0] > 1:
                    add_transport(found, sample, phases, config)
            advance()
            return found

        return _Measured(
            [measure(cut, shape, wanted) for cut in own],
            [measure(cut, shape, wanted) for cut in made],
            [measure(cut, cut.volume.shape, deep) for cut in wholes],
        )


def _cuts(
    reference: Sequence[ComparedMedium],
    generated: Sequence[ComparedMedium],
    shape: Shape,
    config: CompareMicrostructureConfig,
) -> tuple[list[SampleCut], list[SampleCut]]:
    """Samples of the reference, and of the generated volumes."""
    dimensions = reference[0].dimensions
    most = config.samples or MOST_SAMPLES[dimensions]
    own = sub_samples(reference, shape, most)
    if dimensions == 2:
        return own, section_samples(generated, shape, config)
    each = max(1, most // len(generated))
    return own, [cut for medium in generated for cut in sub_samples([medium], shape, each)]


def _samples(
    measured: _Measured, shape: Shape, config: CompareMicrostructureConfig
) -> dict[str, Any]:
    counts = len(measured.reference), len(measured.generated)
    by_chance = (1 / counts[0] + 1 / counts[1]) ** 0.5
    return {
        "shape": list(shape),
        "reference": counts[0],
        "generated": counts[1],
        "lags": lags_within(shape, config.lags),
        "by_chance": by_chance,
        "limit": max(config.limit, ERRORS * by_chance),
    }


def _side(media: Sequence[ComparedMedium], run: Run) -> dict[str, Any]:
    """Names, shapes and fractions of the wholes of a side."""
    fractions, weights = [], []
    for each in media:
        counts = few_values(each.volume, most=256, run=run.but(progress=False)) or {}
        voxels = np.array([counts.get(value, 0) for value in each.phases.values], np.float64)
        fractions.append(voxels / voxels.sum())
        weights.append(voxels.sum())
    table = np.stack(fractions)
    mean = np.average(table, axis=0, weights=weights)
    several = len(media) > 1
    return {
        "names": [each.name for each in media],
        "shapes": [list(each.volume.shape) for each in media],
        "greys": list(media[0].phases.values),
        "fractions": mean.tolist(),
        "fraction_sd": table.std(axis=0, ddof=1).tolist() if several else None,
    }


def _uncertainty(media: Sequence[ComparedMedium], run: Run) -> list[float | None]:
    """Standard deviation of each fraction of the reference, as that of a sample of its size."""
    found, weights = [], []
    for each in media:
        pairs = correlations(each.volume, phases=each.phases, run=run.but(progress=False))
        found.append([pairs.fraction_deviation(k) for k in range(each.phases.count)])
        weights.append(float(np.prod(each.volume.shape)))
    shares = np.array(weights)[:, None] / sum(weights)
    both = np.sqrt(np.sum((shares * np.array(found)) ** 2, axis=0))
    return [float(value) if isfinite(value) else None for value in both]


def _of_wholes(row: dict[str, Any], sides: dict[str, Any], limit: float) -> dict[str, Any]:
    """The row of a fraction with those of the whole volumes, which samples only sample."""
    if row["measure"] != "fraction":
        return row
    phase = row["phase"]
    first, second = (sides[side]["fractions"][phase] for side in ("reference", "generated"))
    difference, spread = abs(second - first), row["spread"]
    found = {
        "reference": first,
        "generated": second,
        "uncertainty": sides["reference"]["uncertainty"][phase],
        "difference": difference,
        "ratio": difference / spread if spread else None,
        "relative": difference / first if first else None,
    }
    whole = row | found
    return whole | {"verdict": verdict_of(whole, size=first, covered=False, limit=limit)}


def summary_lines(numbers: dict[str, Any]) -> Iterator[str]:
    """The verdict in a few sentences."""
    rows = numbers["measures"]
    counts = {word: sum(row["verdict"] == word for row in rows) for word in (WITHIN, UNKNOWN)}
    beyond = [row for row in rows if row["verdict"] == BEYOND]
    judged = counts[WITHIN] + counts[UNKNOWN] + len(beyond)
    yield (
        f"{counts[WITHIN]} of {judged} measures lie within the spread of the reference's own "
        f"samples, {len(beyond)} beyond; of {counts[UNKNOWN]} the reference cannot tell."
    )
    if beyond:
        worst = sorted(beyond, key=lambda row: -(row["ratio"] or np.inf))[:MOST_NAMED]
        named = "; ".join(
            f"{row['words']} of {phase_words(row['phase'])}"
            + (f" ({row['ratio']:.3g} times)" if row["ratio"] else "")
            for row in worst
        )
        yield f"Farthest beyond: {named}."


def curve_bands(
    reference: Sequence[SampleMeasures], generated: Sequence[SampleMeasures]
) -> dict[CurveKey, CurveBand]:
    """Curves that all samples of both sides have."""
    found = {}
    for key, (lag, _) in reference[0].curves.items():
        if not all(key in sample.curves for sample in (*reference, *generated)):
            continue
        a, b = (np.stack([s.curves[key][1] for s in side]) for side in (reference, generated))
        found[key] = CurveBand(lag, mean_known(a, 0), mean_known(b, 0), a.min(0), a.max(0))
    return found


def _pictures(
    reference: Sequence[ComparedMedium],
    generated: Sequence[ComparedMedium],
    config: CompareMicrostructureConfig,
) -> tuple[SectionPicture, ...]:
    """Middle sections of the first of either side, all of one size."""
    sides = (("reference", reference[0]), ("generated", generated[0]))
    step = 1 if reference[0].dimensions == 2 else 2
    normals = {
        title: normals_of(medium.volume.shape, config.plane)[::step] for title, medium in sides
    }
    edge = SHOWN
    for title, medium in sides:
        for normal in normals[title]:
            edge = min(edge, *(n for k, n in enumerate(medium.volume.shape) if k != normal))
    return tuple(
        SectionPicture(_title(title, medium, normal), _middle(medium, normal, edge))
        for title, medium in sides
        for normal in normals[title]
    )


def _title(side: str, medium: ComparedMedium, normal: int) -> str:
    words = {0: "y down, x right", 1: "z down, x right", 2: "z down, y right"}
    return side.capitalize() if medium.dimensions == 2 else f"{side.capitalize()}: {words[normal]}"


def _middle(medium: ComparedMedium, normal: int, edge: int) -> NDArray[np.uint8]:
    shape = medium.volume.shape
    size = [edge, edge, edge]
    size[normal] = 1
    z, y, x = ((n - s) // 2 for n, s in zip(shape, size, strict=True))
    cut = SampleCut(medium.volume, medium.phases, (z, y, x), normal)
    return cut((0, 0, 0), (1, edge, edge))[0]
