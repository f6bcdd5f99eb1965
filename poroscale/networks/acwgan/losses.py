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
FINEST, OPENINGS = 4, (1, 3, 5, 7)
"""Edge of the squares that are averaged before an opening, half as far apart [pixels], and edges of
the squares of the openings, as multiples of that distance: 4, 8, 12 and 16 pixels."""
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


def opened_shares(images: Tensor) -> Tensor:
    """(n, 10 openings): shares of opened images above ten levels from -1 to 1, differentiable.

    An opening keeps what a square fits into (Matheron's granulometry). So shares of openings by
    rising squares tell how large particles are, where shares of averages are the same for a large
    particle and for a cloud of small ones. Images are averaged before, or noise would decide.
    Squares wider than half of an image are left out.
    """
    smooth = functional.avg_pool2d(images, FINEST, FINEST // 2)
    sizes = [size for size in OPENINGS if 2 * size <= max(smooth.shape[-1], 2)]
    return torch.cat([area_shares(_opened(smooth, size)) for size in sizes], dim=1)


def _opened(images: Tensor, size: int) -> Tensor:
    """The brightest level that squares of this edge have throughout, of all that hold a pixel."""
    eroded = -functional.max_pool2d(-images, size, 1)
    around = functional.pad(eroded, (size - 1,) * 4, value=-torch.inf)
    return functional.max_pool2d(around, size, 1)


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
