"""The convolutional network of SWNN (Ma et al., sections 2.3.2 and 3.1), and its folded form.

White noise on three channels goes through `depth` convolutions of 3³ without padding, each with
normalisation and leaky ReLU, and one convolution of 1³. The network has one scale: what it gives at
a voxel depends on the noise within `depth` voxels and on nothing else, its place included.

Text and authors' code differ. The text normalises after the activation, and also in the last block
(eqs. 13 and 14). The code, and therefore the published weights, normalise before the activation,
from the second convolution on; this module follows the code.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

DEPTH, WIDTH, NOISE_CHANNELS = 8, 24, 3
"""As published: 111,361 numbers that are trained."""
SLOPE = 0.01
"""Of the leaky ReLU below zero."""
EDGE_A, EDGE_B = 3, 1
"""Receptive fields R_A and R_B of the two kinds of blocks [voxels]."""
Precision = Literal["float32", "bfloat16", "float16"]
TORCH_TYPES = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


def depth_for(autocorrelation: float) -> int:
    """Number of 3³ convolutions for a material (eq. 12), at least one.

    Parameters
    ----------
    autocorrelation
        Distance at which the autocorrelation has died away [voxels]; the published depth of 8
        belongs to 16 < distance <= 18.

    Raises
    ------
    ValueError
        If it is not a positive number.
    """
    if not 0 < autocorrelation < math.inf:
        raise ValueError(f"autocorrelation distance must be positive, got {autocorrelation}")
    return max(1, math.ceil((autocorrelation - EDGE_B - 1) / (EDGE_A - 1)))


@dataclass(frozen=True)
class SwnnShape:
    """Architecture of a network.

    Attributes
    ----------
    depth
        Convolutions of 3³ (3² in two dimensions).
    width
        Channels between them.
    noise
        Channels of noise.
    dimensions
        2 for images, 3 for volumes.
    targets
        Sets of patterns, at least two, that a condition tells apart; 0 for a network without one.
    """

    depth: int = DEPTH
    width: int = WIDTH
    noise: int = NOISE_CHANNELS
    dimensions: int = 3
    targets: int = 0

    def __post_init__(self) -> None:
        if min(self.depth, self.width, self.noise) < 1 or self.dimensions not in (2, 3):
            raise ValueError(
                "a network of SWNN must have a depth, a width and channels of noise of at least 1 "
                f"in 2 or 3 dimensions, got {self}"
            )
        if self.targets < 0 or self.targets == 1:
            raise ValueError(f"`targets` must be 0 or at least 2, got {self.targets}")

    @property
    def words(self) -> str:
        """The architecture in words."""
        targets = f", conditions for {self.targets} targets" if self.targets else ""
        return (
            f"{self.dimensions} dimensions, {self.noise} channels of noise, {self.depth} "
            f"convolutions of {self.width} channels{targets}"
        )

    @property
    def recipe(self) -> dict[str, int]:
        """The architecture as JSON; `targets` where there are some."""
        return {name: value for name, value in asdict(self).items() if name != "targets" or value}


class _TargetNorm(nn.Module):
    """A normalisation of its own for each target: statistics, factors and shifts."""

    def __init__(self, width: int, targets: int, dimensions: int) -> None:
        super().__init__()
        normalisation = nn.BatchNorm3d if dimensions == 3 else nn.BatchNorm2d
        self.of = nn.ModuleList(normalisation(width) for _ in range(targets))

    def forward(self, values: Tensor, targets: Sequence[int]) -> Tensor:
        """Each item of the batch with the normalisation of its target, each target once."""
        found = [self.of[k](each[None]) for k, each in zip(targets, values, strict=True)]
        return torch.cat(found)


class _Block(nn.Module):
    """Convolution of 3³ without padding, normalisation (but in the first block), leaky ReLU."""

    def __init__(self, before: int, shape: SwnnShape, *, normalise: bool) -> None:
        super().__init__()
        convolution = nn.Conv3d if shape.dimensions == 3 else nn.Conv2d
        normalisation = nn.BatchNorm3d if shape.dimensions == 3 else nn.BatchNorm2d
        self.convolution = convolution(before, shape.width, EDGE_A)
        self.normalisation: nn.Module = nn.Identity()
        if normalise and shape.targets:
            self.normalisation = _TargetNorm(shape.width, shape.targets, shape.dimensions)
        elif normalise:
            self.normalisation = normalisation(shape.width)

    def forward(self, values: Tensor, targets: Sequence[int]) -> Tensor:
        found: Tensor = self.convolution(values)
        of_target = isinstance(self.normalisation, _TargetNorm)
        found = self.normalisation(found, targets) if of_target else self.normalisation(found)
        return functional.leaky_relu(found, SLOPE)


class Swnn(nn.Module):
    """Noise to grey values: -1 is the darkest phase of the image, 1 the brightest.

    Parameters
    ----------
    shape
        Architecture; the published one by default.
    """

    def __init__(self, shape: SwnnShape | None = None) -> None:
        super().__init__()
        self.shape = shape = shape or SwnnShape()
        widths = [shape.noise, *[shape.width] * shape.depth]
        self.blocks = nn.ModuleList(
            _Block(before, shape, normalise=i > 0) for i, before in enumerate(widths[:-1])
        )
        last = nn.Conv3d if shape.dimensions == 3 else nn.Conv2d
        self.last = last(shape.width, 1, EDGE_B)

    def forward(self, noise: Tensor, targets: Sequence[int] = ()) -> Tensor:
        """(n, 1, z, y, x) from (n, noise, z + 2 depth, y + 2 depth, x + 2 depth); 2D without z.

        `targets` has the number of the target of each of the n, for a network with a condition.
        """
        values = noise
        for block in self.blocks:
            values = block(values, targets)
        found: Tensor = self.last(values)
        return found

    def load_published(self, arrays: Mapping[str, NDArray[np.generic]], *, name: str = "") -> None:
        """Take weights with the names of the authors' state dictionary; see `from_published`."""
        self.load_state_dict(from_published(arrays, self.shape, name=name))


