"""A segmentation network trained from scans on disk (section 4.2 of the pore-segmentation paper).

1. Look at every scan first: its grey range, where it has part and pores, and what it is like, which
   the card keeps for the scans that the network will be applied to.
2. Divide the scans into folds; one scan alone is cut into slabs along z.
3. Train by Adam on patches that are drawn lazily, judged by the patches of one fold after every
   epoch, until the loss has not fallen for 40 epochs.
4. Save the weights of the best epoch, with a card.

A truth is any volume of phases: that of a phantom, of an analyst, of Otsu's thresholds, or of
another network. A supervised network that is given the phases of an unsupervised one is trained
without any labels (section 4.6 of the paper).
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import torch

from poroscale.engine import Run, available_cores, connect
from poroscale.engine.jobs.work import held_folder
from poroscale.engine.workers.cluster import cluster_of
from poroscale.engine.workers.retries import Work
from poroscale.events import Event, Progress, under_name
from poroscale.manifest import JOURNAL_DIR, canonical_json, write_durably
from poroscale.networks.complexity import parameter_count
from poroscale.networks.segmenter import Segmenter, SupervisedSegmenter
from poroscale.networks.segmenters import build_segmenter
from poroscale.networks.tversky import FocalTversky
from poroscale.segmentation.network.card import CARD, WEIGHTS
from poroscale.segmentation.network.inference import device_of
from poroscale.segmentation.network.model import SegmentationModel
from poroscale.segmentation.training.config import NetworkConfig, SegmenterConfig
from poroscale.segmentation.training.data import LabelledScan, TrainingData
from poroscale.segmentation.training.task import VOXELS, SegmenterTask
from poroscale.training import EarlyStopping, Schedule, Validation, best_weights, train
from poroscale.training.loop import VALIDATED, History
from poroscale.training.metrics import METRICS
from poroscale.version import __version__

__all__ = [
    "METRICS",
    "TRAINING",
    "LabelledScan",
    "SegmenterTask",
    "TrainedFold",
    "cross_validation",
    "train_segmenter",
]

VERSION = 1
"""Of the training: a change of any bit of the weights raises it."""
TRAINING, CROSS_VALIDATION = "training", "cross_validation.json"
NO_MATTER = {
    "patches": {"readers", "cache"},
    "training": {
        "epochs",
        "patience",
        "gain",
        "tensorboard",
        "threads",
        "fold",
        "folds",
        "device",
        "grey_suffices_from",
    },
}
"""Settings that change no step, or that stand in the recipe as they were resolved."""
_ONE_AT_A_TIME = threading.Lock()
"""Held while a fold is trained: torch's random numbers and threads belong to the whole process."""


@dataclass(frozen=True)
class TrainedFold:
    """One finished training.

    Attributes
    ----------
    model
        Of the best epoch.
    history
        Losses of all epochs.
    """

    model: SegmentationModel
    history: History


