"""Batches of chips: which chips come when follows from seed, epoch and step.

Chips are read while the networks compute: one thread is a step ahead of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poroscale.kernels.noise import tile_generator
from poroscale.micrographs.chips import MicrographChips

ORDER, DRAWN, FIXED = 720, 721, 722
"""Streams: order of an epoch, chips that are drawn evenly, and chips of a validation."""


@dataclass(frozen=True)
class ChipBatch:
    """Chips of several steps of a critic.

    Attributes
    ----------
    chips
        int32 (steps, n, edge, edge) levels.
    codes
        float32 (steps, n, conditions).
    settings
        int64 (steps, n) number of the setting of each.
    """

    chips: Tensor
    codes: Tensor
    settings: Tensor


@dataclass(frozen=True)
class ChipBatches:
    """The batches of every epoch.

    Attributes
    ----------
    chips
        Chips of the images that are trained on.
    codes
        float32 (images, conditions) codes of all images.
    settings
        int64 (images,) number of the setting of each image, from 0 on.
    batch, critic_steps
        Chips of a step, and steps of the critic in a batch.
    steps
        Batches of an epoch; None shows each chip once.
    balanced
        Whether every setting is drawn as often as any other.
    seed
        Number from which the order follows.
    """

    chips: MicrographChips
    codes: NDArray[np.float32]
    settings: NDArray[np.int64]
    batch: int
    critic_steps: int
    steps: int | None = None
    balanced: bool = False
    seed: int = 0

    @property
    def in_epoch(self) -> int:
        """Batches of an epoch."""
        return self.steps or max(1, len(self.chips) // (self.batch * self.critic_steps))

    def __call__(self, epoch: int) -> Iterator[ChipBatch]:
        """The batches of an epoch."""
        with ThreadPoolExecutor(1) as pool:
            ahead: Future[ChipBatch] | None = None
            for numbers in self.numbers(epoch):
                found, ahead = ahead, pool.submit(self.read, numbers)
                if found is not None:
                    yield found.result()
            if ahead is not None:
                yield ahead.result()

    def numbers(self, epoch: int) -> Iterator[NDArray[np.int64]]:
        """Numbers (critic steps, n) of the chips of each batch of an epoch."""
        each = self.batch * self.critic_steps
        shape = (self.critic_steps, self.batch)
        if self.balanced:
            for step in range(self.in_epoch):
                rng = tile_generator(self.seed, DRAWN, (epoch, step, 0))
                yield self._drawn(rng, each).reshape(shape)
            return
        turn, order = 0, np.zeros(0, np.int64)
        for _ in range(self.in_epoch):
            while len(order) < each:
                rng = tile_generator(self.seed, ORDER, (epoch, turn, 0))
                order = np.concatenate([order, rng.permutation(len(self.chips))])
                turn += 1
            yield order[:each].reshape(shape)
            order = order[each:]

    def read(self, numbers: NDArray[np.int64]) -> ChipBatch:
        """The chips of these numbers (critic steps, n)."""
        flat = numbers.ravel()
        edge = self.chips.shape[1]
        images = self.chips.lattice.places(flat)[:, 0]
        chips = torch.from_numpy(self.chips.take(flat).astype(np.int32))
        return ChipBatch(
            chips.reshape(*numbers.shape, edge, edge),
            torch.from_numpy(self.codes[images]).reshape(*numbers.shape, -1),
            torch.from_numpy(self.settings[images]).reshape(numbers.shape),
        )

    def fixed(self, count: int) -> ChipBatch:
        """So many chips, or all if there are fewer, the same each time; settings evenly."""
        count = min(count, len(self.chips))
        rng = tile_generator(self.seed, FIXED)
        return self.read(self._drawn(rng, count)[None])

    def of_setting(self, setting: int, count: int) -> NDArray[np.int64]:
        """Numbers of at most `count` chips of one setting, spread over its images."""
        ranges = self._ranges[setting]
        total = sum(len(one) for one in ranges)
        places = np.unique(np.linspace(0, total - 1, min(count, total)).astype(np.int64))
        return self._at(ranges, places)

    @cached_property
    def known_settings(self) -> tuple[int, ...]:
        """Settings that have chips, rising."""
        return tuple(self._ranges)

    @cached_property
    def _ranges(self) -> dict[int, list[range]]:
        """Ranges of the numbers of chips of each setting, an image each."""
        found: dict[int, list[range]] = {}
        for image, setting in enumerate(self.settings.tolist()):
            numbers = self.chips.lattice.of_image(image)
            if len(numbers):
                found.setdefault(setting, []).append(numbers)
        return dict(sorted(found.items()))

    def _drawn(self, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Chips whose settings are equally likely."""
        chosen = rng.integers(0, len(self.known_settings), count)
        share = rng.random(count)
        found = np.empty(count, np.int64)
        for k, setting in enumerate(self.known_settings):
            own = np.flatnonzero(chosen == k)
            ranges = self._ranges[setting]
            total = sum(len(one) for one in ranges)
            found[own] = self._at(ranges, (share[own] * total).astype(np.int64))
        return found

    @staticmethod
    def _at(ranges: list[range], places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Numbers of chips by their places in the ranges, one after the other."""
        ends = np.cumsum([len(one) for one in ranges])
        which = np.searchsorted(ends, places, side="right")
        firsts = np.array([one.start for one in ranges])
        lengths = np.array([len(one) for one in ranges])
        return np.asarray(firsts[which] + places - ends[which] + lengths[which])
