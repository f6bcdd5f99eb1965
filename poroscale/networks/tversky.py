"""The focal Tversky loss (section 3.3, eq. 1 of the pore-segmentation paper)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

EPSILON = 1.0
"""Voxels added to both sides of the fraction: a batch without pores has a gradient, too."""
SMALLEST = 1e-12
"""The root of a smaller share of errors has no finite slope where gamma is below one."""


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
    epsilon
        Voxels added to numerator and denominator; not in the paper, 0 is eq. 1 as it stands.
    entropy
        Weight of the mean cross-entropy that is added; the paper has none.

    Raises
    ------
    ValueError
        If a weight or `epsilon` is negative, both weights are 0, or `gamma` is not positive.
    """

    alpha: float = 0.633
    beta: float = 0.1
    gamma: float = 1.0
    epsilon: float = EPSILON
    entropy: float = 0.0

    def __post_init__(self) -> None:
        if min(self.alpha, self.beta, self.epsilon) < 0 or self.alpha + self.beta == 0:
            raise ValueError(
                "alpha, beta and epsilon must be 0 or more, and alpha or beta positive, "
                f"got {self.alpha}, {self.beta} and {self.epsilon}"
            )
        if not self.gamma > 0:
            raise ValueError(f"gamma must be positive, got {self.gamma}")

    def __call__(self, logits: Tensor, truth: Tensor) -> Tensor:
        """The loss of logits against the truth (1 in pores), of equal shape."""
        logits = logits.float()
        found, not_found = torch.sigmoid(logits), torch.sigmoid(-logits)
        both = (found * truth).sum()
        wrong = self.alpha * (not_found * truth).sum() + self.beta * (found * (1 - truth)).sum()
        # 1 - TP / (TP + wrong), without the difference of two nearly equal numbers
        share = wrong / (both + wrong + self.epsilon).clamp_min(SMALLEST)
        loss = share.clamp_min(SMALLEST) ** self.gamma
        if not self.entropy:
            return loss
        return loss + self.entropy * functional.binary_cross_entropy_with_logits(logits, truth)


def supervised_loss(
    depths: Sequence[Tensor], truth: Tensor, criterion: Callable[[Tensor, Tensor], Tensor]
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

    Returns
    -------
    dict
        "loss", and "finest", that of the finest depth.
    """
    each = [criterion(logits, truth) for logits in depths]
    weights = [0.5**i for i in range(len(each))]
    total = torch.stack([w * loss for w, loss in zip(weights, each, strict=True)]).sum()
    return {"loss": total / sum(weights), "finest": each[0].detach()}
