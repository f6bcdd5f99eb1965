"""Microstructures that a trained network of SWNN makes of noise, exact for any box.

1. Each channel of noise is keyed by the seed, a stream of its own and the absolute position.
2. Mean and deviation of the noise set the phase fraction (section 2.2.3; Fig. 12 for a gradient).
3. The network gives the field on tiles that are fixed in space (`tiles.py`), from the noise around.
4. Thresholds, which belong to the model, turn the field into phases.

The noise of the authors' test scripts is N(0, 1) plus a constant; that of their training is
N(mean, deviation) of the local patterns of each target. So both numbers are settings here.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray

from poroscale.engine import load_once
from poroscale.identity import kernel
from poroscale.kernels.convolution.winograd import WinogradChain
from poroscale.kernels.fixed_tiles import computed_on_tiles
from poroscale.kernels.noise import periodic_noise
from poroscale.microstructure.swnn_folded import FoldedSwnn, winograd_chain
from poroscale.microstructure.swnn_tile import tile_bytes
from poroscale.microstructure.swnn_weights import load_swnn, swnn_shape
from poroscale.networks.swnn import TORCH_TYPES, Precision, SwnnShape
from poroscale.volume import Index, Shape

NOISE = 400
"""Stream of the first channel of noise; each further channel has the next one."""
MOST_THRESHOLDS = 254
VERSION = 1
"""Of what is computed from the weights: a change of any bit raises it."""
Period = tuple[int | None, int | None, int | None]
Arithmetic = Literal["winograd", "direct"]
ByPlace = Callable[[Index, Shape], NDArray[Any]]
Mean = float | ByPlace
Level = float | ByPlace


@kernel("microstructure.SwnnField")
@dataclass(frozen=True)
class SwnnField:
    """The field of a trained network as a sampler of float32; it pickles as a path and a checksum.

    Attributes
    ----------
    weights, digest
        File of `save_swnn`, and its checksum.
    network
        Architecture.
    tile
        Shape of the tiles that are computed [voxels]; another may change the last bits, unless
        `free_of_tiles`.
    seed
        Key of the noise.
    mean
        Mean of the noise, which sets the phase fraction: a number, or a sampler of it.
    deviation
        Standard deviation of the noise.
    condition
        Of a network with conditions: which targets it shows, from 0 for the first to their number
        less one for the last, a number or a sampler; None of any other network.
    cover
        Sampler of what the noise is multiplied with, 1 where there is to be material and 0
        elsewhere (section 3.3); None leaves it as it is.
    period
        Voxels after which the field repeats along (z, y, x); None along an axis where it does not.
    precision
        Type in which the network computes.
    device
        "cpu" or "cuda".
    arithmetic
        "winograd" computes float32 on the CPU with a third of the products, to the same accuracy;
        elsewhere, and for images, the convolutions are torch's, as with "direct".
    """

    weights: Path
    digest: str
    network: SwnnShape
    tile: Shape
    seed: int = 0
    mean: Mean = 0.0
    deviation: float = 1.0
    condition: float | ByPlace | None = None
    cover: ByPlace | None = None
    period: Period = (None, None, None)
    precision: Precision = "float32"
    device: str = "cpu"
    arithmetic: Arithmetic = "winograd"

    @classmethod
    def of(cls, weights: Path, tile: Shape | int, **settings: Any) -> Self:
        """The field of the weights in a file, on tiles of a shape or an edge.

        Raises
        ------
        ValueError
            If the file holds no weights of SWNN, or a setting is out of range.
        """
        network, digest = swnn_shape(weights)
        if isinstance(tile, int):
            tile = (tile if network.dimensions == 3 else 1, tile, tile)
        return cls(weights, digest, network, tile, **settings)

    def __post_init__(self) -> None:
        if min(self.tile) < 1 or (self.network.dimensions == 2 and self.tile[0] != 1):
            least = "1 voxel along z and positive" if self.network.dimensions == 2 else "positive"
            raise ValueError(f"`tile` must be {least}, got {self.tile}")
        if any(p is not None and p < 1 for p in self.period):
            raise ValueError(f"`period` must be at least 1 voxel, got {self.period}")
        if not (isfinite(self.deviation) and self.deviation >= 0):
            raise ValueError(f"`deviation` must be zero or positive, got {self.deviation}")
        if not callable(self.mean) and not isfinite(self.mean):
            raise ValueError(f"`mean` must be a number, got {self.mean}")
        if bool(self.network.targets) != (self.condition is not None):
            needed = "given" if self.network.targets else "left out"
            raise ValueError(f"`condition` must be {needed} for {self.network.words}")
        if self.arithmetic not in ("winograd", "direct"):
            raise ValueError(f"`arithmetic` must be winograd or direct, got {self.arithmetic!r}")
        check_device(self.device, self.precision)

    def __call__(self, origin: Index, shape: Shape) -> NDArray[np.float32]:
        """The field of a box; its origin may be negative."""
        box = computed_on_tiles(
            self.computed, origin, shape, tile=self.tile, dtype=np.float32, grain=self.grain
        )
        return np.asarray(box, np.float32)

    def but(self, **changes: Any) -> Self:
        """This field with some settings replaced."""
        return replace(self, **changes)

    @property
    def halo(self) -> Shape:
        """Voxels of noise that the network sees around a voxel along (z, y, x)."""
        reach = self.network.depth
        return (reach if self.network.dimensions == 3 else 0, reach, reach)

    def noise(self, origin: Index, shape: Shape) -> NDArray[np.float32]:
        """float32 (channels, z, y, x): what the network reads in a box, the mean included."""
        found = np.empty((self.network.noise, *shape), np.float32)
        # With this shift, a tile of whole tiles of noise begins with its halo on their lattice.
        z, y, x = (o + h for o, h in zip(origin, self.halo, strict=True))
        for channel in range(self.network.noise):
            found[channel] = periodic_noise(
                (z, y, x), shape, period=self.period, seed=self.seed, stream=NOISE + channel
            )
        if self.deviation != 1:
            found *= np.float32(self.deviation)
        found += at_place(self.mean, origin, shape)
        if self.cover is not None:
            found *= np.asarray(self.cover(origin, shape), np.float32)
        return found

    def conditions(self, origin: Index, shape: Shape) -> NDArray[np.float32]:
        """float32 (z, y, x): the conditions of a box."""
        assert self.condition is not None
        return np.array(np.broadcast_to(at_place(self.condition, origin, shape), shape))

    def computed(self, origin: Index, shape: Shape) -> NDArray[np.float32]:
        """The field of one tile; the bits of a float may depend on its shape."""
        z, y, x = (o - h for o, h in zip(origin, self.halo, strict=True))
        dz, dy, dx = (n + 2 * h for n, h in zip(shape, self.halo, strict=True))
        network = self._loaded()
        if isinstance(network, WinogradChain):
            return network.computed(
                lambda first, count: self.noise((z + first, y, x), (count, dy, dx)),
                shape,
                (lambda first, count: self.conditions((z + first, y, x), (count, dy, dx))[None])
                if callable(self.condition)
                else None,
            )
        noise = self.noise((z, y, x), (dz, dy, dx))
        places = None
        if callable(self.condition):
            places = torch.from_numpy(self.conditions((z, y, x), (dz, dy, dx)))
        # A plane of a network of two dimensions is an image of its own.
        batch = noise[None] if self.network.dimensions == 3 else np.moveaxis(noise, 0, 1)
        if self.device == "cpu" and torch.get_num_threads() != 1:
            torch.set_num_threads(1)  # of this thread and those that begin later
        values = network(torch.from_numpy(np.ascontiguousarray(batch)), places)
        return np.asarray(values.reshape(shape).cpu().numpy(), np.float32)

    @property
    def by_winograd(self) -> bool:
        """Whether the convolutions are Winograd's."""
        plain = self.precision == "float32" and self.device == "cpu"
        return self.arithmetic == "winograd" and plain and self.network.dimensions == 3

    @property
    def free_of_tiles(self) -> bool:
        """Whether every tile of even edges gives the same bytes, so that the memory may choose."""
        return self.by_winograd and not any(edge % 2 for edge in self.tile)

    @property
    def grain(self) -> int | None:
        """Voxels of which a part of a tile is a multiple; None where tiles are computed whole."""
        return 2 if self.free_of_tiles else None

    @property
    def recipe(self) -> Mapping[str, Any]:
        """Parameters from which the field follows; what varies by place tells its own `recipe`."""
        varying = {"condition": self.condition, "cover": self.cover}
        return {
            "version": VERSION,
            "weights": self.digest,
            "tile": "even" if self.free_of_tiles else list(self.tile),
            "seed": self.seed,
            "mean": told_of(self.mean),
            "deviation": self.deviation,
            "period": list(self.period),
            "precision": self.precision,
            "device": self.device,
            "arithmetic": "winograd" if self.by_winograd else f"torch {torch.__version__}",
            **{name: told_of(value) for name, value in varying.items() if value is not None},
        }

    @property
    def held(self) -> int:
        """Bytes that all workers share beside the weights."""
        return 0

    @property
    def need(self) -> int:
        """Bytes that a worker takes for a tile."""
        return tile_bytes(
            self.network,
            self.tile,
            self.precision,
            winograd=self.by_winograd,
            modulated=callable(self.condition),
        )

    def _loaded(self) -> FoldedSwnn | WinogradChain:
        recipe = {
            "swnn": self.digest,
            "condition": self._one_condition,
            "precision": self.precision,
            "device": self.device,
            "winograd": self.by_winograd,
        }
        return load_once(recipe, self._load)

    @property
    def _one_condition(self) -> float | None:
        return None if callable(self.condition) else self.condition

    def _load(self) -> FoldedSwnn | WinogradChain:
        network, digest = load_swnn(self.weights)
        if digest != self.digest:
            raise OSError(f"{self.weights} was replaced while it was in use")
        condition = self._one_condition
        if self.by_winograd:
            return winograd_chain(network, condition)
        return FoldedSwnn(network, condition, precision=self.precision, device=self.device)


