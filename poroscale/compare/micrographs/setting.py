"""One setting of a comparison: all that needs its chips, which are then let go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.compare.micrographs.config import CompareSemConfig
from poroscale.compare.micrographs.distances import (
    FEATURES,
    bootstrap_mean,
    compared_distance,
    mean_apart,
)
from poroscale.compare.micrographs.evenness import variance_components
from poroscale.compare.micrographs.matching import ComparedSetting
from poroscale.compare.micrographs.particles import BrightParticles, bright_particles
from poroscale.compare.micrographs.samples import (
    ChipFeatures,
    Floats,
    MicrographSample,
    chosen_chips,
    published_areas,
    sample_of_chips,
    spread_numbers,
    units_of_chips,
)
from poroscale.compare.micrographs.sides import ComparedSides
from poroscale.kernels.noise import tile_generator
from poroscale.micrographs.dataset import MicrographSet

SHOWN = 4
"""Chips of a setting and side that are shown."""
SHOWING = 760
"""Stream of the chips that are shown."""
MEASURES = (
    ("average", "persistence"),
    ("sliced_wasserstein", "persistence"),
    ("kernel", "persistence"),
    ("sliced_wasserstein", "areas"),
    ("sliced_wasserstein", "patches"),
    ("kernel", "patches"),
)
"""Distances that are taken of each setting, with what they compare."""
BetweenImages = dict[str, tuple[float, float] | None]
MEASURE_WORDS = {
    "average": "average of",
    "sliced_wasserstein": "sliced Wasserstein of",
    "kernel": "kernel distance of",
}


@dataclass(frozen=True)
class MeasuredChips:
    """What is measured of the chips of one setting and side.

    Attributes
    ----------
    sample
        Features.
    particles
        Bright particles.
    between_images
        Variances between images and within them, of the number of particles and of their area, as
        of `variance_components`.
    areas
        (10,) shares of the area as published.
    shown
        uint8 (4, edge, edge) chips, from 0 to 255 within the window.
    """

    sample: MicrographSample
    particles: BrightParticles
    between_images: BetweenImages
    areas: Floats
    shown: NDArray[np.uint8]


@dataclass(frozen=True)
class MeasuredSetting:
    """What is kept of a setting until all are measured.

    Attributes
    ----------
    numbers
        All numbers as JSON.
    real, generated
        Features for the components and the reader of conditions.
    shown
        Chips of either side that are shown.
    """

    numbers: dict[str, Any]
    real: ChipFeatures
    generated: ChipFeatures
    shown: tuple[NDArray[np.uint8], NDArray[np.uint8]]


def measured_setting(
    setting: ComparedSetting, sides: ComparedSides, config: CompareSemConfig
) -> MeasuredSetting:
    """Measure a setting; the chips of one side are in memory at a time."""
    real, generated = (
        _measured_chips(each, images, sides, config)
        for each, images in (
            (sides.real, setting.real),
            (sides.generated, setting.generated),
        )
    )
    return MeasuredSetting(
        setting_numbers(setting.words, real, generated, config),
        real.sample.kept,
        generated.sample.kept,
        (real.shown, generated.shown),
    )


def _measured_chips(
    micrographs: MicrographSet,
    images: NDArray[np.int64],
    sides: ComparedSides,
    config: CompareSemConfig,
) -> MeasuredChips:
    between = _between_images(micrographs, images, sides.edge, config.chips)
    view, numbers = chosen_chips(micrographs, images, sides.edge, config.chips)
    units = units_of_chips(micrographs, view.lattice.places(numbers)[:, 0])
    chips = view.take(numbers)
    return MeasuredChips(
        sample_of_chips(chips, units, sides.window, config.seed),
        bright_particles(chips),
        between,
        published_areas(chips),
        _shown(chips, sides.window, config.seed),
    )


def _between_images(
    micrographs: MicrographSet, images: NDArray[np.int64], edge: int, most: int
) -> BetweenImages:
    """Of at most so many chips that share no pixel: those that overlap are alike in any image."""
    view = micrographs.chips(edge, edge, images=images)
    numbers = spread_numbers(len(view), most)
    found, own = bright_particles(view.take(numbers)), view.lattice.places(numbers)[:, 0]
    return {
        "density": variance_components(found.counts * (1e6 / found.pixels), own),
        "area": variance_components(found.areas, own),
    }


def _shown(chips: NDArray[Any], window: tuple[float, float], seed: int) -> NDArray[np.uint8]:
    low, high = window
    some = chips[drawn_order(len(chips), seed)[:SHOWN]].astype(np.float32)
    return np.clip(255 * (some - low) / (high - low), 0, 255).astype(np.uint8)


def drawn_order(count: int, seed: int) -> NDArray[np.int64]:
    """The order in which chips of a setting and side are drawn for the figures."""
    return tile_generator(seed, SHOWING).permutation(count)


def setting_numbers(
    words: str, real: MeasuredChips, generated: MeasuredChips, config: CompareSemConfig
) -> dict[str, Any]:
    """All numbers of a setting as JSON."""
    measured = {"real": real, "generated": generated}
    sides = {name: each.sample for name, each in measured.items()}
    distances = [
        asdict(compared_distance(name, feature, real.sample, generated.sample, config))
        for name, feature in MEASURES
    ]
    for row in distances:
        row["words"] = f"{MEASURE_WORDS[row['name']]} {FEATURES[row['feature']]}"
        row["ratio"] = float(min(row["ratio"], 1e6))
    return {
        "words": words,
        "chips": {name: len(each) for name, each in sides.items()},
        "units": {name: [each.unit, int(each.units.max()) + 1] for name, each in sides.items()},
        "distances": distances,
        "particles": {name: _particle_numbers(each, config) for name, each in measured.items()},
        "between_images": {name: each.between_images for name, each in measured.items()},
        "diversity": _diversity(sides, config),
        "areas": {name: each.areas.tolist() for name, each in measured.items()},
    }


def _particle_numbers(measured: MeasuredChips, config: CompareSemConfig) -> dict[str, Any]:
    """Number for a million pixels, share of the area and mean size, with intervals."""
    found, units = measured.particles, measured.sample.units
    million = 1e6 / found.pixels
    return {
        "density": bootstrap_mean(found.counts * million, units, config),
        "large": bootstrap_mean(found.large * million, units, config),
        "area": bootstrap_mean(found.areas, units, config),
        "size": found.mean_size if len(found.sizes) else None,
    }


def _diversity(
    sides: Mapping[str, MicrographSample], config: CompareSemConfig
) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name, each in sides.items():
        apart = mean_apart(each.persistence, each.units, config.seed)
        found[name] = None if np.isnan(apart) else apart
    real, generated = found["real"], found["generated"]
    found["ratio"] = generated / real if real and generated is not None else None
    return found