def train_segmenter(
    scans: Sequence[LabelledScan],
    folder: str | Path,
    *,
    validation: Sequence[LabelledScan] = (),
    config: SegmenterConfig | None = None,
    run: Run | None = None,
    progress: Progress | None = None,
) -> list[TrainedFold]:
    """Train a segmentation network, or go on training it.

    Parameters
    ----------
    scans
        Scans, and phases for supervised networks; unsupervised ones do not look at them.
    folder
        Of the model; a cross-validation makes a model for each fold in it, fold_0 and so on, and
        cross_validation.json. A training that was ended goes on where it was, to the same bits on
        the CPU with as many threads.
    validation
        Scans to be judged by, instead of a fold.
    config
        All settings.
    run
        Run of the reading at the start, and of the training of folds: on a cluster of worker
        processes side by side, one in each, to the same bits as one after another; `overwrite`
        begins again.
    progress
        Called after each epoch of each fold, with its losses; of folds that are trained in worker
        processes, when the fold is finished.

    Returns
    -------
    list of TrainedFold
        One, or one for each fold.

    Raises
    ------
    ValueError
        If a setting, a scan or a truth does not fit the network, or the folder holds something
        else, as a training with other data or settings.
    FloatingPointError
        If the loss is no longer finite.
    """
    config, run, folder = config or SegmenterConfig(), run or Run(), Path(folder)
    network = _blank(config.network)
    share = _pore_share(config, network)
    device = device_of(config.training.device)
    if device == "cpu" and config.training.precision != "float32":
        # Gradients of half-precision convolutions of few voxels read memory that was never written.
        raise ValueError(f"precision must be float32 on the CPU, got {config.training.precision}")
    if validation and (config.training.folds, config.training.fold) != (None, 0):
        raise ValueError("folds and fold must be left out where scans for validation are given")
    _refuse_foreign(folder)
    with held_folder(folder), connect(run, job="train") as run:
        if run.overwrite:
            _clear(folder)
        data = TrainingData.of(
            scans,
            validation,
            folder / TRAINING,
            supervised=network.supervised,
            cache=config.patches.cache,
            run=run.but(overwrite=False),
        )
        count = data.folds(config)
        job = _Training(data, config, device, share, count, progress)
        if config.training.fold != "all":
            return _trained(job, {_fold(config.training.fold, count): folder}, run)
        if count == 1:
            raise ValueError("folds must be at least 2 for a cross-validation, got 1")
        found = _trained(job, {fold: folder / f"fold_{fold}" for fold in range(count)}, run)
        table = cross_validation([each.model.card.validation for each in found])
        write_durably(folder / CROSS_VALIDATION, canonical_json(table).encode())
        return found