@kernel("microstructure.SwnnSampler")
@dataclass(frozen=True)
class SwnnSampler:
    """Phases 0 to n - 1 by ascending grey: how many thresholds the field reaches.

    Attributes
    ----------
    field
        The field.
    thresholds
        n - 1 ascending values of the field, fitted once and stored with the model: numbers, or
        samplers where they vary by place.
    """

    field: SwnnField
    thresholds: tuple[Level, ...] = (0.0,)

    def __post_init__(self) -> None:
        values = [each for each in self.thresholds if not callable(each)]
        ascending = all(a < b for a, b in itertools.pairwise(values))
        if (
            not 1 <= len(self.thresholds) <= MOST_THRESHOLDS
            or not ascending
            or not all(map(isfinite, values))
        ):
            raise ValueError(
                f"`thresholds` must be 1 to {MOST_THRESHOLDS} ascending numbers, got "
                f"{self.thresholds}"
            )

    def __call__(self, origin: Index, shape: Shape) -> NDArray[np.uint8]:
        """The phases of a box; its origin may be negative."""
        tile, grain = self.field.tile, self.field.grain
        box = computed_on_tiles(self._phases, origin, shape, tile=tile, dtype=np.uint8, grain=grain)
        return np.asarray(box, np.uint8)

    def covered(self, cover: ByPlace) -> Self:
        """The same phases of noise that is multiplied with a cover."""
        return replace(self, field=self.field.but(cover=cover))

    def _phases(self, origin: Index, shape: Shape) -> NDArray[np.uint8]:
        field = self.field.computed(origin, shape)
        phases = np.zeros(shape, np.uint8)
        for level in self.thresholds:
            phases += field >= at_place(level, origin, shape)
        return phases

    @property
    def tile(self) -> Shape:
        """Shape of the tiles that are computed [voxels]."""
        return self.field.tile

    @property
    def need(self) -> int:
        """Bytes that a worker takes for a tile."""
        return self.field.need

    @property
    def held(self) -> int:
        """Bytes that all workers share beside the weights."""
        return 0

    @property
    def recipe(self) -> Mapping[str, Any]:
        """Parameters from which the phases follow."""
        levels = [told_of(each) for each in self.thresholds]
        return {"field": dict(self.field.recipe), "thresholds": levels}


