"""The focal Tversky loss (section 3.3, eq. 1 of the pore-segmentation paper)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

EPSILON = 1.0
"""Voxels added to both sides of the fraction: a batch without pores has a gradient, too."""


@dataclass(frozen=True)
class FocalTversky:
    """(1 - TP / (TP + alpha FN + beta FP))^gamma over a whole batch.

    With alpha = beta = 1/2 and gamma = 1 it is one minus the Dice coefficient.

    Where a small beta makes false pores cheap, the shortest way down is to call everything a pore.
    There the sigmoid is 1 in single precision and its gradient 0: a network that came there never
    comes back. A small share of cross-entropy, whose gradient does not vanish, keeps it from there.

    Attributes
    ----------
    alpha, beta
        Weights of missed pores and of false ones; the paper's search gave 0.633 and 0.1.
    gamma
        Exponent.
    entropy
        Weight of the mean cross-entropy that is added; the paper has none.
    """

    alpha: float = 0.633
    beta: float = 0.1
    gamma: float = 1.0
    entropy: float = 0.0

    def __call__(self, logits: Tensor, truth: Tensor) -> Tensor:
        """The loss of logits against the truth (1 in pores), of equal shape."""
        found = torch.sigmoid(logits.float())
        both = (found * truth).sum()
        missed = ((1 - found) * truth).sum()
        false = (found * (1 - truth)).sum()
        whole = both + self.alpha * missed + self.beta * false
        loss = (1 - (both + EPSILON) / (whole + EPSILON)) ** self.gamma
        if not self.entropy:
            return loss
        cross = functional.binary_cross_entropy_with_logits(logits.float(), truth)
        return loss + self.entropy * cross


def supervised_loss(
    depths: Sequence[Tensor], truth: Tensor, criterion: FocalTversky
) -> dict[str, Tensor]:
    """Loss averaged over supervised depths with weights 1, 1/2, 1/4, ..., the finest first.

    Parameters
    ----------
    depths
        Logits of the shape of the truth.
    truth
        1 in pores.
    criterion
        Loss of one depth.
    """
    each = [criterion(logits, truth) for logits in depths]
    weights = [0.5**i for i in range(len(each))]
    total = torch.stack([w * loss for w, loss in zip(weights, each, strict=True)]).sum()
    return {"loss": total / sum(weights), "finest": each[0].detach()}
