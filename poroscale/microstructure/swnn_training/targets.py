"""What a network of SWNN is trained to show: patterns by direction, and noise by target."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poroscale.kernels.noise import tile_generator
from poroscale.microstructure.swnn_training.patterns import (
    Floats,
    coarse_patterns,
    grey_levels,
    patterns_within,
    resampled,
)

RESAMPLING = 410
"""Stream that fills up sets of patterns, and chooses among the patterns of a large image."""
MOST_PATTERNS = 1 << 16
"""Patterns that are kept of a direction."""
CLOSEST = 0.005
"""Difference of the fractions of two targets at least."""
AXIS_OF = {"yx": 0, "zx": 1, "zy": 2}
"""Axis across each plane."""


@dataclass(frozen=True)
class Target:
    """One set of patterns for each direction, and the noise that is to become it.

    Attributes
    ----------
    patterns
        By axis across the sections, float32 (n, template²) grey levels in [-1, 1].
    mean, deviation
        Of the noise.
    fractions
        Mean fractions of all phases in the patterns.
    coarse
        Patterns of half the resolution, of a quarter, and so on.
    s2
        By axis, S2 of the sections (`section_s2`), for a training by autocorrelation.
    lineal
        By axis, lineal path of the sections (`section_lineal_path`), where it has a weight.
    """

    patterns: Mapping[int, Tensor]
    fractions: tuple[float, ...]
    mean: float = 0.0
    deviation: float = 1.0
    coarse: tuple[Mapping[int, Tensor], ...] = ()
    s2: Mapping[int, Tensor] = field(default_factory=dict)
    lineal: Mapping[int, Tensor] = field(default_factory=dict)

    def at_scale(self, scale: int, axis: int) -> Tensor:
        """Patterns of a direction at a resolution, 0 for that of the images."""
        return self.patterns[axis] if scale == 0 else self.coarse[scale - 1][axis]


@dataclass(frozen=True)
class CoarsePatterns:
    """Patterns of one direction at a lower resolution: grey levels, and shares of the phases."""

    grey: Floats
    shares: NDArray[np.float64]


Coarse = Sequence[Mapping[int, CoarsePatterns]]
"""Patterns by axis, for each lower resolution."""


def sections_by_axis(
    sections: Sequence[tuple[int, NDArray[np.integer]]],
) -> dict[int, list[NDArray[np.integer]]]:
    """Sections across each axis, those that are missing included.

    Sections across one axis alone stand for all three. Sections zx and zy have z in common, so one
    of them stands for the other beside a section yx: the medium is then equal in all directions
    across z. Beside zx and zy, sections yx are left without a target.

    Parameters
    ----------
    sections
        Axis across each, and its phases (rows, columns).
    """
    found: dict[int, list[NDArray[np.integer]]] = {}
    for axis, codes in sections:
        found.setdefault(axis, []).append(codes)
    if len(found) == 1:
        ((_, alone),) = found.items()
        return dict.fromkeys(range(3), alone)
    for missing, like in ((1, 2), (2, 1)):
        if missing not in found:
            found[missing] = found[like]
    return found


def pattern_codes(
    sections: Sequence[NDArray[np.integer]], template: int, *, seed: int, axis: int
) -> NDArray[np.generic]:
    """Phases of the patterns of sections, (n, template²); at most `MOST_PATTERNS` of them.

    Raises
    ------
    ValueError
        If no window lies within the part of the sections that counts.
    """
    found = [patterns_within(section, template) for section in sections]
    counts = [len(each) for each in found]
    if not any(counts):
        raise ValueError(
            f"`template` must fit the region `within`, got {template} voxels: no window of this "
            "edge shows these phases alone; take a smaller one"
        )
    if sum(counts) <= MOST_PATTERNS:
        return np.concatenate(found)
    generator = tile_generator(seed, RESAMPLING, (0, axis, 0))
    rows = np.sort(generator.choice(sum(counts), MOST_PATTERNS, replace=False))
    ends = np.cumsum(counts)
    of = np.searchsorted(ends, rows, side="right")
    starts = ends - counts
    parts = [each[rows[of == k] - starts[k]] for k, each in enumerate(found)]
    return np.concatenate(parts)


def coarse_of_sections(
    sections: Sequence[NDArray[np.integer]],
    template: int,
    step: int,
    phases: int,
    *,
    seed: int,
    axis: int,
) -> CoarsePatterns:
    """Patterns of sections of a direction of which each voxel is the mean of step² voxels.

    Raises
    ------
    ValueError
        If no such pattern lies within the part of the sections that counts.
    """
    found = [coarse_patterns(section, template, step, phases) for section in sections]
    grey, shares = (np.concatenate(each) for each in zip(*found, strict=True))
    if not len(grey):
        raise ValueError(
            f"`scales` must fit the region `within`: no pattern that spans {template * step} "
            "voxels shows these phases alone"
        )
    if len(grey) > MOST_PATTERNS:
        generator = tile_generator(seed, RESAMPLING, (step, axis, 0))
        rows = np.sort(generator.choice(len(grey), MOST_PATTERNS, replace=False))
        grey, shares = grey[rows], shares[rows]
    return CoarsePatterns(grey, shares)


def image_target(
    codes: Mapping[int, NDArray[np.generic]], phases: int, coarse: Coarse = ()
) -> Target:
    """The patterns as the images show them, from noise N(0, 1)."""
    rougher = tuple(
        {axis: torch.from_numpy(each.grey) for axis, each in level.items()} for level in coarse
    )
    return replace(_target(codes, phases), coarse=rougher)


def wanted_target(
    codes: Mapping[int, NDArray[np.generic]],
    phases: int,
    *,
    phase: int,
    wanted: float,
    seed: int,
    coarse: Coarse = (),
) -> Target:
    """Patterns resampled for a fraction of a phase (section 2.2.3), at each resolution by itself.

    As in the authors' training, mean and deviation of the noise are those of the mean grey levels
    of the patterns.

    Raises
    ------
    ValueError
        If no combination of patterns has the fraction.
    """
    drawn = {}
    for axis, each in sorted(codes.items()):
        generator = tile_generator(seed, RESAMPLING, (1, axis, round(wanted * 1e6)))
        drawn[axis] = each[resampled((each == phase).mean(axis=1), wanted, generator).rows]
    rougher: list[dict[int, Tensor]] = []
    for number, level in enumerate(coarse):
        rougher.append({})
        for axis, seen in sorted(level.items()):
            generator = tile_generator(seed, RESAMPLING, (2 + number, axis, round(wanted * 1e6)))
            rows = resampled(seen.shares[:, phase], wanted, generator).rows
            rougher[-1][axis] = torch.from_numpy(seen.grey[rows])
    found = replace(_target(drawn, phases), coarse=tuple(rougher))
    grey = torch.cat([each.mean(dim=1) for each in found.patterns.values()])
    return replace(found, mean=float(grey.mean()), deviation=float(grey.std()))


def of_one_deviation(targets: Sequence[Target]) -> list[Target]:
    """Targets by ascending mean of the noise, all with the mean of their deviations.

    In the authors' training each target has a deviation of its own. With one deviation, the mean
    alone tells them apart, so that a fraction can vary by place in one volume.
    """
    deviation = sum(each.deviation for each in targets) / len(targets)
    found = [replace(each, deviation=deviation) for each in targets]
    return sorted(found, key=lambda each: each.mean)


def of_conditions(targets: Sequence[Target], phase: int) -> list[Target]:
    """Targets by ascending fraction of a phase, which a condition tells apart: all have one noise.

    Raises
    ------
    ValueError
        If two have one fraction.
    """
    found = sorted(targets, key=lambda each: each.fractions[phase])
    for before, each in itertools.pairwise(found):
        if each.fractions[phase] - before.fractions[phase] < CLOSEST:
            raise ValueError(
                f"`fraction` must have values that differ by {CLOSEST} or more, got "
                f"{before.fractions[phase]:.4f} and {each.fractions[phase]:.4f} for phase {phase}"
            )
    return [replace(each, mean=0.0, deviation=1.0) for each in found]


def _target(codes: Mapping[int, NDArray[np.generic]], phases: int) -> Target:
    patterns = {
        axis: torch.from_numpy(grey_levels(each.astype(np.int16), phases))
        for axis, each in codes.items()
    }
    shares = [
        np.bincount(each.ravel().astype(np.int64), minlength=phases) / each.size
        for each in codes.values()
    ]
    return Target(patterns, tuple(float(share) for share in np.mean(shares, axis=0)))
