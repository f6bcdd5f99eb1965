"""Losses of the conditional micrographs beside those of the Wasserstein critic."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

THRESHOLDS = 10
"""Levels above which the share of the area is taken."""
SOFTNESS = 0.05
"""Grey values over which a pixel passes from below a level to above it, of a range of two."""
SQUARES = (4, 8, 16)
"""Edges of the squares whose averages show how large particles are [pixels]."""
SMALLEST_AREA = 1e-3
"""Share of the area below which differences count less and less."""


def condition_loss(heads: Sequence[Tensor], codes: Tensor, classes: Sequence[int]) -> Tensor:
    """Sum over the conditions of how far the heads are from the codes, each a mean over images.

    The cross entropy of levels, and the squared error of continuous conditions. Images that lack a
    category do not count for it.

    Parameters
    ----------
    heads
        (n, levels) or (n, 1) of each condition.
    codes
        float (n, conditions).
    classes
        Levels of each condition; 0 of a continuous one.
    """
    total = codes.new_zeros(())
    for head, column, many in zip(heads, codes.T, classes, strict=True):
        if many:
            known = column >= 0
            if bool(known.any()):
                total = total + functional.cross_entropy(head[known].float(), column[known].long())
        else:
            total = total + functional.mse_loss(head[:, 0].float(), column)
    return total


def heads_right(
    heads: Sequence[Tensor], codes: Tensor, classes: Sequence[int]
) -> list[float | None]:
    """Of each condition the share of images whose level the critic tells, or its error.

    None where no image has the category; of a continuous condition the root of the mean squared
    error, as a share of the span.
    """
    found: list[float | None] = []
    for head, column, many in zip(heads, codes.T, classes, strict=True):
        if not many:
            found.append(float(((head[:, 0] - column) ** 2).mean().sqrt()))
            continue
        known = column >= 0
        right = (head[known].argmax(dim=1) == column[known].long()).float()
        found.append(float(right.mean()) if len(right) else None)
    return found


def area_shares(images: Tensor) -> Tensor:
    """(n, 10): share of each image's area above ten levels from -1 to 1, differentiable.

    As in Fig. 7 of the paper, with a soft step for each level in the place of a sharp one.
    """
    levels = torch.linspace(-1, 1, THRESHOLDS + 2, device=images.device)[1:-1]
    flat = images.flatten(1).float()
    shares = [torch.sigmoid((flat - level) / SOFTNESS).mean(dim=1) for level in levels]
    return torch.stack(shares, dim=1)


def coarse_shares(images: Tensor) -> Tensor:
    """(n, 10 squares): shares of averages of squares above ten levels from -1 to 1, differentiable.

    What is smaller than a square is hardly seen. So the shares of rising squares tell how large
    particles are: as many pixels of a few large ones and of many smaller ones differ. Squares wider
    than half of an image are left out.
    """
    edges = [edge for edge in SQUARES if edge <= max(images.shape[-1] // 2, SQUARES[0])]
    shares = [area_shares(functional.avg_pool2d(images, edge, edge // 2)) for edge in edges]
    return torch.cat(shares, dim=1)


def area_loss(images: Tensor, settings: Tensor, wanted: Tensor) -> Tensor:
    """How far the shares of the area are from those of real images of the same settings.

    Squared differences of logarithms, so that the few bright pixels count as much as the many dark
    ones; a setting counts by its images.

    Parameters
    ----------
    images
        (n, 1, y, x) from -1 to 1.
    settings
        int64 (n,) row of `wanted` of each image.
    wanted
        (settings, 10) shares of real images.
    """
    shares, total = area_shares(images), images.new_zeros((), dtype=torch.float32)
    for setting in torch.unique(settings):
        own = settings == setting
        found = torch.log(shares[own].mean(dim=0) + SMALLEST_AREA)
        apart = (found - torch.log(wanted[setting] + SMALLEST_AREA)) ** 2
        total = total + own.float().mean() * apart.mean()
    return total
