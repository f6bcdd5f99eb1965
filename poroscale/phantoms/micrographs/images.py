"""Phantom micrographs as a sampler of a stack of images, exact for any box, with their truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.identity import kernel
from poroscale.kernels.noise import tile_generator
from poroscale.kernels.plane_noise import plane_noise, smooth_plane_noise
from poroscale.phantoms.micrographs.law import Population
from poroscale.phantoms.micrographs.precipitates import (
    CONTRAST,
    LARGE,
    X,
    Y,
    paint_precipitate,
    precipitates_near,
)
from poroscale.volume import Index, Shape

WHITE, TEXTURE, BRIGHTNESS = 701, 702, 703
"""Streams of the noise, and of what an image as a whole is brighter by."""
BAND = 256
"""Rows that the truth is counted over at a time."""


@dataclass(frozen=True)
class MicrographTruth:
    """What an image truly shows.

    Attributes
    ----------
    count
        Precipitates whose centre lies in the image.
    large
        Large ones among them.
    area_fraction
        Share of the pixels that lie in a precipitate by half at least.
    pixels
        Pixels of the image.
    """

    count: int
    large: int
    area_fraction: float
    pixels: int

    @property
    def density(self) -> float:
        """Precipitates for each million pixels."""
        return 1e6 * self.count / self.pixels


@kernel("phantoms.PhantomMicrographs")
@dataclass(frozen=True)
class PhantomMicrographs:
    """Images along the first axis, each of a population of its own.

    Attributes
    ----------
    populations
        Law of each image.
    height, width
        Of every image [pixels].
    seed
        Number from which all images are drawn.
    bits
        8 or 16 for each pixel; the levels of 16 bits are those of 8 bits times 256.
    jitter
        Standard deviation of the brightness between images [levels of 8 bits].
    """

    populations: tuple[Population, ...]
    height: int
    width: int
    seed: int = 0
    bits: int = 8
    jitter: float = 3.0

    def __post_init__(self) -> None:
        if self.bits not in (8, 16):
            raise ValueError(f"bits must be 8 or 16, got {self.bits}")
        if not self.populations or min(self.height, self.width) < 1:
            raise ValueError(
                "phantom micrographs must be one image of one pixel at least, got "
                f"{len(self.populations)} of {self.height} x {self.width}"
            )

    @property
    def shape(self) -> Shape:
        """Images, rows and columns."""
        return len(self.populations), self.height, self.width

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return np.dtype(np.uint8 if self.bits == 8 else np.uint16)

    @property
    def recipe(self) -> Mapping[str, Any]:
        """Parameters from which the images follow."""
        return {
            "populations": [each.recipe for each in self.populations],
            "seed": self.seed,
            "bits": self.bits,
            "jitter": self.jitter,
        }

    def __call__(self, origin: Index, shape: Shape) -> NDArray[Any]:
        """Levels (images, y, x) of a box; the same whatever box is asked for."""
        box = np.empty(shape, self.dtype)
        for k in range(shape[0]):
            box[k] = self._plane(origin[0] + k, origin[1:], shape[1:])
        return box

    def shares(
        self, image: int, origin: tuple[int, int], shape: tuple[int, int]
    ) -> NDArray[np.float32]:
        """float32 (y, x): the share of each pixel of a box that precipitates cover."""
        return self._painted(image, origin, shape, brightness=False)

    def truth(self, image: int) -> MicrographTruth:
        """What the image shows, from its precipitates and not from its pixels."""
        population = self.populations[image]
        whole = (self.height, self.width)
        found = precipitates_near((0, 0), whole, population=population, seed=self.seed, image=image)
        inside = np.ones(len(found), bool)
        for column, n in zip((Y, X), whole, strict=True):
            inside &= (found[:, column] >= 0) & (found[:, column] < n)
        covered = 0
        for y in range(0, self.height, BAND):
            rows = min(BAND, self.height - y)
            covered += int((self.shares(image, (y, 0), (rows, self.width)) >= 0.5).sum())
        pixels = self.height * self.width
        large = int(found[inside, LARGE].sum())
        return MicrographTruth(int(inside.sum()), large, covered / pixels, pixels)

    def _plane(self, image: int, origin: tuple[int, int], shape: tuple[int, int]) -> NDArray[Any]:
        law, key = self.populations[image], {"layer": image, "seed": self.seed}
        brighter = tile_generator(self.seed, BRIGHTNESS, (image, 0, 0)).standard_normal()
        found = self._painted(image, origin, shape, brightness=True)
        found += np.float32(law.background + self.jitter * brighter)
        found += np.float32(law.noise) * plane_noise(origin, shape, stream=WHITE, **key)[0]
        found += np.float32(law.texture) * smooth_plane_noise(
            origin, shape, stream=TEXTURE, sigma=law.texture_sigma, **key
        )
        factor = 1 if self.bits == 8 else 256
        return np.clip(np.rint(factor * found), 0, 2**self.bits - 1).astype(self.dtype)

    def _painted(
        self, image: int, origin: tuple[int, int], shape: tuple[int, int], *, brightness: bool
    ) -> NDArray[np.float32]:
        found = precipitates_near(
            origin, shape, population=self.populations[image], seed=self.seed, image=image
        )
        box = np.zeros(shape, np.float32)
        for one in found:
            first, share = paint_precipitate(one)
            into, out_of = _common(origin, shape, first, share.shape)
            if brightness:
                share = share * np.float32(one[CONTRAST])
            # The brightest covers the others: a maximum does not depend on the order.
            np.maximum(box[into], share[out_of], out=box[into])
        return box


def _common(
    origin: tuple[int, int], shape: tuple[int, int], first: tuple[int, int], size: tuple[int, ...]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """What a frame and a box share, as slices of the box and of the frame."""
    into, out_of = [], []
    for o, n, f, s in zip(origin, shape, first, size, strict=True):
        start, stop = max(o, f), max(o, f, min(o + n, f + s))
        into.append(slice(start - o, stop - o))
        out_of.append(slice(start - f, stop - f))
    return tuple(into), tuple(out_of)
