"""Generated micrographs as a sampler of a stack of images, exact for any box.

1. Noises lie on a lattice in each image, one for `cell` pixels along either axis; each is keyed by
   the seed, the number of the image and the absolute place.
2. The pixels [cell · t, cell · (t + n)) along an axis follow from the noises t to t + n + 1, and
   two more for each layer of a body, and from no others.
3. So tiles of whole cells are computed from their noises and these along each axis, and images
   of any size have no seam.

A generator of one noise makes images of one size: a tile is the image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from poroscale.engine import load_once
from poroscale.engine.plan import MIB
from poroscale.identity import kernel
from poroscale.kernels.fixed_tiles import computed_on_tiles
from poroscale.kernels.plane_noise import plane_noise
from poroscale.micrographs.gan.levels import GreyWindow
from poroscale.micrographs.gan.model import MicrographModel, load_generator
from poroscale.micrographs.gan.training import trained_on
from poroscale.networks.acwgan.generator import MicrographGenerator
from poroscale.networks.acwgan.shape import (
    FIRST_EDGE,
    GRAIN_REACH,
    MicrographGanShape,
)
from poroscale.volume import Index, Shape

LOCAL, WHOLE, GRAIN = 730, 731, 780
"""Streams of the noises of places, of what an image shares, and of pixels. Those of the layers
follow that of the pixels, the finest first."""
LATENT_TILE = 8
"""Edge of a tile of noises. Part of the definition of the images."""
TILE = 128
"""Edge of a tile of an image, or the next multiple of a cell [pixels]."""
LIBRARY_BYTES = 64 * MIB
"""What torch's convolutions keep beside the values."""


