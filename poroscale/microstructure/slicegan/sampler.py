"""SliceGAN as a sampler, exact for any box.

1. Latents lie on a lattice in space, one for `cell` voxels along each axis (32 with five layers).
   Each channel is keyed by the seed and the absolute position.
2. The voxels [cell · T, cell · (T + n)) along an axis follow from the latents T to T + n + 1 and
   from no others: what the network gives for these latents, nothing cut away.
3. So tiles of whole cells are computed from their latents and two more along each axis.
4. Shares of phases may be averaged around each voxel (`smoothing.py`), which takes a cell more at
   each face.
5. Biases, which belong to the model, decide for one phase (`biases.py`); thresholds for one level
   of grey (`grey.py`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from typing_extensions import override

from poroscale.engine import load_once
from poroscale.identity import kernel
from poroscale.kernels.convolution.transposed import TransposedChain
from poroscale.kernels.fixed_tiles import computed_on_tiles
from poroscale.kernels.noise import periodic_noise
from poroscale.kernels.phases.largest import largest_phases
from poroscale.microstructure.slicegan.biases import PhaseBiases
from poroscale.microstructure.slicegan.grey import LEVELS
from poroscale.microstructure.slicegan.smoothing import radius_of, smoothed_scores
from poroscale.microstructure.slicegan.tile import slicegan_held_bytes, slicegan_tile_bytes
from poroscale.microstructure.slicegan.weights import load_slicegan, slicegan_shape
from poroscale.microstructure.swnn import check_device
from poroscale.networks.slicegan.generator import (
    FoldedGenerator,
    SliceGanShape,
    SliceGenerator,
    folded_generator,
)
from poroscale.networks.swnn import Precision
from poroscale.volume import Index, Shape

LATENTS = 600
"""Stream of the latents. Channel c of the latent (z, y, x) is the noise at (z, y, x · channels +
c): a few latents of all channels take few tiles of noise."""
VERSION = 1
PLAIN = tuple(
    float(np.float32(each)) for each in np.arctanh(2 * (np.arange(LEVELS - 1) + 0.5) / 255 - 1)
)
"""Scores from which on tanh, from 0 to 255 and rounded, gives the levels 1 to 255. In the precision
of scores: the last bit of a double differs between processors."""
Period = tuple[int | None, int | None, int | None]
Arithmetic = Literal["paired", "direct"]


@dataclass(frozen=True)
class SliceGanScores:
    """What a trained generator gives before its softmax; it pickles as a path and a checksum.

    Attributes
    ----------
    weights, digest
        File of `save_slicegan`, and its checksum.
    network
        Architecture.
    tile
        Shape of the tiles that are computed [voxels], whole cells; any gives the same bytes where
        `free_of_tiles`.
    seed
        Key of the latents.
    period
        Voxels after which the medium repeats along (z, y, x), whole cells; None along an axis where
        it does not.
    precision
        Type in which the network computes.
    device
        "cpu" or "cuda".
    arithmetic
        "paired" computes float32 on the CPU with less than half of the products, to the same
        accuracy; elsewhere the convolutions are torch's, as with "direct".
    """

    weights: Path
    digest: str
    network: SliceGanShape
    tile: Shape
    seed: int = 0
    period: Period = (None, None, None)
    precision: Precision = "float32"
    device: str = "cpu"
    arithmetic: Arithmetic = "paired"

    @classmethod
    def of(cls, weights: Path, tile: Shape | int, **settings: Any) -> Self:
        """The scores of the weights in a file, on tiles of a shape or an edge.

        Raises
        ------
        ValueError
            If the file holds no weights of SliceGAN, or a setting is out of range.
        """
        network, digest = slicegan_shape(weights)
        tile = (tile, tile, tile) if isinstance(tile, int) else tile
        return cls(weights, digest, network, tile, **settings)

    def __post_init__(self) -> None:
        cell = self.network.cell
        if any(edge < 1 or edge % cell for edge in self.tile):
            raise ValueError(f"`tile` must be a multiple of {cell} voxels, got {self.tile}")
        if any(p is not None and (p < 1 or p % cell) for p in self.period):
            raise ValueError(
                f"a period must be a multiple of {cell} voxels, as the model has one latent for "
                f"{cell} voxels along each axis, got {self.period}"
            )
        if self.arithmetic not in ("paired", "direct"):
            raise ValueError(f"`arithmetic` must be paired or direct, got {self.arithmetic!r}")
        check_device(self.device, self.precision)

    def but(self, **changes: Any) -> Self:
        """These scores with some settings replaced."""
        return replace(self, **changes)

    def latents(self, first: Index, count: Shape) -> NDArray[np.float32]:
        """float32 (channels, z, y, x) of the latents from `first` on."""
        channels, cell = self.network.latent, self.network.cell
        z, y, x = (None if p is None else p // cell for p in self.period)
        noise = periodic_noise(
            (first[0], first[1], first[2] * channels),
            (count[0], count[1], count[2] * channels),
            period=(z, y, None if x is None else x * channels),
            seed=self.seed,
            stream=LATENTS,
        )
        return np.moveaxis(noise.reshape(*count, channels), -1, 0)

    def computed(self, origin: Index, shape: Shape) -> NDArray[np.float32]:
        """float32 (z, y, x, channels) of one tile of whole cells."""
        cell = self.network.cell
        z, y, x = (o // cell for o in origin)
        dz, dy, dx = (n // cell + 2 for n in shape)
        latents = self.latents((z, y, x), (dz, dy, dx))
        network = self._loaded()
        if isinstance(network, TransposedChain):
            return network(latents)
        if self.device == "cpu" and torch.get_num_threads() != 1:
            torch.set_num_threads(1)  # of this thread and those that begin later
        values = network(torch.from_numpy(np.ascontiguousarray(latents))[None])
        return np.moveaxis(values[0].cpu().numpy(), 0, -1)

    @property
    def by_pairs(self) -> bool:
        """Whether neighbours share products."""
        plain = self.precision == "float32" and self.device == "cpu"
        return self.arithmetic == "paired" and plain

    @property
    def free_of_tiles(self) -> bool:
        """Whether every tile gives the same bytes, so that the memory may choose."""
        return self.by_pairs

    @property
    def grain(self) -> int | None:
        """Voxels of which a part of a tile is a multiple; None where tiles are computed whole."""
        return self.network.cell if self.free_of_tiles else None

    @property
    def recipe(self) -> Mapping[str, Any]:
        """Parameters from which the scores follow."""
        return {
            "version": VERSION,
            "weights": self.digest,
            "tile": "any" if self.free_of_tiles else list(self.tile),
            "seed": self.seed,
            "period": list(self.period),
            "precision": self.precision,
            "device": self.device,
            "arithmetic": "paired" if self.by_pairs else f"torch {torch.__version__}",
        }

    @property
    def need(self) -> int:
        """Bytes that a worker takes for a tile."""
        return slicegan_tile_bytes(self.network, self.tile, self.precision, paired=self.by_pairs)

    @property
    def held(self) -> int:
        """Bytes of the weights, which all workers of a process share."""
        return slicegan_held_bytes(self.network, self.precision, paired=self.by_pairs)

    def _loaded(self) -> FoldedGenerator | TransposedChain:
        recipe = {
            "slicegan": self.digest,
            "precision": self.precision,
            "device": self.device,
            "paired": self.by_pairs,
        }
        return load_once(recipe, self._load)

    def _load(self) -> FoldedGenerator | TransposedChain:
        network, digest = load_slicegan(self.weights)
        if digest != self.digest:
            raise OSError(f"{self.weights} was replaced while it was in use")
        if self.by_pairs:
            return chain_of(network)
        return FoldedGenerator(network, precision=self.precision, device=self.device)


def chain_of(network: SliceGenerator) -> TransposedChain:
    """The convolutions of a trained generator, whose neighbours share products."""
    shape = network.shape
    layers = ((weight.numpy(), bias.numpy()) for weight, bias in folded_generator(network))
    return TransposedChain.of(layers, (shape.latent, *shape.widths, shape.channels))


class _FromScores(ABC):
    """What is made of scores, voxel by voxel."""

    scores: SliceGanScores

    def __call__(self, origin: Index, shape: Shape) -> NDArray[np.uint8]:
        """uint8 (z, y, x) values of a box; its origin may be negative."""
        tile, grain = self.tile, self.scores.grain
        box = computed_on_tiles(
            self.computed, origin, shape, tile=tile, dtype=np.uint8, grain=grain
        )
        return np.asarray(box, np.uint8)

    @abstractmethod
    def computed(self, origin: Index, shape: Shape) -> NDArray[np.uint8]:
        """Values of one tile, or of a part of it of whole cells."""

    @property
    def tile(self) -> Shape:
        """Shape of the tiles that are computed [voxels]."""
        return self.scores.tile

    @property
    def need(self) -> int:
        """Bytes that a worker takes for a tile."""
        return self.scores.need

    @property
    def held(self) -> int:
        """Bytes of the weights, which all workers of a process share."""
        return self.scores.held


@kernel("microstructure.SliceGanSampler")
@dataclass(frozen=True)
class SliceGanSampler(_FromScores):
    """Phases 0 to n - 1 by ascending grey: which has the largest score, biases added.

    Attributes
    ----------
    scores
        The scores.
    biases
        What is added to them, fitted on the reference sample of the model.
    smoothing
        Width by which the shares of phases are averaged before [voxels].
    """

    scores: SliceGanScores
    biases: PhaseBiases
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        network = self.scores.network
        if network.output != "phases" or len(self.biases.values) != network.channels:
            raise ValueError(
                f"`biases` must be one for each of {network.channels} {network.output}, got "
                f"{len(self.biases.values)}"
            )

    @override
    def computed(self, origin: Index, shape: Shape) -> NDArray[np.uint8]:
        z, y, x = (o - self._margin for o in origin)
        dz, dy, dx = (n + 2 * self._margin for n in shape)
        scores = self.scores.computed((z, y, x), (dz, dy, dx))
        if self.smoothing:
            beyond = self._margin - radius_of(self.smoothing)
            kept = tuple(slice(beyond, n - beyond) for n in scores.shape[:3])
            scores = smoothed_scores(np.ascontiguousarray(scores[kept]), self.smoothing)
        return largest_phases(scores, self.biases.of_box(origin, shape))

    @property
    def _margin(self) -> int:
        """Voxels beyond a tile that smoothing asks for: whole cells."""
        cell = self.scores.network.cell
        return -(-radius_of(self.smoothing) // cell) * cell

    @property
    def need(self) -> int:
        """Bytes that a worker takes for a tile."""
        if not self.smoothing:
            return self.scores.need
        z, y, x = (edge + 2 * self._margin for edge in self.tile)
        averaged = 8 * self.scores.network.channels * z * y * x
        return self.scores.but(tile=(z, y, x)).need + averaged

    @property
    def recipe(self) -> Mapping[str, Any]:
        """Parameters from which the phases follow."""
        found = {"scores": dict(self.scores.recipe), "biases": dict(self.biases.recipe)}
        return found | ({"smoothing": self.smoothing} if self.smoothing else {})


@kernel("microstructure.SliceGanGrey")
@dataclass(frozen=True)
class SliceGanGrey(_FromScores):
    """Grey levels 0 to 255 of a generator with tanh: how many thresholds a score has come to.

    Attributes
    ----------
    scores
        The scores.
    thresholds
        Ascending scores from which on a voxel has the levels 1 to 255, fitted on the reference
        sample of the model; those of tanh, if none are given.
    """

    scores: SliceGanScores
    thresholds: tuple[float, ...] = PLAIN

    def __post_init__(self) -> None:
        if self.scores.network.output != "grey":
            raise ValueError(f"{self.scores.weights} must hold a generator of grey values")
        if len(self.thresholds) != LEVELS - 1:
            raise ValueError(
                f"`thresholds` must be {LEVELS - 1} scores, got {len(self.thresholds)}"
            )

    @override
    def computed(self, origin: Index, shape: Shape) -> NDArray[np.uint8]:
        scores = np.ascontiguousarray(self.scores.computed(origin, shape)[..., 0])
        thresholds = np.array(self.thresholds, np.float32)
        return np.searchsorted(thresholds, scores, side="right").astype(np.uint8)

    @property
    def recipe(self) -> Mapping[str, Any]:
        """Parameters from which the grey values follow."""
        return {"scores": dict(self.scores.recipe), "thresholds": list(self.thresholds)}
