"""A levelled field as a sampler: phases of any box from noise that is keyed by position."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from poroscale.engine import load_once
from poroscale.identity import kernel
from poroscale.kernels.fixed_tiles import computed_on_tiles
from poroscale.kernels.gaussian.filtering import filtered, padded_shape, transfer
from poroscale.kernels.noise import periodic_noise
from poroscale.microstructure.shares import Share, Shares
from poroscale.microstructure.tiles import TilePlan, choose_tile, tile_plan
from poroscale.training import load_weights
from poroscale.volume import Index, Shape

NOISE = 500
"""Stream of the first field; each further field has the next one."""
EDGES = tuple(range(64, 417, 32))
"""Edges of tiles among which the plan chooses [voxels]."""
TRANSFORM_BYTES = 16.0
"""Bytes per voxel of a transform: the noise, its spectrum, and what comes back."""
VERSION = 2
Period = tuple[int | None, int | None, int | None]


@kernel("microstructure.LevelledField")
@dataclass(frozen=True)
class LevelledField:
    """Phases 0 to n - 1 of a levelled field; it pickles as a path and a checksum.

    Attributes
    ----------
    weights, digest
        File of the kernels, and its checksum.
    order
        Phases in the order in which they are taken.
    reaches
        Reach of the kernel of each field [voxels].
    shares
        Fractions that are wanted.
    tile
        Shape of the tiles that are transformed; another tile may change the last bits.
    seed
        Key of the noise.
    period
        Voxels after which the medium repeats along (z, y, x); None where it does not.
    """

    weights: Path
    digest: str
    order: tuple[int, ...]
    reaches: tuple[int, ...]
    shares: Shares
    tile: Shape
    seed: int = 0
    period: Period = (None, None, None)

    def __call__(self, origin: Index, shape: Shape) -> NDArray[np.uint8]:
        """The phases of a box; its origin may be negative."""
        box = computed_on_tiles(self._phases, origin, shape, tile=self.tile, dtype=np.uint8)
        return np.asarray(box, np.uint8)

    def but(self, **changes: Any) -> Self:
        """This sampler with some settings replaced."""
        return replace(self, **changes)

    def field(self, number: int, origin: Index, shape: Shape) -> NDArray[np.float32]:
        """One of the fields on a tile: normal values of mean 0 and variance 1."""
        reach = self.reaches[number]
        kernel_shape = (2 * reach + 1,) * 3
        z, y, x = (o - reach for o in origin)
        dz, dy, dx = (n + 2 * reach for n in shape)
        noise = np.zeros(padded_shape(shape, kernel_shape), np.float32)
        noise[:dz, :dy, :dx] = periodic_noise(
            (z, y, x), (dz, dy, dx), period=self.period, seed=self.seed, stream=NOISE + number
        )
        found = filtered(noise, self._transfer(number, noise.shape), shape, kernel_shape)
        scale = self._scale(number)
        return found if scale == 1.0 else found * np.float32(scale)

    def _phases(self, origin: Index, shape: Shape) -> NDArray[np.uint8]:
        """Phases of one tile: what is taken first is painted last."""
        shares = self.shares.of_box(origin, shape)
        phases = np.full(shape, self.order[-1], np.uint8)
        left: Share = shares[self.order[-1]]
        for number in reversed(range(len(self.order) - 1)):
            phase = self.order[number]
            left = left + shares[phase]
            level = np.asarray(ndtri(np.asarray(shares[phase] / left, np.float64)), np.float32)
            phases[self.field(number, origin, shape) < level] = phase
        return phases

    @property
    def recipe(self) -> Mapping[str, Any]:
        """Parameters from which the phases follow."""
        return {
            "version": VERSION,
            "weights": self.digest,
            "order": list(self.order),
            "shares": dict(self.shares.recipe),
            "tile": list(self.tile),
            "seed": self.seed,
            "period": list(self.period),
        }

    @property
    def need(self) -> int:
        """Bytes that a worker takes for a tile."""
        return transform_bytes(self.tile, self.reaches)

    @property
    def held(self) -> int:
        """Bytes of the transforms of the kernels, which all workers of a process share."""
        return held_bytes(self.tile, self.reaches)

    def _scale(self, number: int) -> float:
        """Factor that gives a field of a period its variance of 1.

        Where the period is shorter than the kernel, a voxel of noise counts several times.
        """
        size = 2 * self.reaches[number] + 1
        if all(n is None or n >= size for n in self.period):
            return 1.0
        key = {"field": self.digest, "period": list(self.period), "number": number}
        return load_once(key, lambda: folded_scale(self._kernel(number), self.period))

    def _transfer(self, number: int, shape: tuple[int, ...]) -> NDArray[np.complex64]:
        """Transform of a kernel for noise of a shape; those of all kernels are one model."""
        tile = list(self.tile)
        if padded_shape(self.tile, (2 * self.reaches[number] + 1,) * 3) != shape:
            z, y, x = shape
            return transfer(self._kernel(number), (z, y, x))
        return load_once({"field": self.digest, "tile": tile}, self._transfers)[number]

    def _transfers(self) -> list[NDArray[np.complex64]]:
        return [
            transfer(self._kernel(k), padded_shape(self.tile, (2 * reach + 1,) * 3))
            for k, reach in enumerate(self.reaches)
        ]

    def _kernel(self, number: int) -> NDArray[np.float32]:
        tensors, card = load_weights(self.weights)
        if card["sha256"] != self.digest:
            raise OSError(f"{self.weights} was replaced while it was in use")
        return np.asarray(tensors[f"kernel_{number}"].numpy(), np.float32)


def folded_scale(kernel: NDArray[np.float32], period: Period) -> float:
    """One over the root of the sum of squares of a kernel that is folded to a period.

    Parameters
    ----------
    kernel
        float32 (z, y, x) of unit sum of squares.
    period
        Voxels after which the noise repeats along each axis; None where it does not.
    """
    folded = kernel.astype(np.float64)
    for axis, length in enumerate(period):
        if length is not None:
            places = np.arange(folded.shape[axis]) % length
            shape = [*folded.shape]
            shape[axis] = length
            summed = np.zeros(shape)
            np.add.at(np.moveaxis(summed, axis, 0), places, np.moveaxis(folded, axis, 0))
            folded = summed
    return float(1 / np.sqrt(np.sum(folded**2)))


def _padded(tile: Shape, reach: int) -> int:
    return prod(padded_shape(tile, (2 * reach + 1,) * 3))


def transform_bytes(tile: Shape, reaches: tuple[int, ...]) -> int:
    """Bytes that a tile takes while one of its fields is computed."""
    return int(TRANSFORM_BYTES * _padded(tile, max(reaches)) + 10 * prod(tile))


def held_bytes(tile: Shape, reaches: tuple[int, ...]) -> int:
    """Bytes of the transforms of all kernels."""
    return sum(5 * _padded(tile, reach) for reach in reaches)


def field_tile(
    reaches: tuple[int, ...], *, allowed: int, workers: int, edges: tuple[int, ...] = EDGES
) -> TilePlan:
    """The tile whose halo costs least among those that fit the memory.

    Raises
    ------
    MemoryError
        If none fits.
    """

    def work(tile: Shape) -> float:
        return float(sum(_padded(tile, reach) for reach in reaches))

    def need(tile: Shape) -> int:
        return transform_bytes(tile, reaches) + held_bytes(tile, reaches) // workers

    return choose_tile(
        tile_plan(
            (edge, edge, edge),
            need=need,
            work=work,
            own_work=float(len(reaches)),
            allowed=allowed,
            workers=workers,
        )
        for edge in edges
    )
