"""Crops of images, cut as they are needed: what the critics of SliceGAN take for real.

A crop's place follows from the seed and its number alone. Crops are never held in advance; an image
is, as one byte a voxel, if it is small.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np
import torch
from torch import Tensor

from poroscale.kernels.noise import tile_generator
from poroscale.microstructure.field.observed import PLANES
from poroscale.microstructure.slicegan.grey import Codes, Coding
from poroscale.volume import Index, Shape, Volume

CROPS = 602
"""Stream of the places of crops."""
WINDOW, SEEN_PIXELS = 1024, 1 << 22
"""Edge of a large part of a slice at most, and pixels of all of them, from which S2 is counted."""
HELD_BYTES = 64 << 20
"""An image that takes no more is held."""
Source = tuple[int, int]
"""Number of an image, and its axis across which it is sliced."""


def sources_of(planes: Sequence[str | None], *, isotropic: bool) -> list[list[Source]]:
    """For slices across z, y and x of a volume, the images whose crops they should resemble.

    Two sections, of which one is yx, are those of a medium whose directions across z are alike: the
    other one stands for zx and zy. Slices across z have no critic if there is no section of yx.

    Parameters
    ----------
    planes
        Plane of each image; None of a volume, which has all three.
    isotropic
        All images stand for all directions.

    Raises
    ------
    ValueError
        If an anisotropic medium is shown by sections of one plane.
    """
    found: list[list[Source]] = [[], [], []]
    for number, plane in enumerate(planes):
        for axis in range(3):
            if plane is None:
                found[axis].append((number, axis))
            elif PLANES[axis] == plane:
                found[axis].append((number, 0))
    if isotropic:
        return [[each for one in found for each in one]] * 3
    if sum(map(bool, found)) < 2:
        raise ValueError(
            "`isotropic` must be true for sections of one plane alone; directions that differ take "
            "sections of two planes at least"
        )
    found[1], found[2] = found[1] or found[2], found[2] or found[1]
    return found


@dataclass(frozen=True)
class CropSettings:
    """What is cut.

    Attributes
    ----------
    edge
        Voxels along an edge.
    crops
        Crops for each direction and step of a critic.
    critic_steps, steps
        Steps of the critics for each one of the generator, and steps of the generator in an epoch.
    turned
        Whether crops are turned and mirrored.
    seed
        Number from which places are drawn.
    """

    edge: int
    crops: int
    critic_steps: int
    steps: int
    turned: bool = False
    seed: int = 0


class SliceCrops:
    """The crops of each epoch.

    Parameters
    ----------
    images
        Images; a section is a volume of one slice.
    coding
        Their phases, or their grey levels.
    sources
        For each direction its images, by `sources_of`.
    settings
        What is cut.

    Raises
    ------
    ValueError
        If an image is smaller than a crop.
    """

    def __init__(
        self,
        images: Sequence[Volume],
        coding: Coding,
        sources: Sequence[Sequence[Source]],
        settings: CropSettings,
    ) -> None:
        self._images, self._coding, self.sources = images, coding, sources
        self.settings = settings
        for number, axis in {each for one in sources for each in one}:
            across = [n for k, n in enumerate(images[number].shape) if k != axis]
            if min(across) < settings.edge:
                raise ValueError(
                    f"image {number + 1} must be at least {settings.edge} voxels wide, the edge "
                    f"of the critic's slices, got {tuple(across)}; take fewer layers in `critic`"
                )
        small = [prod(each.shape) <= HELD_BYTES for each in images]
        self._held: list[Codes | None] = [
            coding.codes(each.read()) if held else None
            for each, held in zip(images, small, strict=True)
        ]

    def __call__(self, epoch: int) -> Iterator[Tensor]:
        """uint8 (critic steps, 3, crops, edge, edge) for each step of the generator."""
        for step in range(self.settings.steps):
            steps = [
                self.drawn((epoch, step, k), self.settings.crops)
                for k in range(self.settings.critic_steps)
            ]
            yield torch.from_numpy(np.stack(steps))

    def drawn(self, key: Index, count: int) -> Codes:
        """uint8 (3, count, edge, edge) codes; zeros for a direction without images."""
        edge = self.settings.edge
        found = np.zeros((3, count, edge, edge), np.uint8)
        choice = tile_generator(self.settings.seed, CROPS, key)
        for axis, sources in enumerate(self.sources):
            for number in range(count if sources else 0):
                found[axis, number] = self._crop(sources, choice)
        return found

    def windows(self, source: Source) -> Iterator[Codes]:
        """uint8 (rows, columns) large parts of slices of an image, the whole of a small one.

        They are spread over the image evenly, up to about `SEEN_PIXELS`.
        """
        number, across = source
        shape = self._images[number].shape
        extent = [1 if axis == across else min(n, WINDOW) for axis, n in enumerate(shape)]
        starts = [
            sorted({min(first, n - e) for first in range(0, n, e)})
            for n, e in zip(shape, extent, strict=True)
        ]
        places = list(product(*starts))
        count = max(1, min(len(places), SEEN_PIXELS // prod(extent)))
        for k in range(count):
            z, y, x = places[(2 * k + 1) * len(places) // (2 * count)]
            part = self._read(number, (z, y, x), (extent[0], extent[1], extent[2]))
            yield part.reshape([n for axis, n in enumerate(extent) if axis != across])

    def _crop(self, sources: Sequence[Source], choice: np.random.Generator) -> Codes:
        number, across = sources[int(choice.integers(len(sources)))]
        edge, shape = self.settings.edge, self._images[number].shape
        extent = [1 if axis == across else edge for axis in range(3)]
        first = [int(choice.integers(n - e + 1)) for n, e in zip(shape, extent, strict=True)]
        crop = self._read(number, (first[0], first[1], first[2]), (extent[0], extent[1], extent[2]))
        crop = crop.reshape(edge, edge)
        if self.settings.turned:
            crop = np.rot90(crop, int(choice.integers(4)))
            crop = crop.T if choice.integers(2) else crop
        return crop

    def _read(self, number: int, first: Index, shape: Shape) -> Codes:
        held = self._held[number]
        if held is None:
            return self._coding.codes(self._images[number].read(first, shape))
        return held[tuple(slice(o, o + n) for o, n in zip(first, shape, strict=True))]
