"""Generated micrographs against real ones, setting by setting of their conditions.

What Howland et al. judge by (section 4): average persistence images, principal components fitted to
the real ones, area above ten thresholds. And what tells how far off is far: distances beside those
of two halves of the real images, with intervals; particles; the diversity within a setting; and how
well a reader of conditions that was trained on real chips reads generated ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.compare.micrographs.classifier import read_conditions
from poroscale.compare.micrographs.config import CompareSemConfig
from poroscale.compare.micrographs.evenness import shares_between_images
from poroscale.compare.micrographs.samples import Floats
from poroscale.compare.micrographs.setting import MeasuredSetting, drawn_order, measured_setting
from poroscale.compare.micrographs.sides import ComparedSides
from poroscale.compare.micrographs.verdict import summary_of, trends
from poroscale.events import Described
from poroscale.micrographs.dataset import MicrographSet
from poroscale.statistics.topology.chips import PrincipalComponents

FORMAT = 1
PROJECTED = 200
"""Chips of a setting and side that are drawn among the components."""
COMPONENTS = 3


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


def compare_micrographs(
    real: MicrographSet, generated: MicrographSet, *, config: CompareSemConfig | None = None
) -> MicrographComparison:
    """Compare generated micrographs with real ones of the same conditions.

    Settings are measured one after the other, and only features are kept of each.

    Parameters
    ----------
    real, generated
        Sets of one bit depth and scale.
    config
        Chips, distances and intervals.

    Raises
    ------
    ValueError
        If the sets differ in depth or scale, have no setting of their conditions in common, or too
        few chips of one.
    """
    config = config or CompareSemConfig()
    return compare_sides(ComparedSides.of(real, generated, config), config)


def compare_sides(sides: ComparedSides, config: CompareSemConfig) -> MicrographComparison:
    """Compare two sets whose settings are matched; see `compare_micrographs`."""
    measured = [measured_setting(each, sides, config) for each in sides.settings]
    components = PrincipalComponents.of(
        np.concatenate([each.real.persistence for each in measured]), COMPONENTS
    )
    codes = np.array([each.codes for each in sides.settings], np.float64)
    reads = read_conditions(
        sides.conditions,
        codes,
        [each.real for each in measured],
        [each.generated for each in measured],
    )
    rows = [each.numbers for each in measured]
    numbers: dict[str, Any] = {
        "format": FORMAT,
        "real": _side(sides.real),
        "generated": _side(sides.generated),
        "conditions": [each.stored for each in sides.conditions],
        "chip": sides.edge,
        "window": list(sides.window),
        "settings": rows,
        "without_real": list(sides.alone),
        "left_out": list(sides.left_out),
        "components": {"share": components.share.tolist()},
        "readers": [asdict(each) for each in reads],
        "between_images": shares_between_images(rows),
        "trends": trends(sides.conditions, codes, rows),
        "config": config.model_dump(mode="json"),
    }
    numbers["summary"] = list(summary_of(numbers))
    pictures = tuple(_pictures(each, components, config.seed) for each in measured)
    return MicrographComparison(numbers, pictures)


def _side(micrographs: MicrographSet) -> dict[str, Any]:
    return {
        "name": micrographs.folder.name,
        "images": micrographs.count,
        "pixel_um": micrographs.settings.pixel_um,
        "duplicates": len(micrographs.settings.duplicates),
    }


def _pictures(
    measured: MeasuredSetting, components: PrincipalComponents, seed: int
) -> SettingPictures:
    sides = [each.persistence for each in (measured.real, measured.generated)]
    real, generated = (
        components.project(each[drawn_order(len(each), seed)[:PROJECTED]]) for each in sides
    )
    side = int(np.sqrt(sides[0].shape[1]))
    return SettingPictures(
        measured.numbers["words"],
        *measured.shown,
        np.stack([each.mean(axis=0).reshape(side, side) for each in sides]),
        (real, generated),
        np.array(list(measured.numbers["areas"].values())),
    )
