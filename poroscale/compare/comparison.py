"""Two sets of parts against each other, and the first against itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from poroscale.compare.distances import Distance, covariance_error, distance
from poroscale.compare.pictures import (
    LEAST,
    Projections,
    Scattered,
    project,
    scatter_projections,
    scatter_surfaces,
    two_point,
)
from poroscale.compare.sample import METRICS, Sample, join_pores
from poroscale.config import Config
from poroscale.engine import Run
from poroscale.kernels.scattering_distance import precision, separation

LARGEST_RATIO = 1.5
"""A measure agrees if it is at most so many times as far from the generated as halves are apart."""
LARGEST_SEPARATION = 2.0
"""Pictures agree if S is at most so many times P + P̂."""
TIED = ("volume_um3", "anisotropy", "long_axis_angle_deg", "long_axis_azimuth_deg")
"""Measures whose covariance with the local roughness is compared (Appendix A)."""


class CompareConfig(Config):
    """How parts are compared.

    Attributes
    ----------
    window
        Voxel layers of a window along z; by default an eighth of the shortest part, 16 at least
        and 64 at most.
    draws
        Of halves, and of the bootstrap.
    seed
        Of these.
    """

    window: int | None = Field(None, ge=LEAST)
    draws: int = Field(40, ge=4)
    seed: int = 0


@dataclass(frozen=True)
class Separation:
    """Eqs. 8 to 10 for one kind of picture.

    Attributes
    ----------
    original, generated
        P and P̂.
    separation
        S.
    itself
        (P, P̂, S) of two halves of the original, made of every other window.
    """

    original: float
    generated: float
    separation: float
    itself: tuple[float, float, float]

    @property
    def ratio(self) -> float:
        """S over P + P̂; 1 for equal laws."""
        return self.separation / (self.original + self.generated)

    @classmethod
    def of(cls, first: Scattered, second: Scattered) -> Separation:
        """The distances of two sets of pictures."""
        a, b = first.logs, second.logs
        halves = (a[::2], a[1::2])
        itself = (*(precision(half) for half in halves), separation(*halves))
        return cls(precision(a), precision(b), separation(a, b), (itself[0], itself[1], itself[2]))

    def as_json(self) -> dict[str, Any]:
        """All of it, with the ratio."""
        return {
            "P": self.original,
            "P_generated": self.generated,
            "S": self.separation,
            "ratio": self.ratio,
            "halves": dict(zip(("P", "P_other", "S"), self.itself, strict=True)),
        }


@dataclass(frozen=True)
class Side:
    """What was found of one set of parts."""

    samples: tuple[Sample, ...]
    pores: dict[str, NDArray[Any]]
    projections: tuple[Projections, ...]
    pictures: dict[str, Scattered | None]
    two_point: dict[str, NDArray[np.float64]]

    @property
    def layers(self) -> int:
        """Voxel layers of all parts together."""
        return sum(sample.phases.shape[0] for sample in self.samples)

    @property
    def pores_per_mm(self) -> float:
        """Pores per mm of length."""
        length = self.layers * self.samples[0].phases.voxel_size[0] / 1000
        return len(self.pores["window"]) / length

    @property
    def porosity(self) -> float:
        """Pore voxels over part voxels, from the two-point probability at lag zero."""
        return float(self.two_point["z"][0])


@dataclass(frozen=True)
class Comparison:
    """The result of a comparison.

    Attributes
    ----------
    original, generated
        The two sets.
    distances
        By measure.
    separations
        By picture: "x", "y", "z" projection and "surface".
    covariance_errors
        Eq. A.1 by measure.
    folder
        Where page and numbers are.
    window
        Voxel layers of a window.
    """

    original: Side
    generated: Side
    distances: dict[str, Distance]
    separations: dict[str, Separation]
    covariance_errors: dict[str, float]
    folder: Path
    window: int

    @property
    def roughness(self) -> tuple[dict[str, float], dict[str, float]]:
        """ISO 25178-2 parameters of the two sets, means over parts and faces."""
        return _mean_roughness(self.original), _mean_roughness(self.generated)

    @property
    def off(self) -> list[str]:
        """Measures and pictures that do not agree."""
        measures = [n for n, d in self.distances.items() if d.ratio > LARGEST_RATIO]
        pictures = [n for n, s in self.separations.items() if s.ratio > LARGEST_SEPARATION]
        return [*measures, *(f"scattering {name}" for name in pictures)]

    def numbers(self) -> dict[str, Any]:
        """Everything that compare.json holds."""
        first, second = self.roughness
        return {
            "window_layers": self.window,
            "pores": [len(self.original.pores["window"]), len(self.generated.pores["window"])],
            "pores_per_mm": [self.original.pores_per_mm, self.generated.pores_per_mm],
            "porosity": [self.original.porosity, self.generated.porosity],
            "distances": {name: each.as_json() for name, each in self.distances.items()},
            "scattering": {name: each.as_json() for name, each in self.separations.items()},
            "covariance_error": self.covariance_errors,
            "roughness": {name: [first[name], second.get(name)] for name in first},
            "off": self.off,
        }

    def describe(self) -> Iterator[str]:
        """How good the match is, in words."""
        agree = sum(each.ratio <= LARGEST_RATIO for each in self.distances.values())
        yield (
            f"{self.folder / 'compare.html'}: {agree} of {len(self.distances)} measures of pores "
            f"are within {LARGEST_RATIO:g} times the distance of two halves of the original"
        )
        yield (
            f"  {self.original.pores_per_mm:.0f} and {self.generated.pores_per_mm:.0f} pores per "
            f"mm, porosity {100 * self.original.porosity:.3f} and "
            f"{100 * self.generated.porosity:.3f} %"
        )
        for name, each in self.separations.items():
            yield (
                f"  scattering {name:<8} S {each.separation:.2e}, {each.ratio:.2f} times P + P̂ "
                f"(two halves: S {each.itself[2]:.2e})"
            )
        yield f"  poor: {', '.join(self.off) if self.off else 'none'}"


def compare_samples(
    original: Sequence[Sample],
    generated: Sequence[Sample],
    folder: Path,
    *,
    config: CompareConfig | None = None,
    run: Run | None = None,
) -> Comparison:
    """Compare two sets of parts.

    Parameters
    ----------
    original, generated
        The parts, measured.
    folder
        Where page and numbers will be.
    config
        How to compare.
    run
        How to run.

    Raises
    ------
    ValueError
        If voxel sizes differ, a part of the two sets is the same volume, or a set has no pores.
    """
    config, run = config or CompareConfig(), run or Run()
    _check(original, generated)
    shortest = min(sample.phases.shape[0] for sample in (*original, *generated))
    window = config.window or int(np.clip(shortest // 8, LEAST, 64))
    sides = [_side(samples, window, run) for samples in (original, generated)]
    for side, name in zip(sides, ("original", "generated"), strict=True):
        if not len(side.pores["window"]):
            raise ValueError(f"a comparison needs pores, got {name} parts with none that is whole")
    first, second = sides
    distances = {
        name: found
        for name in METRICS
        if (
            found := distance(first.pores, second.pores, name, draws=config.draws, seed=config.seed)
        )
    }
    separations = {
        name: Separation.of(a, b)
        for name, a in first.pictures.items()
        if a is not None and (b := second.pictures[name]) is not None
    }
    errors = {name: covariance_error(first.pores, second.pores, name) for name in TIED}
    known = {name: error for name, error in errors.items() if error is not None}
    return Comparison(first, second, distances, separations, known, folder, window)


def _check(original: Sequence[Sample], generated: Sequence[Sample]) -> None:
    sizes = {sample.phases.voxel_size for sample in (*original, *generated)}
    if len(sizes) != 1:
        raise ValueError(
            f"parts that are compared must have one voxel size, got {sorted(sizes)} um"
        )
    digests = {sample.phases.digest for sample in original}
    for sample in generated:
        if sample.phases.digest in digests:
            raise ValueError(
                f"{sample.phases.path} is among the originals, too: nothing to compare"
            )


def _side(samples: Sequence[Sample], window: int, run: Run) -> Side:
    edge = samples[0].phases.voxel_size[0]
    projections = tuple(project(sample, window, run) for sample in samples)
    pictures = scatter_projections(projections, window)
    pictures["surface"] = scatter_surfaces(samples, window)
    probabilities = [two_point(sample, run) for sample in samples]
    mean = {axis: np.mean([each[axis] for each in probabilities], axis=0) for axis in "xyz"}
    return Side(tuple(samples), join_pores(samples, window * edge), projections, pictures, mean)


def _mean_roughness(side: Side) -> dict[str, float]:
    faces: list[Mapping[str, Any]] = [
        face
        for sample in side.samples
        if sample.surface is not None
        for face in sample.surface.roughness["faces"]
    ]
    if not faces:
        return {}
    known = {name: [face[name] for face in faces if face[name] is not None] for name in faces[0]}
    return {name: float(np.mean(values)) for name, values in known.items() if values}
