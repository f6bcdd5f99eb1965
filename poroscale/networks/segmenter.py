"""The contract of every segmentation network: its loss, and its values over a window.

A window's values are averaged with those of overlapping windows; `finish` makes a score of the
average. Supervised networks give the logit of a pore. Unsupervised ones give their reconstruction
of the grey values, so that the score, the difference of scan and reconstruction, is taken once from
the averaged reconstruction (section 3.4 of the pore-segmentation paper).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from poroscale.networks.tversky import FocalTversky, supervised_loss

LARGEST_LOGIT = 16.0
"""Logits are cut here: a probability of 1e-7."""

Floats = NDArray[np.float32]


class Segmenter(nn.Module, ABC):
    """A network for patches of one channel, grey values in [0, 1].

    Attributes
    ----------
    supervised
        True if the network is trained on labels.
    bound
        Largest magnitude of a window's values.
    outside
        Value of a window that lies wholly outside the part.
    edge
        Edge of the patches [voxels].
    multiple, smallest
        Number of which edges are multiples, and the smallest edge [voxels].
    halo
        For a purely convolutional network the voxels around a voxel that its value depends on, a
        multiple of `multiple`; None where it depends on the whole patch. Tiles agree if their
        origins are multiples of `multiple`, too, for pooling counts from the origin.

    Raises
    ------
    ValueError
        If the edge is none that the network can have.
    """

    supervised: ClassVar[bool]
    bound: ClassVar[float]
    outside: ClassVar[float]
    multiple: ClassVar[int] = 8
    smallest: ClassVar[int] = 16
    halo: ClassVar[int | None] = None

    def __init__(self, edge: int) -> None:
        super().__init__()
        if edge < self.smallest or edge % self.multiple:
            raise ValueError(
                f"edge of {type(self).__name__} must be a multiple of {self.multiple} and "
                f"at least {self.smallest}, got {edge}"
            )
        self.edge = edge

    @abstractmethod
    def loss(self, patches: Tensor, truth: Tensor | None = None) -> dict[str, Tensor]:
        """The loss and its parts.

        Parameters
        ----------
        patches
            (n, 1, edge, edge, edge) grey values in [0, 1], float32.
        truth
            True pores, of the same shape: 1 in pores. Unsupervised networks do not look at it.

        Returns
        -------
        dict
            "loss", and by name what it is made of.
        """

    @abstractmethod
    def window_values(self, patches: Tensor) -> Tensor:
        """(n, edge, edge, edge) float32 values that are averaged over windows."""

    @staticmethod
    @abstractmethod
    def finish(values: Floats) -> Floats:
        """Averaged values to what is stored, in [0, 1]."""


class SupervisedSegmenter(Segmenter):
    """A network that is trained on labels; `forward` gives logits, the finest first.

    Attributes
    ----------
    criterion
        The focal Tversky loss.
    """

    supervised = True
    bound = LARGEST_LOGIT
    outside = -LARGEST_LOGIT

    def __init__(self, edge: int) -> None:
        super().__init__(edge)
        self.criterion = FocalTversky()

    @abstractmethod
    def forward(self, patches: Tensor) -> tuple[Tensor, ...]:
        """Logits (n, 1, edge, edge, edge) of every supervised depth, the finest first."""

    def loss(self, patches: Tensor, truth: Tensor | None = None) -> dict[str, Tensor]:  # noqa: D102
        if truth is None:
            raise ValueError(f"{type(self).__name__} is supervised and must be given the truth")
        return supervised_loss(self(patches), truth, self.criterion)

    def window_values(self, patches: Tensor) -> Tensor:  # noqa: D102
        finest: Tensor = self(patches)[0][:, 0]
        return finest.float().clamp(-self.bound, self.bound)

    @staticmethod
    def finish(values: Floats) -> Floats:
        """Logits to probabilities."""
        return np.asarray(1 / (1 + np.exp(-values)), np.float32)


class Autoencoder(Segmenter):
    """A network that learns to reproduce patches, and fails at pores."""

    supervised = False
    bound = 1.0
    outside = 0.0

    @abstractmethod
    def reconstruct(self, patches: Tensor) -> Tensor:
        """(n, 1, edge, edge, edge) in [0, 1]: the same for the same patches."""

    def window_values(self, patches: Tensor) -> Tensor:  # noqa: D102
        return self.reconstruct(patches)[:, 0].float()

    @staticmethod
    def finish(values: Floats) -> Floats:
        """Reconstructed grey values as they are."""
        return np.clip(values, 0, 1)


def absolute_difference(patches: Tensor, found: Tensor) -> Tensor:
    """Mean absolute difference (L1)."""
    return torch.mean(torch.abs(patches - found))
