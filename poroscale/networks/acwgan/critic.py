"""The critics: an image to a score and, for each condition, logits or a number.

The published one is "several-layer convolutional"; here it has convolutions of 4² with stride 2 and
leaky ReLUs, without normalisation, which the penalty of gradients does not allow across a batch.
The ablation takes a ResNet-18 (He et al. 2016), whose batch normalisation is therefore one over
groups of channels, and whose weights begin at random: weights from photographs are not needed for
grey chips, and the paper found both worse.

A critic that is told the conditions by a projection (Miyato and Koyama 2018) judges an image as one
of its setting. The published one judges it as one of any setting, and leaves the conditions to its
heads. These raise what tells settings apart, also where it is rare (Gong et al. 2019).
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from poroscale.networks.acwgan.embedding import ConditionEmbedding
from poroscale.networks.acwgan.shape import FIRST_EDGE, MicrographGanShape
from poroscale.networks.adversarial.penalty import layer_slopes, traced_slopes

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
        if shape.projection:
            self.embedding = ConditionEmbedding(shape.classes, shape.embedding)
            self.told = nn.Linear(shape.embedding * len(shape.classes), seen, bias=False)
            # As large as the other part of the score at first.
            nn.init.normal_(self.told.weight, 0.0, self.told.weight.numel() ** -0.5)

    def forward(self, images: Tensor, codes: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Scores (n,), and (n, levels) or (n, 1) of each condition.

        Parameters
        ----------
        images
            (n, 1, y, x).
        codes
            (n, conditions) that the images are to have; without a projection they mean nothing.
        """
        seen = self.body(images)
        return self._score(seen, codes), [head(seen) for head in self.heads]

    def scores(self, images: Tensor, codes: Tensor) -> Tensor:
        """The scores (n,) alone."""
        return self._score(self.body(images), codes)

    def slopes(self, images: Tensor, codes: Tensor) -> Tensor:
        """Gradients (n, 1, y, x) of the scores by the images, for a penalty."""
        if not isinstance(self.body, nn.Sequential):  # its normalisation is not linear
            return traced_slopes(lambda each: self.scores(each, codes))(images)
        weights = self.score.weight.expand(len(images), -1)
        if self.shape.projection:
            weights = weights + self.told(self.embedding(codes))
        return layer_slopes([*self.body], images, weights)

    def _score(self, seen: Tensor, codes: Tensor) -> Tensor:
        found: Tensor = self.score(seen)[:, 0]
        if self.shape.projection:
            found = found + (self.told(self.embedding(codes)) * seen).sum(dim=1)
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
