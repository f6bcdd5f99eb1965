"""From a set of micrographs to a trained generator."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poroscale.events import Progress
from poroscale.micrographs.conditions import (
    Codes,
    ConditionKind,
    MicrographCondition,
    codes_of,
    fitted_conditions,
    settings_of_codes,
)
from poroscale.micrographs.dataset import MicrographSet
from poroscale.micrographs.gan.batches import ChipBatches
from poroscale.micrographs.gan.config import SemChipConfig, SemGanConfig
from poroscale.micrographs.gan.held_out import held_out_images, with_duplicates
from poroscale.micrographs.gan.levels import GreyWindow
from poroscale.micrographs.gan.model import (
    TRAINING,
    MicrographModel,
    MicrographModelSettings,
)
from poroscale.micrographs.gan.texture import texture_filter
from poroscale.micrographs.gan.topology import persistence_of, persistence_scale
from poroscale.micrographs.gan.training import MicrographGan, gan_shape
from poroscale.micrographs.splits import MicrographSplit, split_images
from poroscale.networks.acwgan.averages import SettingAverages
from poroscale.networks.acwgan.losses import THRESHOLDS, area_shares, opened_shares
from poroscale.networks.acwgan.shape import GRAIN_REACH
from poroscale.training import Schedule, Validation, train
from poroscale.training.loop import VALIDATED

log = logging.getLogger("poroscale.micrographs")

VERSION = 2
"""Of the networks: a training that other ones began does not go on."""
JUDGED = 192
"""Chips that are judged after each epoch."""
FLATTEST = 0.05
"""Least spread of a pixel of the persistence images, as a share of the largest."""
RAREST = 2e-3
"""Share of the area below which differences of areas of openings count less and less."""
MEASURED, AT_ONCE = 256, 64
"""Chips of a setting whose areas are measured, and how many of them at a time."""


@dataclass(frozen=True)
class ConditionedImages:
    """The images of a set that a model is trained on, with their codes.

    Attributes
    ----------
    conditions
        What the model is told.
    codes
        float32 (images, conditions) of all images of the set; rows of others mean nothing.
    settings
        int64 (images,) number of the setting of each image.
    used
        Images that have all scalars and are not held out.
    split
        Those of them for training and for validation.
    pixel_um
        Edge of a pixel [um]; None where it is not known.
    """

    conditions: tuple[MicrographCondition, ...]
    codes: Codes
    settings: NDArray[np.int64]
    used: NDArray[np.bool_]
    split: MicrographSplit
    pixel_um: float | None

    def counts(self) -> dict[str, int]:
        """Images that are trained on, by their setting in words."""
        found: dict[str, int] = {}
        for image in self.split.training:
            codes = zip(self.conditions, self.codes[image], strict=True)
            words = ", ".join(f"{each.name} {each.in_words(float(code))}" for each, code in codes)
            found[words] = found.get(words, 0) + 1
        return dict(sorted(found.items()))


def conditioned_images(
    micrographs: MicrographSet,
    kinds: Mapping[str, ConditionKind],
    *,
    held_out: Mapping[str, Any] | None = None,
    validation: float = 0.0,
    seed: int = 0,
) -> ConditionedImages:
    """The images that a model with these conditions is trained on.

    Images without a scalar that is a condition are left out, and said. A duplicate of an image that
    is held out is held out, too.

    Parameters
    ----------
    micrographs
        The set.
    kinds
        Kind of each condition by the name of its column.
    held_out
        Values by name; images that have all of them are not trained on.
    validation
        Share of the specimens for validation.
    seed
        Number from which these are drawn.

    Raises
    ------
    ValueError
        If a condition is no column or does not vary, or no image is left.
    """
    table = micrographs.conditions
    out = with_duplicates(held_out_images(table, held_out or {}), micrographs)
    groups = micrographs.rows["group"]
    if out.all():
        raise ValueError("`held_out` must leave images for the training, got all of them")
    rest = {name: column[~out] for name, column in table.items()}
    conditions, whole = fitted_conditions(kinds, rest)
    used = ~out
    used[used] = whole
    if not whole.all():
        log.info("%d images have no value of a scalar, and are left out", int((~whole).sum()))
    codes = np.zeros((micrographs.count, len(conditions)), np.float32)
    codes[used] = codes_of(conditions, {name: column[used] for name, column in table.items()})
    settings = np.full(micrographs.count, -1, np.int64)
    settings[used] = _numbered_settings(conditions, codes[used], groups[used])
    places = np.flatnonzero(used)
    split = split_images(groups[used], settings[used], share=validation, seed=seed)
    chosen = MicrographSplit(places[split.training], places[split.validation])
    return ConditionedImages(
        conditions, codes, settings, used, chosen, micrographs.settings.pixel_um
    )


def _numbered_settings(
    conditions: tuple[MicrographCondition, ...], codes: Codes, groups: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Number of the setting of each image, from 0.

    Scalars count by their values where two specimens have each combination, and by thirds else: a
    share of the area that is that of a third hides the trend within it.
    """
    exact = np.unique(codes, axis=0, return_inverse=True)[1].reshape(-1)
    specimens = np.unique(np.stack([exact, groups]), axis=1)[0]
    if np.bincount(specimens).min() >= 2:
        return np.asarray(exact)
    thirds = settings_of_codes(conditions, codes)
    return np.asarray(np.unique(thirds, return_inverse=True)[1].reshape(-1))