def cross_validation(folds: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Losses of the folds, with mean and standard deviation (of a sample) of each."""
    return {
        "folds": [dict(each) for each in folds],
        "mean": {name: mean(each[name] for each in folds) for name in folds[0]},
        "deviation": {name: stdev(each[name] for each in folds) for name in folds[0]},
    }


@dataclass(frozen=True)
class _Training:
    """Inputs and settings that the folds of a training share."""

    data: TrainingData
    config: SegmenterConfig
    device: str
    pore_share: float
    folds: int
    progress: Progress | None = None

    def fold(self, folder: Path, fold: int) -> TrainedFold:
        """Train one fold, or go on with it."""
        with _ONE_AT_A_TIME:
            return self._train(folder, fold)

    def _train(self, folder: Path, fold: int) -> TrainedFold:
        config = self.config
        split = self.data.split(self.folds, fold)
        training, validating = self.data.batches(split, config, self.pore_share)
        torch.set_num_threads(config.training.threads or available_cores())
        torch.manual_seed(config.training.seed)
        task = SegmenterTask(_network(config.network), config, self.device)
        judged = Validation(validating, task.judge) if validating else None
        metric = f"{VALIDATED}loss" if judged else "loss"
        stopping = EarlyStopping(metric, config.training.gain, config.training.patience)
        settings = config.training
        schedule = Schedule(settings.epochs, settings.seed, stopping, settings.tensorboard)
        work, recipe = folder / TRAINING, self._recipe(fold)
        history = train(
            task,
            training,
            work,
            schedule=schedule,
            recipe=recipe,
            validation=judged,
            progress=under_name(self.progress, f"fold {fold}"),
        )
        best = stopping.best_epoch(history)
        card = self._card(task.network, history, best) | {
            "recipe": recipe,
            "split": self.data.words(self.folds, fold),
        }
        weights = best_weights(work, "network", recipe)
        return TrainedFold(SegmentationModel.save(folder, weights, card), history)

    def tell(self, fold: int, history: History) -> None:
        """Report the epochs of a fold that was trained elsewhere."""
        if self.progress is None:
            return
        for epoch, losses in enumerate(history, 1):
            total = self.config.training.epochs
            self.progress(Event("epoch", f"fold {fold}", epoch, total, losses))

    def _recipe(self, fold: int) -> dict[str, Any]:
        """Parameters from which the weights follow, except the number of epochs."""
        sources = self.data.sources
        return {
            "training": "segmenter",
            "version": VERSION,
            "settings": self.config.model_dump(mode="json", exclude=NO_MATTER),
            "pore_share": self.pore_share,
            "scans": [each.scan.volume.digest for each in sources],
            "truths": [each.truth and each.truth.volume.digest for each in sources],
            "trained": self.data.trained,
            "folds": self.folds,
            "fold": fold,
            "device": self.device,
        }

    def _card(self, network: Segmenter, history: History, best: int) -> dict[str, Any]:
        losses = history[best]
        own = {name: value for name, value in losses.items() if not name.startswith(VALIDATED)}
        judged = {
            name.removeprefix(VALIDATED): value
            for name, value in losses.items()
            if name.startswith(VALIDATED)
        }
        return {
            **self.config.network.model_dump(include={"model", "width", "edge"}),
            "supervised": network.supervised,
            "parameters": parameter_count(network),
            "trained_on": self.data.record(),
            "grey_suffices_from": self.config.training.grey_suffices_from,
            "epochs": len(history),
            "best_epoch": best,
            "losses": own,
            "validation": _with_dice(judged),
            "versions": {
                "poroscale": __version__,
                "torch": torch.__version__,
                "numpy": np.__version__,
            },
        }


def _trained(job: _Training, folders: Mapping[int, Path], run: Run) -> list[TrainedFold]:
    """Folds, side by side on the workers of a cluster, or one after another here."""
    with cluster_of(run) as cluster:
        if not cluster.processes:
            return [job.fold(folder, fold) for fold, folder in folders.items()]
        found: dict[int, TrainedFold] = {}

        def collect(trained: dict[int, TrainedFold]) -> None:
            found.update(trained)
            for fold, each in trained.items():
                job.tell(fold, each.history)

        silent = replace(job, progress=None)  # a function of the caller's need not pickle
        work = Work(partial(_numbered_fold, silent, dict(folders)), "train: folds")
        cluster.run(work, folders, collect)
        return [found[fold] for fold in folders]


def _numbered_fold(
    job: _Training, folders: Mapping[int, Path], fold: int
) -> dict[int, TrainedFold]:
    return {fold: job.fold(folders[fold], fold)}


def _with_dice(judged: Mapping[str, float]) -> dict[str, float]:
    """Losses of validation, and Dice's coefficient in place of the voxels it is made of."""
    kept = {name: value for name, value in judged.items() if name not in VOXELS}
    if "both" not in judged:
        return kept
    whole = judged["found"] + judged["true"]
    return kept | {"dice": 2 * judged["both"] / whole if whole else 1.0}


def _blank(config: NetworkConfig) -> Segmenter:
    """The network without weights: what it is, before anything is read."""
    with torch.device("meta"):
        return _network(config)


def _network(config: NetworkConfig) -> Segmenter:
    network = build_segmenter(config.model, width=config.width, edge=config.edge)
    if isinstance(network, SupervisedSegmenter):
        network.criterion = FocalTversky(
            config.alpha, config.beta, config.gamma, entropy=config.entropy
        )
    return network


def _pore_share(config: SegmenterConfig, network: Segmenter) -> float:
    share = config.patches.pore_share
    if share is None:
        return 0.5 if network.supervised else 0.0
    if share and not network.supervised:
        raise ValueError(
            f"pore_share must be 0 for {config.network.model}, which sees no truth, got {share:g}"
        )
    return share


def _fold(fold: int, count: int) -> int:
    if fold >= count:
        raise ValueError(f"fold must be one of 0 to {count - 1}, got {fold}")
    return fold


def _refuse_foreign(folder: Path) -> None:
    """Raise if something else than a model or its training is in the folder."""
    known = (TRAINING, CARD, WEIGHTS, CROSS_VALIDATION)
    names = {each.name for each in folder.iterdir()} if folder.is_dir() else set()
    names.discard(JOURNAL_DIR)  # each output has one, such as a volume
    if names and names.isdisjoint(known):
        raise ValueError(f"{folder} is a folder with other files in it; choose another name")


def _clear(folder: Path) -> None:
    """Remove what an earlier training left, so that nothing of it is gone on with."""
    for work in (folder / TRAINING, *folder.glob(f"fold_*/{TRAINING}")):
        shutil.rmtree(work, ignore_errors=True)
