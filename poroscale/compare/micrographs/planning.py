"""Memory of a comparison of micrographs, as it follows from the tables: no image is read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poroscale.compare.micrographs.config import CompareSemConfig
from poroscale.compare.micrographs.distances import largest_resamples
from poroscale.compare.micrographs.matching import ComparedSetting
from poroscale.compare.micrographs.samples import (
    PATCH,
    PATCHES,
    THREADS,
    THRESHOLDS,
    chosen_chips,
    units_of_chips,
)
from poroscale.compare.micrographs.setting import SHOWN
from poroscale.compare.micrographs.sides import ComparedSides
from poroscale.kernels.topology.persistence_images import SIDE
from poroscale.micrographs.chips import DENSE
from poroscale.micrographs.dataset import MicrographSet
from poroscale.statistics.topology.chips import chips_at_once

KEPT = 8 * (SIDE**2 + THRESHOLDS + 2)
"""Bytes of the features of a chip that are kept until all settings are measured."""
OF_PATCHES = 8 * PATCHES * PATCH**2
"""Bytes of the patches of a chip."""
OF_PARTICLES = 2
"""Bytes for each pixel of the sizes of particles that are as small and dense as can be."""
SWEEPING, OF_PAIRS, OF_LEVEL = 40, 20, 240
"""Bytes for each pixel of the chips whose persistence a thread finds at a time, of noise; then for
each of them while its pairs are painted, and for each level of grey that a pixel may have."""
COMPARING = 16 << 20
"""Bytes of the kernels of a distance, and of the pairs of chips that tell the diversity."""
READING, DECOMPOSING = 2700, 4100
"""Bytes for each chip while conditions are read, and for each real one while components are found,
as measured."""


@dataclass(frozen=True)
class ComparisonBytes:
    """Memory of a comparison of micrographs.

    Attributes
    ----------
    settings, chips, edge
        Number of settings, most chips of a setting and side, and edge of a chip [pixels].
    setting
        Bytes of the setting that takes most, while it is measured.
    kept
        Bytes of what is kept of all settings.
    after
        Bytes of components and readers, once all are measured.
    """

    settings: int
    chips: int
    edge: int
    setting: int
    kept: int
    after: int

    @classmethod
    def of(cls, sides: ComparedSides, config: CompareSemConfig) -> ComparisonBytes:
        """The memory of a comparison of two sets."""
        each = [_SettingChips.of(one, sides, config) for one in sides.settings]
        real, generated = (sum(len(one.units[k]) for one in each) for k in (0, 1))
        shown = 2 * SHOWN * sides.edge**2 * len(each)
        return cls(
            len(each),
            max(one.most for one in each),
            sides.edge,
            max(one.bytes(sides, config) for one in each),
            KEPT * (real + generated) + shown,
            max(READING * (real + generated), DECOMPOSING * real),
        )

    @property
    def peak(self) -> int:
        """Bytes at the most, those of the page apart."""
        return self.kept + max(self.setting, self.after)


@dataclass(frozen=True)
class _SettingChips:
    """Of both sides: what each chip belongs to, and pixels of the largest image."""

    units: list[NDArray[np.int64]]
    pixels: list[int]

    @classmethod
    def of(
        cls, setting: ComparedSetting, sides: ComparedSides, config: CompareSemConfig
    ) -> _SettingChips:
        units, pixels = [], []
        for micrographs, images in (
            (sides.real, setting.real),
            (sides.generated, setting.generated),
        ):
            view, numbers = chosen_chips(micrographs, images, sides.edge, config.chips)
            units.append(units_of_chips(micrographs, view.lattice.places(numbers)[:, 0])[1])
            pixels.append(_largest(micrographs, images))
        return cls(units, pixels)

    @property
    def most(self) -> int:
        """Chips of the larger side."""
        return max(map(len, self.units))

    def bytes(self, sides: ComparedSides, config: CompareSemConfig) -> int:
        """Features of both sides, beside the chips of one or samples of both."""
        pixel = sides.real.settings.bits // 8
        chips = [
            _chip_bytes(len(units), sides.edge, pixel, largest)
            for units, largest in zip(self.units, self.pixels, strict=True)
        ]
        drawn = largest_resamples(self.units, config)
        projected = 2 * 8 * PATCHES * config.directions
        samples = COMPARING + OF_PATCHES * sum(drawn) + (OF_PATCHES + projected) * max(drawn)
        return (KEPT + OF_PATCHES) * sum(map(len, self.units)) + max(*chips, samples)


def _chip_bytes(chips: int, edge: int, pixel: int, largest: int) -> int:
    """Bytes of the chips of a side, and of what is done to them, where images are not larger."""
    box = min(int(DENSE * chips * edge**2), largest) * pixel
    step = min(chips, chips_at_once(edge**2))
    some, threads = step * edge**2, min(-(-chips // step), THREADS)
    swept = threads * max(SWEEPING * some, OF_PAIRS * some + OF_LEVEL * 256**pixel)
    return chips * edge**2 * (pixel + OF_PARTICLES) + max(box, swept)


def _largest(micrographs: MicrographSet, images: NDArray[np.int64]) -> int:
    height, width = (
        micrographs.rows[side][images].astype(np.int64) for side in ("height", "width")
    )
    return int((height * width).max())
