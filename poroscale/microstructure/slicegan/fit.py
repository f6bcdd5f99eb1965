"""From images to a model of SliceGAN, and from a model to a sampler."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from poroscale.events import Progress
from poroscale.microstructure.model import WEIGHTS, MicrostructureModel
from poroscale.microstructure.shares import Shares
from poroscale.microstructure.slicegan.biases import PhaseBiases
from poroscale.microstructure.slicegan.config import SliceGanConfig
from poroscale.microstructure.slicegan.crops import CropSettings, SliceCrops, sources_of
from poroscale.microstructure.slicegan.grey import GreyScale, fitted_levels
from poroscale.microstructure.slicegan.judge import (
    CORRELATION,
    LEAST,
    S2,
    GreyJudge,
    SliceJudge,
    wanted_pairs,
)
from poroscale.microstructure.slicegan.reference import reference_scores, sampled_scores
from poroscale.microstructure.slicegan.sampler import (
    Period,
    SliceGanGrey,
    SliceGanSampler,
    SliceGanScores,
)
from poroscale.microstructure.slicegan.smoothing import fitted_width
from poroscale.microstructure.slicegan.tile import plan_slicegan_tile
from poroscale.microstructure.slicegan.training import SliceGan
from poroscale.microstructure.slicegan.weights import reference_sample, save_slicegan
from poroscale.microstructure.tiles import TilePlan
from poroscale.networks.slicegan.critic import edge_of_slices
from poroscale.networks.slicegan.generator import Output, SliceGanShape, SliceGenerator
from poroscale.statistics.phases import PhaseMap
from poroscale.training import EarlyStopping, Schedule, Validation, best_weights, train
from poroscale.training.loop import VALIDATED
from poroscale.volume import Shape, Volume

TRAINING = "training"
"""Folder of checkpoints and losses beside the weights."""
FITTED = 8
"""Blocks of the reference volume by which surfaces are measured."""
ALLOWED, WORKERS = 1 << 29, 2
"""Memory and workers for which a tile is chosen [bytes]."""


@dataclass(frozen=True)
class SliceGanFit:
    """A fitted generator, whose weights lie in the folder of its model.

    Attributes
    ----------
    digest
        Checksum of the weights.
    plan
        The tile, and what its halo costs.
    details
        What model.json keeps of the method.
    """

    digest: str
    plan: TilePlan
    details: dict[str, Any]

    @property
    def tile(self) -> Shape:
        """Shape of the tiles that are computed [voxels]."""
        return self.plan.tile


def fit_slicegan(
    images: Sequence[Volume],
    folder: Path,
    *,
    planes: Sequence[str | None],
    phases: PhaseMap | GreyScale,
    config: SliceGanConfig | None = None,
    seed: int = 0,
    tile: int | None = None,
    progress: Progress | None = None,
) -> SliceGanFit:
    """Train SliceGAN on images, or go on training; write weights and reference sample.

    Parameters
    ----------
    images
        Images; a section is a volume of one slice.
    folder
        Folder of the model. It keeps the weights, and `training/` with checkpoints and the measures
        of each epoch; a training that was stopped goes on, and comes to the same weights.
    planes
        Of each image the axes of its rows and columns; None of a volume.
    phases
        Phases of the images, or the scale of their grey values.
    config
        Networks and training.
    seed
        Number from which weights, latents and crops are drawn.
    tile
        Edge of the tiles that the model computes [voxels]; None takes the one of the least cost.
    progress
        Called after each epoch.

    Raises
    ------
    ValueError
        If an image is smaller than a slice, the networks do not fit each other, or the edge of the
        tiles is no multiple of the voxels for a latent.
    MemoryError
        If the tile does not fit.
    FloatingPointError
        If the training diverged.
    """
    config = config or SliceGanConfig()
    alone = len(planes) == 1 and planes[0] is not None
    isotropic = alone if config.isotropic is None else config.isotropic
    sources = sources_of(planes, isotropic=isotropic)
    crops = SliceCrops(images, phases, sources, _crop_settings(config, seed))
    grey = isinstance(phases, GreyScale)
    output: Output = "grey" if grey else "phases"
    shape = SliceGanShape(phases.count, config.latent, config.generator, output, config.upsampling)
    plan = plan_slicegan_tile(shape, memory=ALLOWED, workers=WORKERS, edge=tile)
    wanted = wanted_pairs(crops, shape, _lags(config))
    torch.manual_seed(seed)
    task = SliceGan(
        config, shape, [bool(each) for each in sources], isotropic=isotropic, wanted=wanted
    )
    recipe = {
        "network": "slicegan",
        "settings": config.model_dump(mode="json", exclude={"epochs", "patience", "device"}),
        "images": [each.digest for each in images],
        "planes": list(planes),
        "values": list(phases.values),
        "output": output,
        "seed": seed,
    }
    judge: SliceJudge | GreyJudge = SliceJudge(task, wanted)
    if isinstance(phases, GreyScale):
        judge = GreyJudge(task, wanted, phases.counts)
    validation: Validation[Any] = Validation(lambda: iter([config.volumes]), judge.judge)
    stopping = EarlyStopping(f"{VALIDATED}{CORRELATION if grey else S2}", 0.0, config.patience)
    history = train(
        task,
        crops,
        folder / TRAINING,
        schedule=Schedule(config.epochs, seed, stopping),
        recipe=recipe,
        validation=validation,
        progress=progress,
    )
    task.judged.load_state_dict(best_weights(folder / TRAINING, task.kept, recipe))
    best = stopping.best_epoch(history)
    found = _written(task, folder, history, best=best, recipe=recipe, wanted=wanted, plan=plan)
    if isinstance(phases, GreyScale):
        thresholds = fitted_levels(reference_sample(folder / WEIGHTS), phases.counts)
        found.details["thresholds"] = [float(each) for each in thresholds]
    return found


def _crop_settings(config: SliceGanConfig, seed: int) -> CropSettings:
    return CropSettings(
        edge_of_slices(config.critic),
        config.crops,
        config.critic_steps,
        config.steps,
        config.turned,
        seed,
    )


def _lags(config: SliceGanConfig) -> int:
    """Largest lag that is compared [voxels]."""
    edge = edge_of_slices(config.critic)
    return min(config.lags or edge // 2, edge - 1)


def _written(
    task: SliceGan,
    folder: Path,
    history: list[dict[str, float]],
    *,
    best: int,
    recipe: dict[str, Any],
    wanted: Mapping[int, Tensor],
    plan: TilePlan,
) -> SliceGanFit:
    """Weights, reference sample and details of a trained generator, those of its best epoch."""
    network = task.judged.eval().cpu()
    measures = {
        name.removeprefix(VALIDATED): value
        for name, value in history[best].items()
        if name.startswith(VALIDATED)
    }
    smoothing = _smoothing(network, wanted) if network.shape.output == "phases" else 0.0
    sample = sampled_scores(network, smoothing=smoothing)
    card = {"recipe": recipe, "epochs": len(history), "best_epoch": best, "measures": measures}
    digest = save_slicegan(folder / WEIGHTS, network, sample, card)
    details = {
        "weights": digest,
        "cell": network.shape.cell,
        "isotropic": len(task.critics) == 1,
        "epochs": len(history),
        "best_epoch": best,
        "measures": measures,
        "halo_cost": plan.halo_cost,
    }
    if network.shape.output == "phases":
        counts = np.bincount(sample.argmax(axis=1), minlength=network.shape.channels)
        details["unbiased"] = [float(each) for each in counts / len(sample)]
        details["smoothing"] = smoothing
    return SliceGanFit(digest, plan, details)


def _smoothing(network: SliceGenerator, wanted: Mapping[int, Tensor]) -> float:
    """The width with which surfaces are as large as those of the images."""
    curves = torch.stack(list(wanted.values())).double().mean(dim=(0, 1))
    fractions = [max(LEAST, float(each)) for each in curves[:, 0]]
    unlike = float((curves[:, 0] - curves[:, 1]).sum())
    return fitted_width(reference_scores(network, FITTED), fractions, unlike)


def slicegan_sampler(
    model: MicrostructureModel,
    shares: Shares,
    *,
    seed: int = 0,
    period: Period = (None, None, None),
    **settings: Any,
) -> SliceGanSampler:
    """The sampler of a model with wanted fractions.

    Parameters
    ----------
    model
        Model of the method "slicegan".
    shares
        Fractions that are wanted.
    seed
        Key of the latents.
    period
        Voxels after which the medium repeats; multiples of the voxels for a latent.
    settings
        Of `SliceGanScores`: tile, precision, device, arithmetic.

    Raises
    ------
    ValueError
        If the period is no multiple, or the weights are of another architecture.
    OSError
        If the weights are not those that the model was fitted with.
    """
    scores = _scores_of(model, seed=seed, period=period, **settings)
    biases = PhaseBiases.of(reference_sample(scores.weights), shares)
    return SliceGanSampler(scores, biases, float(model.settings.details.get("smoothing", 0.0)))


def slicegan_grey_sampler(
    model: MicrostructureModel,
    *,
    seed: int = 0,
    period: Period = (None, None, None),
    **settings: Any,
) -> SliceGanGrey:
    """The sampler of a model of grey values; arguments and errors as `slicegan_sampler`."""
    scores = _scores_of(model, seed=seed, period=period, **settings)
    return SliceGanGrey(scores, tuple(model.settings.details["thresholds"]))


def _scores_of(model: MicrostructureModel, **settings: Any) -> SliceGanScores:
    """The scores of a model, after its weights were compared with what it was fitted with."""
    tile = settings.pop("tile", model.settings.tile)
    weights = model.weights.absolute()
    scores = SliceGanScores.of(weights, tile, **settings)
    if scores.digest != model.settings.details["weights"]:
        raise OSError(f"{weights} must hold the weights that the model was fitted with")
    return scores