def at_place(value: float | ByPlace, origin: Index, shape: Shape) -> NDArray[np.float32]:
    """A number, or what its sampler gives in a box, as float32 that broadcast to it."""
    return np.asarray(value(origin, shape) if callable(value) else value, np.float32)


def told_of(value: float | ByPlace) -> Any:
    """A number, or the recipe of its sampler, as JSON."""
    return getattr(value, "recipe", None) if callable(value) else value


def check_device(device: str, precision: Precision) -> None:
    """Refuse a device that is not there, and a precision that it does not have.

    Raises
    ------
    ValueError
        If this machine lacks one or the other.
    """
    if device not in ("cpu", "cuda"):
        raise ValueError(f"`device` must be cpu or cuda, got {device!r}")
    if precision not in TORCH_TYPES:
        raise ValueError(f"`precision` must be one of {[*TORCH_TYPES]}, got {precision!r}")
    if device == "cuda":
        if not torch.cuda.is_available():
            raise ValueError("`device` must be cpu on this machine, which has no GPU; got cuda")
        return
    if precision != "float32" and not computes_half(precision):
        raise ValueError(
            "`precision` must be float32 on this processor, which has no arithmetic of "
            f"{precision} and would imitate it a hundred times slower"
        )


def computes_half(precision: Precision) -> bool:
    """Whether this processor multiplies numbers of half precision by itself."""
    capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    names = {
        "bfloat16": ("avx512_bf16", "amx_bf16", "bf16"),
        "float16": ("avx512_fp16", "amx_fp16", "fp16"),
    }
    return any(capabilities.get(name) for name in names[precision])
