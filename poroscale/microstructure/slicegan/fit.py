"""From images to a model of SliceGAN, and from a model to a sampler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from poroscale.events import Progress
from poroscale.microstructure.model import WEIGHTS, MicrostructureModel
from poroscale.microstructure.shares import Shares
from poroscale.microstructure.slicegan.biases import PhaseBiases
from poroscale.microstructure.slicegan.config import SliceGanConfig
from poroscale.microstructure.slicegan.crops import CropSettings, SliceCrops, sources_of
from poroscale.microstructure.slicegan.judge import S2, SliceJudge
from poroscale.microstructure.slicegan.reference import sampled_scores
from poroscale.microstructure.slicegan.sampler import Period, SliceGanSampler, SliceGanScores
from poroscale.microstructure.slicegan.tile import plan_slicegan_tile
from poroscale.microstructure.slicegan.training import SliceGan
from poroscale.microstructure.slicegan.weights import reference_sample, save_slicegan
from poroscale.microstructure.tiles import TilePlan
from poroscale.networks.slicegan.critic import edge_of_slices
from poroscale.statistics.phases import PhaseMap
from poroscale.training import EarlyStopping, Schedule, best_weights, train
from poroscale.training.loop import VALIDATED
from poroscale.volume import Shape, Volume

TRAINING = "training"
"""Folder of checkpoints and losses beside the weights."""
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
    phases: PhaseMap,
    config: SliceGanConfig | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> SliceGanFit:
    """Train SliceGAN on images, or go on training; write weights and reference sample.

    Parameters
    ----------
    images
        Segmented images; a section is a volume of one slice.
    folder
        Folder of the model. It keeps the weights, and `training/` with checkpoints and the measures
        of each epoch; a training that was stopped goes on, and comes to the same weights.
    planes
        Of each image the axes of its rows and columns; None of a volume.
    phases
        Phases of the images.
    config
        Networks and training.
    seed
        Number from which weights, latents and crops are drawn.
    progress
        Called after each epoch.

    Raises
    ------
    ValueError
        If an image is smaller than a slice, or the networks do not fit each other.
    FloatingPointError
        If the training diverged.
    """
    config = config or SliceGanConfig()
    alone = len(planes) == 1 and planes[0] is not None
    isotropic = alone if config.isotropic is None else config.isotropic
    sources = sources_of(planes, isotropic=isotropic)
    torch.manual_seed(seed)
    task = SliceGan(config, phases.count, [bool(each) for each in sources], isotropic=isotropic)
    crops = SliceCrops(
        images,
        phases,
        sources,
        CropSettings(
            edge_of_slices(config.critic),
            config.crops,
            config.critic_steps,
            config.steps,
            config.turned,
            seed,
        ),
    )
    recipe = {
        "network": "slicegan",
        "settings": config.model_dump(mode="json", exclude={"epochs", "patience", "device"}),
        "images": [each.digest for each in images],
        "planes": list(planes),
        "values": list(phases.values),
        "seed": seed,
    }
    history = train(
        task,
        crops,
        folder / TRAINING,
        schedule=Schedule(
            config.epochs, seed, EarlyStopping(f"{VALIDATED}{S2}", 0.0, config.patience)
        ),
        recipe=recipe,
        validation=SliceJudge(task, crops).validation(),
        progress=progress,
    )
    task.generator.load_state_dict(best_weights(folder / TRAINING, "generator", recipe))
    return _written(task, folder, history, recipe)


def _written(
    task: SliceGan, folder: Path, history: list[dict[str, float]], recipe: dict[str, Any]
) -> SliceGanFit:
    """Weights, reference sample and details of a trained generator, those of its best epoch."""
    network = task.generator.eval().cpu()
    best = EarlyStopping(f"{VALIDATED}{S2}", 0.0).best_epoch(history)
    measures = {
        name.removeprefix(VALIDATED): value
        for name, value in history[best].items()
        if name.startswith(VALIDATED)
    }
    sample = sampled_scores(network)
    card = {"recipe": recipe, "epochs": len(history), "best_epoch": best, "measures": measures}
    digest = save_slicegan(folder / WEIGHTS, network, sample, card)
    counts = np.bincount(sample.argmax(axis=1), minlength=network.shape.channels)
    plan = plan_slicegan_tile(network.shape, memory=ALLOWED, workers=WORKERS)
    details = {
        "weights": digest,
        "cell": network.shape.cell,
        "unbiased": [float(each) for each in counts / len(sample)],
        "isotropic": len(task.critics) == 1,
        "epochs": len(history),
        "best_epoch": best,
        "measures": measures,
        "halo_cost": plan.halo_cost,
    }
    return SliceGanFit(digest, plan, details)


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
    tile = settings.pop("tile", model.settings.tile)
    weights = model.weights.absolute()
    scores = SliceGanScores.of(weights, tile, seed=seed, period=period, **settings)
    if scores.digest != model.settings.details["weights"]:
        raise OSError(f"{weights} must hold the weights that the model was fitted with")
    return SliceGanSampler(scores, PhaseBiases.of(reference_sample(weights), shares))
