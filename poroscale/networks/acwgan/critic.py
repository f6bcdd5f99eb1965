"""The critics: an image to a score and, for each condition, logits or a number.

The published one is "several-layer convolutional"; here it has convolutions of 4² with stride 2 and
leaky ReLUs, without normalisation, which the penalty of gradients does not allow across a batch.
The ablation takes a ResNet-18 (He et al. 2016), whose batch normalisation is therefore one over
groups of channels, and whose weights begin at random: weights from photographs are not needed for
grey chips, and the paper found both worse.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from poroscale.networks.acwgan.shape import FIRST_EDGE, MicrographGanShape

SLOPE = 0.2
GROUPS = 8
"""Groups of channels of a normalisation."""


class MicrographCritic(nn.Module):
    """Images to a score and heads.

    Parameters
    ----------
    shape
        Architecture.
    """

    def __init__(self, shape: MicrographGanShape) -> None:
        super().__init__()
        self.shape = shape
        if shape.critic_kind == "resnet18":
            self.body: nn.Module = ResNetBody(shape.critic)
            seen = shape.critic[-1]
        else:
            layers: list[nn.Module] = []
            for a, b in itertools.pairwise([1, *shape.critic]):
                layers += [nn.Conv2d(a, b, 4, 2, 1), nn.LeakyReLU(SLOPE)]
            self.body = nn.Sequential(*layers, nn.Flatten())
            seen = shape.critic[-1] * FIRST_EDGE**2
        self.score = nn.Linear(seen, 1)
        self.heads = nn.ModuleList(nn.Linear(seen, outputs) for outputs in shape.heads)

    def forward(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Scores (n,), and (n, levels) or (n, 1) of each condition, of images (n, 1, y, x)."""
        seen = self.body(images)
        return self.score(seen)[:, 0], [head(seen) for head in self.heads]

    def scores(self, images: Tensor) -> Tensor:
        """The scores (n,) alone."""
        found: Tensor = self.score(self.body(images))[:, 0]
        return found


class ResNetBody(nn.Module):
    """The convolutions of a ResNet-18 for one channel, averaged over the image.

    Parameters
    ----------
    widths
        Channels of the four stages.
    """

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, widths[0], 7, 2, 3, bias=False),
            _normalisation(widths[0]),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, 1),
        )
        pairs = itertools.pairwise([widths[0], *widths])
        self.stages = nn.Sequential(
            *(
                nn.Sequential(ResNetBlock(a, b, 1 if k == 0 else 2), ResNetBlock(b, b, 1))
                for k, (a, b) in enumerate(pairs)
            )
        )

    def forward(self, images: Tensor) -> Tensor:
        """(n, channels of the last stage)."""
        found: Tensor = self.stages(self.stem(images))
        return found.mean(dim=(2, 3))


class ResNetBlock(nn.Module):
    """Two convolutions of 3² beside a short cut."""

    def __init__(self, before: int, behind: int, stride: int) -> None:
        super().__init__()
        self.way = nn.Sequential(
            nn.Conv2d(before, behind, 3, stride, 1, bias=False),
            _normalisation(behind),
            nn.ReLU(),
            nn.Conv2d(behind, behind, 3, 1, 1, bias=False),
            _normalisation(behind),
        )
        self.short: nn.Module = nn.Identity()
        if stride != 1 or before != behind:
            self.short = nn.Sequential(
                nn.Conv2d(before, behind, 1, stride, bias=False), _normalisation(behind)
            )

    def forward(self, values: Tensor) -> Tensor:
        """(n, behind, y, x)."""
        return torch.relu(self.way(values) + self.short(values))


def _normalisation(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(GROUPS if channels % GROUPS == 0 else 1, channels)
