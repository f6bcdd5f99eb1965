"""The scans that a network is trained on: checked, summarised once, and divided into folds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from poroscale.engine import Run
from poroscale.engine.run import parse_memory
from poroscale.segmentation.network.normalisation import grey_summary
from poroscale.segmentation.network.scan_traits import ScanTraits, measure_traits
from poroscale.segmentation.training.cells import cells_of_scan, cells_of_truth
from poroscale.segmentation.training.chunk_cache import CachedVolume, ChunkCache
from poroscale.segmentation.training.config import AugmentationConfig, PatchConfig, SegmenterConfig
from poroscale.segmentation.training.folds import Region, Split, fold_count, split_of
from poroscale.segmentation.training.patches import (
    PATCHES,
    VALIDATION,
    Patch,
    PatchSampler,
    PatchSource,
    read_ahead,
)
from poroscale.volume import Volume

AHEAD = 2
"""Batches that are read while one is trained on."""


class LabelledScan(NamedTuple):
    """A scan, and phases of its shape: a known truth, an analyst's, or another model's."""

    scan: Volume
    truth: Volume | None = None


class Batch(NamedTuple):
    """Patches and truth, float32 (n, 1, edge, edge, edge); no truth for unsupervised networks."""

    patches: Tensor
    truth: Tensor | None


@dataclass(frozen=True)
class PatchBatches:
    """Batches of an epoch, as a function of the epoch alone; read and augmented by threads.

    Attributes
    ----------
    sampler
        Of the patches.
    batch, steps
        Patches in a batch, batches in an epoch.
    readers
        Threads.
    """

    sampler: PatchSampler
    batch: int
    steps: int
    readers: int = 1

    def __call__(self, epoch: int = 0) -> Iterator[Batch]:
        """The batches."""
        patches = read_ahead(
            lambda number: self.sampler.patch(epoch, number),
            range(self.steps * self.batch),
            workers=self.readers,
            ahead=AHEAD * self.batch,
        )
        with closing(patches):
            for _ in range(self.steps):
                yield _stacked([next(patches) for _ in range(self.batch)])


def _stacked(patches: Sequence[Patch]) -> Batch:
    grey = torch.from_numpy(np.stack([each.grey for each in patches])[:, None])
    truths = [each.truth for each in patches if each.truth is not None]
    return Batch(grey, torch.from_numpy(np.stack(truths)[:, None]) if truths else None)


@dataclass(frozen=True)
class TrainingData:
    """Scans, ready to be drawn from.

    Attributes
    ----------
    sources
        Scans for training, then those that are for validation alone.
    trained
        Number of scans for training.
    supervised
        True if truths are read.
    traits
        Properties of the scans for training.
    """

    sources: tuple[PatchSource, ...]
    trained: int
    supervised: bool
    traits: tuple[ScanTraits, ...]

    @classmethod
    def of(
        cls,
        scans: Sequence[LabelledScan],
        validation: Sequence[LabelledScan],
        work: Path,
        *,
        supervised: bool,
        cache: int | str,
        run: Run,
    ) -> TrainingData:
        """Look at every scan first: grey range, where it has part and pores, and what it is like.

        Parameters
        ----------
        scans, validation
            For training, and for validation alone.
        work
            Folder that remembers finished blocks.
        supervised
            True if truths are read; else Otsu's threshold separates the part from air.
        cache
            Bytes of chunks that are kept.
        run
            Memory, workers and cluster.

        Raises
        ------
        ValueError
            If there is no scan, or a truth is missing, of another shape, or holds no phases.
        """
        if not scans:
            raise ValueError("scans must name at least one scan")
        chunks = ChunkCache(parse_memory(cache, "cache"))
        every = [*scans, *validation]
        for each in every:
            _check(each, supervised)
        work.mkdir(parents=True, exist_ok=True)
        sources = tuple(
            _source(each, chunks, work / f"scan {number}", supervised=supervised, run=run)
            for number, each in enumerate(every)
        )
        traits = tuple(
            measure_traits(each.scan, work / f"scan {number} traits", run=run)
            for number, each in enumerate(scans)
        )
        return cls(sources, len(scans), supervised, traits)

    def folds(self, config: SegmenterConfig) -> int:
        """Number of folds of the scans for training; 1 if others are for validation."""
        if self.trained < len(self.sources):
            return 1
        shapes = [each.scan.shape for each in self.sources]
        return fold_count(shapes, config.training.folds, config.network.edge)

    def split(self, count: int, fold: int) -> Split:
        """Scans for training, and those that are left out."""
        shapes = [each.scan.shape for each in self.sources]
        own = split_of(shapes[: self.trained], count, fold)
        others = (
            Region(scan, 0, shapes[scan][0]) for scan in range(self.trained, len(self.sources))
        )
        return Split(own.training, (*own.validation, *others))

    def words(self, count: int, fold: int) -> str:
        """Validation of a fold."""
        others = len(self.sources) - self.trained
        if others:
            return f"validated on {others} other scan(s)"
        if count == 1:
            return "without validation"
        what = "of the scans" if self.trained > 1 else "of the slabs along z of one scan"
        return f"validated on fold {fold} of {count} {what}"

    def batches(
        self, split: Split, config: SegmenterConfig, pore_share: float
    ) -> tuple[PatchBatches, PatchBatches | None]:
        """Batches of training, and of validation if there is any."""
        patches = config.patches
        training = self._batches(
            split.training, config, pore_share, PATCHES, config.augmentation, patches.steps
        )
        if not split.validation:
            return training, None
        steps = -(-patches.validation // patches.batch)
        plain = AugmentationConfig(enabled=False)
        return training, self._batches(
            split.validation, config, pore_share, VALIDATION, plain, steps
        )

    def _batches(  # noqa: PLR0917
        self,
        regions: tuple[Region, ...],
        config: SegmenterConfig,
        pore_share: float,
        stream: int,
        augmentation: AugmentationConfig,
        steps: int,
    ) -> PatchBatches:
        sampler = PatchSampler(
            self.sources,
            regions,
            config.network.edge,
            pore_share,
            config.training.seed,
            stream,
            augmentation,
        )
        patches: PatchConfig = config.patches
        return PatchBatches(sampler, patches.batch, steps, patches.readers)

    def record(self) -> list[dict[str, Any]]:
        """Entries of the card on the scans for training."""
        return [
            {
                "scan": each.scan.volume.digest,
                "truth": None if each.truth is None else each.truth.volume.digest,
                "shape": list(each.scan.shape),
                "voxel_size_um": list(each.scan.volume.voxel_size),
                "grey_range": list(each.range),
                "traits": traits.model_dump(),
            }
            for each, traits in zip(self.sources, self.traits, strict=False)
        ]


def _check(scan: LabelledScan, supervised: bool) -> None:
    if not supervised:
        return
    path, truth = scan.scan.path, scan.truth
    if truth is None:
        raise ValueError(f"{path} must have a truth: a supervised network is trained on phases")
    if truth.shape != scan.scan.shape:
        raise ValueError(
            f"{truth.path} must have the shape of its scan, {scan.scan.shape}, got {truth.shape}"
        )
    if truth.dtype.kind not in "ui":
        raise ValueError(f"{truth.path} must hold phases, whole numbers, got {truth.dtype}")


def _source(
    given: LabelledScan, cache: ChunkCache, journal: Path, *, supervised: bool, run: Run
) -> PatchSource:
    def beside(name: str) -> Path:
        return journal.with_name(f"{journal.name} {name}")

    grey = grey_summary(given.scan, journal=beside("histogram"), run=run)
    if supervised and given.truth is not None:
        cells = cells_of_truth(given.truth, journal=beside("truth"), run=run)
        truth = CachedVolume(given.truth, cache)
    else:
        cells = cells_of_scan(given.scan, grey.threshold, journal=beside("part"), run=run)
        truth = None
    return PatchSource(CachedVolume(given.scan, cache), truth, grey.range, grey.threshold, cells)