@kernel("micrographs.GeneratedMicrographs")
@dataclass(frozen=True)
class GeneratedMicrographs:
    """Images along the first axis, each of a setting of its own.

    Attributes
    ----------
    weights, digest
        File of the generator, and its checksum.
    network
        Architecture.
    window
        Grey levels.
    codes
        Codes of the conditions of each image.
    height, width
        Of every image [pixels].
    seed
        Key of the noises.
    device
        "cpu" or "cuda".
    """

    weights: Path
    digest: str
    network: MicrographGanShape
    window: GreyWindow
    codes: tuple[tuple[float, ...], ...]
    height: int
    width: int
    seed: int = 0
    device: str = "cpu"

    @classmethod
    def of(
        cls,
        model: MicrographModel,
        codes: Sequence[tuple[float, ...]],
        size: tuple[int, int] | None = None,
        **settings: Any,
    ) -> Self:
        """The sampler of a model.

        Parameters
        ----------
        model
            The model.
        codes
            Codes of the conditions of each image.
        size
            Height and width [pixels]; None takes those of the chips of the training.
        settings
            Seed and device.

        Raises
        ------
        ValueError
            If the generator makes images of one size and another is asked for.
        OSError
            If the weights are not those that were written.
        """
        edge, shape = model.settings.edge, model.shape
        height, width = size or (edge, edge)
        if shape.latents == "one" and (height, width) != (edge, edge):
            raise ValueError(
                f"`size` must be {edge} {edge}: {model.folder} has one noise for an image; train a "
                f"model with `latents: lattice` for other sizes, got {height} {width}"
            )
        weights = model.weights.absolute()
        _, digest = load_generator(weights)
        return cls(weights, digest, shape, model.window, tuple(codes), height, width, **settings)

    def __post_init__(self) -> None:
        if min(self.height, self.width) < 1 or not self.codes:
            raise ValueError(
                f"`size` must be positive and `count` 1 at least, got {self.height} "
                f"{self.width} and {len(self.codes)}"
            )
        trained_on(self.device)

    @property
    def shape(self) -> Shape:
        """Images, rows and columns."""
        return len(self.codes), self.height, self.width

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return self.window.dtype

    @property
    def tile(self) -> Shape:
        """Shape of the tiles that are computed [pixels]."""
        edge = -(-TILE // self.network.cell) * self.network.cell
        return (
            (1, edge, edge) if self.network.latents == "lattice" else (1, self.height, self.width)
        )

    def __call__(self, origin: Index, shape: Shape) -> NDArray[Any]:
        """Levels (images, y, x) of a box; rows and columns may be negative on a lattice."""
        return np.asarray(
            computed_on_tiles(self.computed, origin, shape, tile=self.tile, dtype=self.dtype)
        )

    def computed(self, origin: Index, shape: Shape) -> NDArray[Any]:
        """Levels of one tile."""
        image, y, x = origin
        network = self._loaded()
        if self.device == "cpu" and torch.get_num_threads() != 1:
            torch.set_num_threads(1)  # of this thread and those that begin later
        told = torch.tensor([self.codes[image]], dtype=torch.float32)
        noise = torch.from_numpy(self.noise(image, (y, x), shape[1:]))[None]
        with torch.inference_mode():
            made = network(
                noise.to(self.device), told.to(self.device), self.grain(image, (y, x), shape[1:])
            )
        return self.window.to_levels(made[0].float().cpu().numpy())

    def noise(
        self, image: int, origin: tuple[int, int], shape: tuple[int, int]
    ) -> NDArray[np.float32]:
        """float32 (noise, l, m): the noises of a tile of an image."""
        network, key = self.network, {"layer": image, "seed": self.seed}
        if network.latents == "one":
            return plane_noise((0, 0), (1, 1), channels=network.noise, edge=1, stream=WHOLE, **key)
        first = origin[0] // network.cell, origin[1] // network.cell
        count = tuple(n // network.cell + network.margin for n in shape)
        found = plane_noise(
            first,
            (count[0], count[1]),
            channels=network.noise,
            edge=LATENT_TILE,
            stream=LOCAL,
            **key,
        )
        if network.shared:
            found[: network.shared] = plane_noise(
                (0, 0), (1, 1), channels=network.shared, edge=1, stream=WHOLE, **key
            )
        return found

    def grain(
        self, image: int, origin: tuple[int, int], shape: tuple[int, int]
    ) -> list[torch.Tensor] | None:
        """float32 (1, grain, y, x): noises of the places of each layer, and of the pixels, of a
        tile; None of a model without."""
        network = self.network
        if not network.grain:
            return None
        rows, columns = (network.grain_of(each) for each in shape)
        firsts = [
            tuple(each * 2**k // network.cell for each in origin) for k in range(1, len(rows))
        ]
        firsts.append((origin[0] - GRAIN_REACH, origin[1] - GRAIN_REACH))
        found = []
        for level, (first, size) in enumerate(
            zip(firsts, zip(rows, columns, strict=True), strict=True)
        ):
            noises = plane_noise(
                (first[0], first[1]),
                size,
                channels=network.grain,
                layer=image,
                seed=self.seed,
                stream=GRAIN + len(rows) - 1 - level,
            )
            found.append(torch.from_numpy(noises)[None].to(self.device))
        return found

    @property
    def recipe(self) -> Mapping[str, Any]:
        """Parameters from which the images follow."""
        return {
            "sampler": "micrographs.GeneratedMicrographs",
            "version": 1,
            "weights": self.digest,
            "window": [self.window.low, self.window.high, self.window.bits],
            "codes": [list(each) for each in self.codes],
            "tile": list(self.tile),
            "seed": self.seed,
            "device": self.device,
            "arithmetic": f"torch {torch.__version__}",
        }

    @property
    def need(self) -> int:
        """Bytes that a worker takes for a tile: two layers at a time, and what torch keeps."""
        return LIBRARY_BYTES + 3 * _layer_bytes(self.network, self.tile)

    @property
    def held(self) -> int:
        """Bytes of the weights, which all workers of a process share."""
        network = self.network
        body = sum(4 * 9 * a * b for a, b in pairwise([network.told, *network.body]))
        return body + sum(4 * 16 * a * b for a, b in network.channels)

    def _loaded(self) -> MicrographGenerator:
        recipe = {"micrographs": self.digest, "device": self.device}
        return load_once(recipe, self._load)

    def _load(self) -> MicrographGenerator:
        network, digest = load_generator(self.weights)
        if digest != self.digest:
            raise OSError(f"{self.weights} was replaced while it was in use")
        return network.to(self.device)


def _layer_bytes(network: MicrographGanShape, tile: Shape) -> int:
    """Bytes of the largest layer of a tile."""
    lattice = network.latents == "lattice"
    largest = 4 * max(1, network.grain) * prod(n + 2 * GRAIN_REACH for n in tile[1:])
    if lattice:
        places = prod(n // network.cell + network.margin for n in tile[1:])
        largest = max(largest, 4 * places * max(network.told, *network.body, 0))
    for number, width in enumerate(network.generator):
        scale = 2 ** (number + 1) / network.cell if lattice else FIRST_EDGE * 2**number / tile[1]
        rows, columns = (n * scale + 4 for n in tile[1:])
        largest = max(largest, int(4 * (width + network.grain) * rows * columns))
    return largest
