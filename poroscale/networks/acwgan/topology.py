"""A second critic, of topological features: the persistence images of what the generator makes.

A hole is born at a saddle and closed at a maximum. Both are pixels, so that the births and deaths
of a diagram are grey values of the image, and a gradient goes through the persistence image to
these pixels. Which pixels they are is found apart from torch, on whole numbers, in threads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from poroscale.networks.acwgan.embedding import ConditionEmbedding
from poroscale.networks.adversarial.penalty import layer_slopes

SIDE = 10
"""Pixels along each side of a persistence image."""
HIDDEN = 64
"""Width of the layers of the critic."""
SMALLEST = 1e-9
"""Share of a Gaussian that counts as none."""
SPAN = 2.0
"""From the darkest to the brightest grey value."""


@dataclass(frozen=True)
class HolePlaces:
    """Where the holes of a batch of images are born and closed.

    Attributes
    ----------
    births, deaths
        int64 (p,) places in the flat batch, image by image.
    counts
        Holes of each image.
    """

    births: Tensor
    deaths: Tensor
    counts: tuple[int, ...]

    @classmethod
    def of(
        cls, births: NDArray[np.int64], deaths: NDArray[np.int64], counts: NDArray[np.int64]
    ) -> HolePlaces:
        """The places that `kernels.topology.image_pairs.hole_places` found."""
        born, closed = (torch.from_numpy(np.ascontiguousarray(each)) for each in (births, deaths))
        return cls(born, closed, tuple(counts.tolist()))


def persistence_of_places(images: Tensor, places: HolePlaces) -> Tensor:
    """Persistence images (n, 100) of holes, as gradients of which images (n, 1, y, x) can learn.

    As `kernels.topology.persistence_images` for grey values from -1 to 1: Gaussians as wide as a
    pixel, weighted by persistence. Row 0 holds the lowest persistence, column 0 the lowest birth.
    """
    flat = images.reshape(-1).float()
    device = flat.device
    births = flat[places.births.to(device)]
    spans = flat[places.deaths.to(device)] - births
    columns = _shares(births, -1.0, 1.0)
    rows = _shares(spans, 0.0, SPAN) * spans[:, None]
    # A product for each image: one for each hole would take a hundred numbers of memory.
    first, second = (_by_image(each, places.counts) for each in (rows, columns))
    return torch.bmm(first.mT, second).flatten(1)


def _by_image(values: Tensor, counts: tuple[int, ...]) -> Tensor:
    """(n, most, 10) of rows (p, 10), image by image, with zeros for images with fewer."""
    most = max(1, *counts)
    many = torch.tensor(counts)
    starts = torch.arange(len(counts)) * most - (many.cumsum(0) - many)
    at = (torch.arange(len(values)) + starts.repeat_interleave(many)).to(values.device)
    padded = values.new_zeros(len(counts) * most, values.shape[1])
    return padded.index_copy(0, at, values).reshape(len(counts), most, -1)


def _shares(at: Tensor, low: float, high: float) -> Tensor:
    """(p, 10) share of a Gaussian at each place that falls to each pixel."""
    edges = torch.linspace(low, high, SIDE + 1, device=at.device)
    sigma = (high - low) / SIDE
    below = torch.special.ndtr((edges - at[:, None]) / sigma)
    shares = below.diff(dim=1)
    # The far ends of a Gaussian are numbers with which processors take a hundred times as long.
    return torch.where(shares > SMALLEST, shares, 0.0)


class TopologyCritic(nn.Module):
    """Persistence images and conditions to a score.

    Parameters
    ----------
    classes, width
        Levels of the conditions, and numbers of an embedding.
    """

    def __init__(self, classes: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.embedding = ConditionEmbedding(classes, width)
        self.layers = nn.Sequential(
            nn.Linear(SIDE * SIDE + width * len(classes), HIDDEN),
            nn.LeakyReLU(0.2),
            nn.Linear(HIDDEN, HIDDEN),
            nn.LeakyReLU(0.2),
            nn.Linear(HIDDEN, 1),
        )

    def forward(self, persistence: Tensor, codes: Tensor) -> Tensor:
        """(n,) scores of persistence images (n, 100), whose pixels are of the order of one."""
        found: Tensor = self.layers(self._told(persistence, codes))[:, 0]
        return found

    def slopes(self, persistence: Tensor, codes: Tensor) -> Tensor:
        """(n, 100) gradients of the scores by the persistence images; see `layer_slopes`."""
        told = self._told(persistence, codes).detach()
        found = layer_slopes([*self.layers], told, told.new_ones(len(told), 1))
        return found[:, : persistence.shape[1]]

    def _told(self, persistence: Tensor, codes: Tensor) -> Tensor:
        return torch.cat([persistence, self.embedding(codes)], dim=1)
