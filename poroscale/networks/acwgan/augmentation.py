"""Differentiable augmentation of grey images (Zhao et al. 2020), for real and made ones alike.

A change that both kinds undergo before the critic sees them teaches the generator nothing of the
change. Random numbers are drawn on the CPU, so that a device does not change them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Augmentation = Literal["turn", "shift", "cutout", "brightness", "contrast"]
SHIFT, CUTOUT = 0.125, 0.4
"""Largest shift, and edge of the square that is cut out, as shares of the image's edge."""
BRIGHTER, STRONGER = 0.2, 0.2
"""Largest change of brightness (of a range of two) and of contrast."""


def augmented(images: Tensor, changes: Sequence[Augmentation]) -> Tensor:
    """Images (n, 1, e, e) after the changes, each image with random numbers of its own."""
    for name in changes:
        images = _CHANGES[name](images)
    return images


def _turn(images: Tensor) -> Tensor:
    """Quarters of a turn and mirror images."""
    choice = torch.randint(0, 8, (len(images),)).tolist()
    turned = [torch.rot90(one, k % 4, (1, 2)) for one, k in zip(images, choice, strict=True)]
    return torch.stack(
        [one.flip(2) if k >= 4 else one for one, k in zip(turned, choice, strict=True)]
    )


def _shift(images: Tensor) -> Tensor:
    """A shift along both axes; what moves in is the mirror image."""
    edge = images.shape[-1]
    most = max(1, int(SHIFT * edge))
    padded = functional.pad(images, (most,) * 4, mode="reflect")
    places = torch.randint(0, 2 * most + 1, (len(images), 2)).tolist()
    return torch.stack(
        [one[:, y : y + edge, x : x + edge] for one, (y, x) in zip(padded, places, strict=True)]
    )


def _cutout(images: Tensor) -> Tensor:
    """A square that is grey."""
    edge = images.shape[-1]
    size = max(1, int(CUTOUT * edge))
    place = torch.randint(-size // 2, edge - size // 2, (len(images), 2)).to(images.device)
    along = torch.arange(edge, device=images.device)
    inside = (along[None, None] >= place[:, :, None]) & (
        along[None, None] < place[:, :, None] + size
    )
    hole = inside[:, 0, :, None] & inside[:, 1, None, :]
    return images * (~hole)[:, None].to(images.dtype)


def _brightness(images: Tensor) -> Tensor:
    change = BRIGHTER * (2 * torch.rand(len(images), 1, 1, 1) - 1)
    return images + change.to(images)


def _contrast(images: Tensor) -> Tensor:
    factor = 1 + STRONGER * (2 * torch.rand(len(images), 1, 1, 1) - 1)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return mean + factor.to(images) * (images - mean)


_CHANGES: dict[str, Callable[[Tensor], Tensor]] = {
    "turn": _turn,
    "shift": _shift,
    "cutout": _cutout,
    "brightness": _brightness,
    "contrast": _contrast,
}
AUGMENTATIONS = tuple(_CHANGES)
