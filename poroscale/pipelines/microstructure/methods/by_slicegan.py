"""A trained generator of SliceGAN: the method "slicegan"."""

from __future__ import annotations

import torch

from poroscale.engine import available_cores
from poroscale.microstructure.field.observed import fraction_of
from poroscale.microstructure.model import MicrostructureModel
from poroscale.microstructure.slicegan.config import SliceGanConfig
from poroscale.microstructure.slicegan.fit import (
    fit_slicegan,
    slicegan_grey_sampler,
    slicegan_sampler,
)
from poroscale.microstructure.slicegan.sampler import SliceGanGrey, SliceGanSampler
from poroscale.pipelines.microstructure.methods.contract import FitInput, Fitted
from poroscale.pipelines.microstructure.settings import FitMicrostructureConfig
from poroscale.pipelines.microstructure.wishes import GenerateMicrostructureConfig, shares_of
from poroscale.volume import Volume

GRAPH = 6
"""Copies of the values of all layers that a step holds: values, gradients, and what convolves."""


def need(config: FitMicrostructureConfig) -> int:
    """Bytes that a step of the training takes."""
    return training_bytes(config.slicegan.training)


def training_bytes(config: SliceGanConfig) -> int:
    """Bytes of the layers of a batch of volumes, whose edge is that of a slice."""
    edge = 4 * 2 ** len(config.critic)
    depth = len(config.generator)
    layers = sum(
        width * (edge // 2 ** (depth - k)) ** 3 for k, width in enumerate(config.generator)
    )
    return 4 * GRAPH * config.batch * (layers + 8 * edge**3)


def fit(given: FitInput) -> Fitted:
    """Train the generator, and write its weights."""
    own, images = given.config.microstructure, given.images
    torch.set_num_threads(own.threads or available_cores())
    found = fit_slicegan(
        images.volumes,
        given.folder,
        planes=images.planes,
        phases=images.grey or images.phases,
        config=given.config.slicegan.training,
        seed=own.seed,
        tile=own.tile,
        progress=given.progress,
    )
    torch.set_num_threads(1)  # as samplers want it
    measures = ", ".join(f"{name} {value:.4f}" for name, value in found.details["measures"].items())
    words = [f"best of {found.details['epochs']} epochs: {measures}"]
    if width := found.details.get("smoothing"):
        words.append(f"shares averaged over {width:g} voxels, for surfaces as in the images")
    words.append(found.plan.in_short)
    codes = range(0 if images.grey else images.phases.count)
    fractions = tuple(fraction_of(given.correlations, code) for code in codes)
    return Fitted(fractions, found.tile, found.details | {"words": words})


def sampler(
    model: MicrostructureModel, config: GenerateMicrostructureConfig, mask: Volume | None
) -> SliceGanSampler | SliceGanGrey:
    """What the generator of a model makes: phases with the fractions that are wished for, or grey.

    Raises
    ------
    ValueError
        If fractions are wished for of a model of grey values.
    """
    if model.settings.kind == "grey":
        if config.fraction or config.gradient or mask is not None:
            raise ValueError(
                f"{model.folder} is a model of grey values, which have no fractions: leave out "
                "`fraction`, `gradient` and `mask`"
            )
        return slicegan_grey_sampler(model, seed=config.seed, period=config.period)
    shares = shares_of(model, config, mask)
    return slicegan_sampler(model, shares, seed=config.seed, period=config.period)