def train_micrograph_gan(
    micrographs: MicrographSet,
    folder: Path,
    *,
    kinds: Mapping[str, ConditionKind],
    config: SemGanConfig | None = None,
    chips: SemChipConfig | None = None,
    held_out: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> MicrographModel:
    """Train a generator, or go on training; write its model.

    Parameters
    ----------
    micrographs
        The set.
    folder
        Folder of the model. A training that was stopped goes on, and comes to the same weights.
    kinds
        Kind of each condition by the name of its column.
    config, chips
        Networks and training, and the chips they see.
    held_out
        As of `conditioned_images`.
    seed
        Number from which weights, noises, order and split are drawn.
    progress
        Called after each epoch.

    Raises
    ------
    ValueError
        If conditions, chips and networks do not fit each other, or the folder holds another
        training.
    FloatingPointError
        If the training diverged.
    """
    config, chips = config or SemGanConfig(), chips or SemChipConfig()
    images = conditioned_images(
        micrographs, kinds, held_out=held_out, validation=chips.validation, seed=seed
    )
    window = GreyWindow.of(micrographs.settings)
    reader = partial(_batches, micrographs, images, config=config, chips=chips, seed=seed)
    batches = reader(images.split.training)
    classes = tuple(each.classes for each in images.conditions)
    settings = len(np.unique(images.settings[images.used]))
    torch.manual_seed(seed)
    task = MicrographGan(
        config,
        gan_shape(config, classes),
        chips.edge,
        window=window,
        areas=setting_areas(batches, window, settings),
        names=[each.name for each in images.conditions],
        scale=_scale(batches, window, config),
        texture=_texture(batches, window, config),
        steps=config.epochs * batches.in_epoch,
        averages=_averages(batches, window, config, settings),
    )
    recipe = {
        "network": "acwgan-gp",
        "version": VERSION,
        "data": micrographs.digest,
        "conditions": [each.stored for each in images.conditions],
        "chips": chips.model_dump(mode="json"),
        "held_out": {name: str(value) for name, value in (held_out or {}).items()},
        "settings": config.trained,
        "seed": seed,
    }
    validation = None
    if len(images.split.validation):
        seen = reader(images.split.validation).fixed(JUDGED)
        validation = Validation(lambda: iter([seen]), task.judge)
    history = train(
        task,
        batches,
        folder / TRAINING,
        schedule=Schedule(config.epochs, seed),
        recipe=recipe,
        validation=validation,
        progress=progress,
    )
    network = task.kept.eval().cpu()
    model = _model(folder, task, images, history, recipe)
    model.save(network, {"recipe": recipe, **model.settings.details})
    return MicrographModel.open(folder)


def _batches(
    micrographs: MicrographSet,
    images: ConditionedImages,
    chosen: NDArray[np.int64],
    *,
    config: SemGanConfig,
    chips: SemChipConfig,
    seed: int,
) -> ChipBatches:
    return ChipBatches(
        micrographs.chips(chips.edge, chips.stride, images=chosen),
        images.codes,
        images.settings,
        config.batch,
        config.critic_steps,
        config.steps,
        config.balanced,
        seed,
    )


def _scale(batches: ChipBatches, window: GreyWindow, config: SemGanConfig) -> float:
    """Size of the persistence images of real chips; 1 where no critic sees any."""
    if not (config.topology or config.averages):
        return 1.0
    return persistence_scale(window.to_unit(batches.fixed(AT_ONCE).chips[0])[:, None])


def _texture(batches: ChipBatches, window: GreyWindow, config: SemGanConfig) -> Tensor | None:
    """Filter that makes the background of real chips; None where no grain is made."""
    if not config.grain:
        return None
    chips = window.to_unit(batches.fixed(MEASURED).chips[0])
    return torch.from_numpy(texture_filter(chips.numpy(), GRAIN_REACH))


def setting_areas(batches: ChipBatches, window: GreyWindow, settings: int) -> Tensor:
    """float32 (settings, 10): shares of the area of real chips above ten levels."""
    found = torch.zeros(settings, THRESHOLDS)
    for setting in batches.known_settings:
        shares = [area_shares(each) for each in _chips_of(batches, window, setting)]
        found[setting] = torch.cat(shares).mean(dim=0)
    return found


def _averages(
    batches: ChipBatches, window: GreyWindow, config: SemGanConfig, settings: int
) -> dict[str, SettingAverages] | None:
    """Persistence images and areas of openings of real chips by setting; None without the term."""
    if not config.averages:
        return None
    scale = _scale(batches, window, config)
    features: dict[str, Callable[[Tensor], Tensor]] = {
        "persistence": lambda chips: persistence_of(chips, scale),
        "sizes": opened_shares,
    }
    found = {}
    for name, feature in features.items():
        rows = {
            setting: torch.cat([feature(each) for each in _chips_of(batches, window, setting)])
            for setting in batches.known_settings
        }
        wanted = torch.zeros(settings, next(iter(rows.values())).shape[1])
        for setting, own in rows.items():
            wanted[setting] = own.mean(dim=0)
        if name == "sizes":  # of rare particles, chips scatter by many times their mean
            spread = wanted + RAREST
        else:
            variances = torch.stack([own.var(dim=0, correction=0) for own in rows.values()])
            spread = variances.mean(dim=0).sqrt()
            spread = spread.clamp(min=FLATTEST * max(float(spread.max()), 1e-12))
        found[name] = SettingAverages(wanted, spread, config.averages_after)
    return found


def _chips_of(batches: ChipBatches, window: GreyWindow, setting: int) -> Iterator[Tensor]:
    """Some chips (n, 1, y, x) of a setting, part by part, as a network sees them."""
    numbers = batches.of_setting(setting, MEASURED)
    for k in range(0, len(numbers), AT_ONCE):
        yield window.to_unit(batches.read(numbers[k : k + AT_ONCE][None]).chips[0])[:, None]


def _model(
    folder: Path,
    task: MicrographGan,
    images: ConditionedImages,
    history: list[dict[str, float]],
    recipe: dict[str, Any],
) -> MicrographModel:
    measures = {
        name.removeprefix(VALIDATED): value
        for name, value in history[-1].items()
        if name.startswith(VALIDATED)
    }
    settings = MicrographModelSettings(
        conditions=tuple(each.stored for each in images.conditions),
        network=task.shape.stored,
        edge=task.edge,
        window=(task.window.low, task.window.high),
        bits=8 if task.window.bits == 8 else 16,
        pixel_um=images.pixel_um,
        images=images.counts(),
        details={"epochs": len(history), "measures": measures},
        recipe=recipe,
    )
    return MicrographModel(folder, settings)
