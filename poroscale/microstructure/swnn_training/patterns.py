"""Local patterns of sections, and sets of them with a wanted fraction (Ma et al., section 2.2).

A pattern is what a square template shows at one place of a section. The set of all patterns
describes the material; a set in which patterns are drawn unequally often describes a material of
the same local forms with another fraction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.phases.codes import BEYOND

Floats = NDArray[np.float32]


def grey_levels(codes: NDArray[np.integer], phases: int) -> Floats:
    """Phases 0 to n - 1 as float32 grey levels, evenly spaced in [-1, 1]."""
    return np.asarray(2.0 * codes / (phases - 1) - 1.0, np.float32)


def patterns_of(section: NDArray[np.generic], template: int) -> NDArray[np.generic]:
    """(places, template²): the patterns of a section at every place, row by row.

    Raises
    ------
    ValueError
        If the section is smaller than the template.
    """
    if min(section.shape) < template:
        raise ValueError(
            f"`template` must fit the image, got {template} voxels for an image of {section.shape}"
        )
    windows = np.lib.stride_tricks.sliding_window_view(section, (template, template))
    return windows.reshape(-1, template * template)


def patterns_within(section: NDArray[np.integer], template: int) -> NDArray[np.generic]:
    """The patterns of a section in which every voxel counts; a code from `BEYOND` on does not.

    The region that counts may have any form: each window is looked at by itself.
    """
    found = patterns_of(section, template)
    counts = section < BEYOND
    return found if counts.all() else found[patterns_of(counts, template).all(axis=1)]


def coarse_patterns(
    section: NDArray[np.integer], template: int, step: int, phases: int
) -> tuple[Floats, NDArray[np.float64]]:
    """Grey levels and shares of the phases of the patterns of a section at a lower resolution.

    Each voxel of a pattern is the mean of step² voxels; patterns are taken at every place at which
    all their voxels count.

    Returns
    -------
    patterns, shares
        float32 (n, template²) grey levels in [-1, 1], float64 (n, phases).

    Raises
    ------
    ValueError
        If the section is smaller than such a pattern.
    """
    span = template * step
    if min(section.shape) < span:
        raise ValueError(
            f"`scales` must fit the image, got patterns that span {span} voxels for an image of "
            f"{section.shape}"
        )
    counts = section < BEYOND
    grey = grey_levels(np.where(counts, section, 0).astype(np.int64), phases)
    reach = (template - 1) * step + 1
    seen = np.lib.stride_tricks.sliding_window_view(box_means(grey, step), (reach, reach))
    seen = seen[..., ::step, ::step].reshape(-1, template * template)
    whole = box_means(counts, span).ravel() > 1 - 0.5 / span**2
    shares = [box_means(section == phase, span).ravel()[whole] for phase in range(phases)]
    return np.asarray(seen[whole], np.float32), np.stack(shares, axis=1)


def box_means(image: NDArray[np.generic], edge: int) -> NDArray[np.float64]:
    """float64 means of all squares of an edge that lie in an image."""
    sums = np.pad(image.astype(np.float64), ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    found = sums[edge:, edge:] - sums[:-edge, edge:] - sums[edge:, :-edge] + sums[:-edge, :-edge]
    return np.asarray(found / edge**2)


@dataclass(frozen=True)
class Resampled:
    """Patterns that are drawn to have a wanted fraction.

    Attributes
    ----------
    rows
        int64 (n,), numbers of the patterns; as many as there were, some several times.
    fraction
        Mean share of the phase in them.
    """

    rows: NDArray[np.int64]
    fraction: float


def resampled(
    shares: NDArray[np.float64], wanted: float, generator: np.random.Generator
) -> Resampled:
    """Patterns whose mean share of a phase is the one that is wanted (section 2.2.3, eq. 11).

    1. Patterns are sorted by their share of the phase.
    2. Those with the least shares (or, for a larger fraction, with the largest) are taken, the
       smallest number whose mean reaches what is wanted, seen from the extreme end.
    3. The set is repeated as often as it fits the number of patterns, and filled up at random.

    Parameters
    ----------
    shares
        float64 (n,), share of the phase in each pattern.
    wanted
        Mean share that is wanted.
    generator
        Fills up the set.

    Raises
    ------
    ValueError
        If no set has this mean; the sentence has the range within reach.
    """
    count = len(shares)
    order = np.argsort(shares, kind="stable")
    mean = float(shares.mean())
    if not float(shares[order[0]]) <= wanted <= float(shares[order[-1]]):
        raise ValueError(
            f"`fraction` must lie between {shares.min():.3f} and {shares.max():.3f} for these "
            f"images, got {wanted:g}: no combination of their patterns has it"
        )
    if wanted > mean:
        order = order[::-1]
    running = np.cumsum(shares[order]) / np.arange(1, count + 1)
    beyond = running > wanted if wanted <= mean else running < wanted
    # The last set on the extreme side of what is wanted, and one pattern more: means are monotone.
    taken = order[: max(1, min(count, int(np.argmax(beyond)) + 1 if beyond.any() else count))]
    rows = np.concatenate(
        [np.tile(taken, count // len(taken)), generator.permutation(taken)[: count % len(taken)]]
    )
    return Resampled(rows, float(shares[rows].mean()))
