"""Chips of either side by setting, and what is measured of each of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.noise import tile_generator
from poroscale.kernels.topology.persistence_images import ImageGrid
from poroscale.micrographs.chips import MicrographChips
from poroscale.micrographs.dataset import MicrographSet
from poroscale.statistics.topology.chips import chips_at_once, persistence_images

PATCH_PLACES = 740
"""Stream of the places of patches."""
PATCH, PATCHES = 7, 4
"""Edge of a patch [pixels], and patches of a chip, as of the sliced-Wasserstein distance of
generators (Karras et al. 2018)."""
THRESHOLDS = 10
"""Levels above which the share of the area is taken."""
FEWEST_UNITS = 4
"""Specimens or images of a setting below which a finer unit is drawn from."""
THREADS = 2
"""Threads that find persistence images."""
HOLES = 1
"""Which of the two persistence images of a chip is compared: holes of sub-level sets (H1), which
are bright precipitates."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ChipFeatures:
    """What components and the reader of conditions need of the chips of one setting and side.

    Attributes
    ----------
    units
        int64 (n,) what each belongs to, from 0: units are drawn as wholes.
    persistence
        (n, 100) persistence images of holes.
    areas
        (n, 10) shares of each chip above ten levels of grey.
    brightness
        float32 (n,) mean level.
    """

    units: NDArray[np.int64]
    persistence: Floats
    areas: Floats
    brightness: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.units)


@dataclass(frozen=True)
class MicrographSample(ChipFeatures):
    """Features of the chips of one setting and side, which are let go.

    Attributes
    ----------
    unit
        "specimen", "image" or "chip".
    patches
        (n, 4, 49) grey values of patches, from 0 to 1.
    """

    unit: str
    patches: Floats

    @property
    def kept(self) -> ChipFeatures:
        """What is needed until all settings are measured."""
        return ChipFeatures(self.units, self.persistence, self.areas, self.brightness)

    def feature(self, name: str, chosen: NDArray[np.int64]) -> Floats:
        """Rows of a feature of some chips: "persistence", "areas" or "patches"."""
        values: Floats = getattr(self, name)[chosen]
        return values.reshape(-1, values.shape[-1])


def chosen_chips(
    micrographs: MicrographSet, images: NDArray[np.int64], edge: int, most: int
) -> tuple[MicrographChips, NDArray[np.int64]]:
    """The chips of some images, of which none is read, and the numbers of at most so many.

    They are spread evenly over the images.
    """
    view = micrographs.chips(edge, max(1, edge // 2), images=images)
    return view, spread_numbers(len(view), most)


def spread_numbers(count: int, most: int) -> NDArray[np.int64]:
    """At most so many numbers below `count`, spread evenly, rising."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).astype(np.int64))


def sample_of_chips(
    chips: NDArray[Any],
    units: tuple[str, NDArray[np.int64]],
    window: tuple[float, float],
    seed: int,
) -> MicrographSample:
    """The features of chips.

    Parameters
    ----------
    chips
        (n, edge, edge) levels.
    units
        "specimen", "image" or "chip", and int64 (n,) which of them each chip belongs to.
    window
        Levels of grey between which features are taken.
    seed
        Number from which the places of patches are drawn.
    """
    low, high = window
    grid = ImageGrid.of_values(low, high)
    holes = persistence_images(chips, grid, threads=THREADS)[:, HOLES]
    areas, brightness = [], []
    for some in in_floats(chips):
        brightness.append(some.mean(axis=(1, 2)))
        areas.append(area_curve(_grey(some, window)))
    return MicrographSample(
        units[1],
        np.ascontiguousarray(holes.reshape(len(chips), -1)),
        np.concatenate(areas),
        np.concatenate(brightness),
        units[0],
        _patches(chips, window, seed),
    )


def in_floats(chips: NDArray[Any]) -> Iterator[NDArray[np.float32]]:
    """Chips as float32, some at a time: all of them would take several times their own memory."""
    step = chips_at_once(chips[0].size)
    for first in range(0, len(chips), step):
        yield chips[first : first + step].astype(np.float32)


def _grey(levels: NDArray[np.float32], window: tuple[float, float]) -> NDArray[np.float32]:
    """Levels from 0 to 1 within the window."""
    low, high = window
    return (levels - low) / (high - low)


def units_of_chips(
    micrographs: MicrographSet, images: NDArray[np.int64]
) -> tuple[str, NDArray[np.int64]]:
    """What is drawn as a whole, and of which each chip is, by the image of each chip."""
    groups = micrographs.rows["group"][images]
    for name, column in (("specimen", groups), ("image", images)):
        if len(np.unique(column)) >= FEWEST_UNITS:
            return name, np.unique(column, return_inverse=True)[1].astype(np.int64)
    return "chip", np.arange(len(images))


def area_curve(grey: NDArray[np.float32]) -> Floats:
    """(n, 10): share of each image above ten levels between 0 and 1, neither of them."""
    levels = np.linspace(0, 1, THRESHOLDS + 2)[1:-1]
    return np.stack([(grey >= level).mean(axis=(1, 2)) for level in levels], axis=1)


def published_areas(chips: NDArray[Any]) -> Floats:
    """(10,) mean shares of the area as in Fig. 7 of the paper.

    Every image is moved to the common mean, and all are scaled together to [0, 1]; the thresholds
    are spaced evenly from 0 to 1, both of them included.
    """
    ends = [(float(each.min()), float(each.max())) for each in _centred(chips)]
    low, high = min(each[0] for each in ends), max(each[1] for each in ends)
    levels = np.linspace(0, 1, THRESHOLDS)
    above = np.zeros(THRESHOLDS, np.int64)
    for each in _centred(chips):
        grey = (each - low) / max(high - low, 1e-6)
        above += [np.count_nonzero(grey >= level) for level in levels]
    return above / chips.size


def _centred(chips: NDArray[Any]) -> Iterator[NDArray[np.float32]]:
    """Chips of mean 0, some at a time."""
    for each in in_floats(chips):
        yield each - each.mean(axis=(1, 2), keepdims=True)


def _patches(chips: NDArray[Any], window: tuple[float, float], seed: int) -> Floats:
    """(n, 4, 49) patches at random places."""
    rng = tile_generator(seed, PATCH_PLACES)
    places = rng.integers(0, chips.shape[1] - PATCH + 1, (len(chips), PATCHES, 2))
    along = np.arange(PATCH)
    rows = places[:, :, 0, None, None] + along[:, None]
    columns = places[:, :, 1, None, None] + along
    found = chips[np.arange(len(chips))[:, None, None, None], rows, columns].astype(np.float32)
    return _grey(found, window).reshape(len(chips), PATCHES, -1).astype(np.float64)