def published_shape(arrays: Mapping[str, NDArray[np.generic]], *, name: str = "") -> SwnnShape:
    """Architecture of weights with the names of the authors' state dictionary.

    Raises
    ------
    ValueError
        If they are not such weights.
    """
    first = arrays.get("cb1_1.conv.weight")
    if first is None or first.ndim not in (4, 5):
        raise ValueError(f"{name or 'weights'} must be those of SWNN: cb1_1.conv.weight is missing")
    depth = 1
    while f"cb{depth + 1}_1.conv.weight" in arrays:
        depth += 1
    return SwnnShape(depth, first.shape[0], first.shape[1], first.ndim - 2)


def from_published(
    arrays: Mapping[str, NDArray[np.generic]], shape: SwnnShape | None = None, *, name: str = ""
) -> dict[str, Tensor]:
    """State of `Swnn` from arrays with the names of the authors' state dictionary.

    Parameters
    ----------
    arrays
        cb1_1.conv.weight to last_conv.bias.
    shape
        Architecture that is wanted; None takes that of the arrays.
    name
        File of the weights, for errors.

    Raises
    ------
    ValueError
        If the weights are those of another architecture.
    """
    found = published_shape(arrays, name=name)
    shape = shape or found
    wanted = Swnn(shape).state_dict()
    state = {_our_name(key): torch.from_numpy(np.array(value)) for key, value in arrays.items()}
    sizes = {key: tuple(value.shape) for key, value in state.items()}
    if found != shape or sizes != {key: tuple(value.shape) for key, value in wanted.items()}:
        raise ValueError(
            f"{name or 'weights'} must be those of a network of SWNN with {shape.words}, "
            f"got {found.words}, or other layers"
        )
    return state


def _our_name(theirs: str) -> str:
    block, _, rest = theirs.partition(".")
    if block == "last_conv":
        return f"last.{rest}"
    number = block.removeprefix("cb").removesuffix("_1")
    kind, _, what = rest.partition(".")
    kind = {"conv": "convolution", "bn": "normalisation"}.get(kind, kind)
    return f"blocks.{int(number) - 1 if number.isdigit() else number}.{kind}.{what}"
