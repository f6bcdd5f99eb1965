"""Generated micrographs against real ones, setting by setting of their conditions.

What Howland et al. judge by (section 4): average persistence images, principal components fitted to
the real ones, area above ten thresholds. And what tells how far off is far: distances beside those
of two halves of the real images, with intervals; particles; the diversity within a setting; and how
well a reader of conditions that was trained on real chips reads generated ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.compare.micrographs.classifier import read_conditions
from poroscale.compare.micrographs.config import CompareSemConfig
from poroscale.compare.micrographs.distances import (
    FEATURES,
    bootstrap_mean,
    compared_distance,
    mean_apart,
)
from poroscale.compare.micrographs.particles import BrightParticles, bright_particles
from poroscale.compare.micrographs.samples import (
    ComparedSetting,
    Floats,
    MicrographSample,
    compared_settings,
    measured_sample,
    published_areas,
)
from poroscale.compare.micrographs.sides import check_alike, compared_conditions
from poroscale.compare.micrographs.verdict import summary_of, trends
from poroscale.events import Described
from poroscale.kernels.noise import tile_generator
from poroscale.micrographs.chips import EDGE
from poroscale.micrographs.dataset import MicrographSet
from poroscale.statistics.topology.chips import PrincipalComponents

FORMAT = 1
SHOWN, PROJECTED = 4, 200
"""Chips of a setting and side that are shown, and that are drawn among the components."""
COMPONENTS = 3
FEWEST_CHIPS = 4
"""Chips of a setting and side without which nothing is told apart from chance."""
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
MEASURE_WORDS = {
    "average": "average of",
    "sliced_wasserstein": "sliced Wasserstein of",
    "kernel": "kernel distance of",
}


@dataclass(frozen=True)
class SettingPictures:
    """What the figures show of a setting.

    Attributes
    ----------
    words
        The setting.
    real, generated
        uint8 (4, edge, edge) chips of either side.
    persistence
        (2, 10, 10) average persistence images, real and generated.
    projected
        (n, 3) and (m, 3): components of real and of generated chips.
    areas
        (2, 10) shares of the area as published.
    """

    words: str
    real: NDArray[np.uint8]
    generated: NDArray[np.uint8]
    persistence: Floats
    projected: tuple[Floats, Floats]
    areas: Floats


@dataclass(frozen=True)
class MicrographComparison(Described):
    """The result: numbers for a file, and what the figures are drawn from.

    Attributes
    ----------
    numbers
        JSON, as `docs/micrographs.md` lists it.
    pictures
        Of each setting.
    """

    numbers: dict[str, Any]
    pictures: tuple[SettingPictures, ...]

    def describe(self) -> Iterator[str]:
        """The verdict in a few lines."""
        yield from self.numbers["summary"]

    def setting(self, words: str) -> dict[str, Any]:
        """The numbers of a setting; KeyError if there is none of this name."""
        for each in self.numbers["settings"]:
            if each["words"] == words:
                found: dict[str, Any] = each
                return found
        raise KeyError(words)


@dataclass(frozen=True)
class _Measured:
    setting: ComparedSetting
    real: MicrographSample
    generated: MicrographSample


def compare_micrographs(
    real: MicrographSet, generated: MicrographSet, *, config: CompareSemConfig | None = None
) -> MicrographComparison:
    """Compare generated micrographs with real ones of the same conditions.

    Parameters
    ----------
    real, generated
        Sets of one bit depth and scale.
    config
        Chips, distances and intervals.

    Raises
    ------
    ValueError
        If the sets differ in depth or scale, or have no setting of their conditions in common.
    """
    config = config or CompareSemConfig()
    check_alike(real, generated)
    conditions = compared_conditions(real, generated, config)
    settings, alone = compared_settings(conditions, real, generated)
    if not settings:
        raise ValueError(
            "the sets must have a setting of their conditions in common; generated: "
            f"{'; '.join(alone)}"
        )
    edge = config.chip or _common_edge(real, generated)
    window = (float(real.settings.window[0]), float(real.settings.window[1]))
    measured = [
        _measure(each, (real, generated), edge=edge, window=window, config=config)
        for each in settings
    ]
    components = PrincipalComponents.of(
        np.concatenate([each.real.persistence for each in measured]), COMPONENTS
    )
    reads = read_conditions(
        conditions,
        [each.setting.codes for each in measured],
        [each.real for each in measured],
        [each.generated for each in measured],
    )
    rows = [
        setting_numbers(each.setting.words, each.real, each.generated, config) for each in measured
    ]
    numbers: dict[str, Any] = {
        "format": FORMAT,
        "real": _side(real),
        "generated": _side(generated),
        "conditions": [each.stored for each in conditions],
        "chip": edge,
        "window": list(window),
        "settings": rows,
        "without_real": alone,
        "components": {"share": components.share.tolist()},
        "readers": [asdict(each) for each in reads],
        "trends": trends(conditions, measured_codes(settings), rows),
        "config": config.model_dump(mode="json"),
    }
    numbers["summary"] = list(summary_of(numbers))
    pictures = tuple(_pictures(each, components, window, config) for each in measured)
    return MicrographComparison(numbers, pictures)


def _measure(
    setting: ComparedSetting,
    sides: tuple[MicrographSet, MicrographSet],
    *,
    edge: int,
    window: tuple[float, float],
    config: CompareSemConfig,
) -> _Measured:
    real, generated = (
        measured_sample(each, images, edge=edge, most=config.chips, window=window, seed=config.seed)
        for each, images in zip(sides, (setting.real, setting.generated), strict=True)
    )
    for name, each in (("real", real), ("generated", generated)):
        if len(each) < FEWEST_CHIPS:
            raise ValueError(
                f"{setting.words} must have {FEWEST_CHIPS} {name} chips of {edge} x {edge} pixels "
                f"at least, got {len(each)}; make more or larger images, or set a smaller `chip`"
            )
    return _Measured(setting, real, generated)


def _common_edge(*sets: MicrographSet) -> int:
    edges = (int(min(each.rows["height"].min(), each.rows["width"].min())) for each in sets)
    return min(EDGE, *edges)


def _side(micrographs: MicrographSet) -> dict[str, Any]:
    return {
        "name": micrographs.folder.name,
        "images": micrographs.count,
        "pixel_um": micrographs.settings.pixel_um,
        "duplicates": len(micrographs.settings.duplicates),
    }


def setting_numbers(
    words: str, real: MicrographSample, generated: MicrographSample, config: CompareSemConfig
) -> dict[str, Any]:
    """All numbers of a setting as JSON."""
    sides = {"real": real, "generated": generated}
    particles = {name: bright_particles(each.chips) for name, each in sides.items()}
    distances = [
        asdict(compared_distance(name, feature, real, generated, config))
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
        "particles": {
            name: _particle_numbers(particles[name], each, config) for name, each in sides.items()
        },
        "diversity": _diversity(sides, config),
        "areas": {name: published_areas(each.chips).tolist() for name, each in sides.items()},
    }


def _particle_numbers(
    found: BrightParticles, sample: MicrographSample, config: CompareSemConfig
) -> dict[str, Any]:
    """Number for a million pixels, share of the area and mean size, with intervals."""
    million = 1e6 / found.pixels
    return {
        "density": bootstrap_mean(found.counts * million, sample.units, config),
        "large": bootstrap_mean(found.large * million, sample.units, config),
        "area": bootstrap_mean(found.areas, sample.units, config),
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


def measured_codes(settings: Sequence[ComparedSetting]) -> NDArray[np.float64]:
    """(settings, conditions) codes."""
    return np.array([each.codes for each in settings], np.float64)


def _pictures(
    measured: _Measured,
    components: PrincipalComponents,
    window: tuple[float, float],
    config: CompareSemConfig,
) -> SettingPictures:
    sides = measured.real, measured.generated
    shown, projected = [], []
    for each in sides:
        rng = tile_generator(config.seed, SHOWING)
        order = rng.permutation(len(each))
        low, high = window
        chips = each.chips[order[:SHOWN]].astype(np.float32)
        shown.append(np.clip(255 * (chips - low) / (high - low), 0, 255).astype(np.uint8))
        projected.append(components.project(each.persistence[order[:PROJECTED]]))
    side = int(np.sqrt(measured.real.persistence.shape[1]))
    averages = np.stack([each.persistence.mean(axis=0).reshape(side, side) for each in sides])
    areas = np.stack([published_areas(each.chips) for each in sides])
    return SettingPictures(
        measured.setting.words, shown[0], shown[1], averages, (projected[0], projected[1]), areas
    )
