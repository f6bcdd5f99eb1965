"""Images for training and for validation, such that no specimen stands on both sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.noise import tile_generator

SPLIT = 710
"""Stream of the draw."""


@dataclass(frozen=True)
class MicrographSplit:
    """Numbers of the images of either side, rising."""

    training: NDArray[np.int64]
    validation: NDArray[np.int64]


def split_images(
    groups: NDArray[np.int64],
    settings: NDArray[np.int64],
    *,
    share: float,
    seed: int,
) -> MicrographSplit:
    """Draw groups for validation, of every setting that has two groups at least.

    A group of several settings, as duplicates make one, is drawn only where each of these keeps
    another: no setting loses all of its images.

    Parameters
    ----------
    groups
        Group of each image: its specimen, with those of its duplicates.
    settings
        Number of the conditions of each image.
    share
        Share of the groups that are validated on; 0 takes none.
    seed
        Number from which they are drawn.

    Raises
    ------
    ValueError
        If `share` is not from 0 to below 1, or no setting has two groups.
    """
    if not 0 <= share < 1:
        raise ValueError(f"`validation` must be a share from 0 to below 1, got {share}")
    rng = tile_generator(seed, SPLIT)
    chosen: set[int] = set()
    if share:
        for setting in np.unique(settings):
            own = np.unique(groups[settings == setting])
            mixed = rng.permutation(own)
            open_ones = [int(each) for each in mixed if int(each) not in chosen]
            wanted = min(len(own) - 1, max(1, round(share * len(own))))
            wanted -= len(own) - len(open_ones)
            for group in open_ones:
                if wanted > 0 and _can_be_spared(group, chosen, groups, settings):
                    chosen.add(group)
                    wanted -= 1
        if not chosen:
            raise ValueError(
                "`validation` must be 0 where no setting of the conditions has two specimens"
            )
    held = np.isin(groups, sorted(chosen))
    return MicrographSplit(np.flatnonzero(~held), np.flatnonzero(held))


def _can_be_spared(
    group: int, chosen: set[int], groups: NDArray[np.int64], settings: NDArray[np.int64]
) -> bool:
    """Whether every setting of a group keeps another one that is trained on."""
    left = ~np.isin(groups, [group, *chosen])
    return bool(np.isin(settings[groups == group], settings[left]).all())
