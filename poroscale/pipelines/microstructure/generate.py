"""From a model of a microstructure to a volume of any size."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from poroscale.engine import (
    JobPlan,
    Run,
    connect,
    fill_pass,
    forget_models,
    plan_job,
)
from poroscale.microstructure.model import MicrostructureModel
from poroscale.microstructure.placed import PhaseSampler, PlacedSampler, sampler_pass
from poroscale.microstructure.tiles import tile_chunks
from poroscale.pipelines.microstructure.methods.registry import METHODS
from poroscale.pipelines.microstructure.wishes import GenerateMicrostructureConfig
from poroscale.verb import Section, verb
from poroscale.volume import Volume, VolumeSpec

KINDS = {"phases": "microstructure", "grey": "grey microstructure"}
"""What a volume says that it is, by the kind of its model."""


def plan_generate_microstructure(
    model: str | Path,
    *,
    mask: Volume | None = None,
    config: GenerateMicrostructureConfig | None = None,
    run: Run | None = None,
) -> JobPlan:
    """The plan of `generate_microstructure`, with the same arguments."""
    opened, config = MicrostructureModel.open(model), config or GenerateMicrostructureConfig()
    sampler = _sampler(opened, config, mask)
    declared = sampler_pass(sampler)
    return plan_job(_spec(opened, config), {declared.title: declared}, run or Run())


@verb(
    "generate_microstructure",
    Section.of("generate", GenerateMicrostructureConfig),
    volumes=("mask",),
    plan="plan_generate_microstructure",
)
def generate_microstructure(
    model: str | Path,
    out: str | Path,
    *,
    mask: Volume | None = None,
    config: GenerateMicrostructureConfig | None = None,
    run: Run | None = None,
) -> Volume:
    """Generate a volume of phases, or of grey values, from a model of a microstructure.

    Parameters
    ----------
    model
        Folder that `fit_microstructure` made.
    out
        Folder of the volume: uint8 phases 0 to n - 1, or levels of grey. A volume of one slice is a
        section.
    mask
        Where it is not 0, the wanted fraction holds, and that of the images elsewhere; a mask of
        floats states the wanted phase's fraction at every voxel.
    config
        Shape, seed and fractions.
    run
        Memory, workers and cluster; changes no byte of the output.

    Raises
    ------
    ValueError
        If a phase or fraction is out of range, or the mask has another shape.
    FileNotFoundError, OSError
        If the model is missing, or a file of it was altered.
    MemoryError
        If the budget cannot hold a tile.
    """
    config = config or GenerateMicrostructureConfig()
    opened = MicrostructureModel.open(model)
    sampler = _sampler(opened, config, mask)
    spec = _spec(opened, config)
    declared, recipe = sampler_pass(sampler), dict(sampler.recipe)
    try:
        with connect(run or Run(), job="generate") as shared:
            return fill_pass(declared, out, spec=spec, recipe=recipe, run=shared)
    finally:
        forget_models()  # the next job plans its memory beside what this process holds


def _sampler(
    model: MicrostructureModel, config: GenerateMicrostructureConfig, mask: Volume | None
) -> PhaseSampler:
    """The medium, seen from where the volume lies."""
    medium = METHODS[model.settings.method].sampler(model, config, mask)
    if not any(config.origin):
        return medium
    if config.periodic:
        raise ValueError("`origin` must be left out of a periodic volume, whose faces fit anywhere")
    return PlacedSampler(medium, config.origin)


def _spec(model: MicrostructureModel, config: GenerateMicrostructureConfig) -> VolumeSpec:
    attributes = {
        "kind": KINDS[model.settings.kind],
        "model": model.digest,
        "greys": list(model.settings.greys),
    }
    chunks = tile_chunks(model.settings.tile)
    z, y, x = (min(c, n) for c, n in zip(chunks, config.shape, strict=True))
    return VolumeSpec(
        config.shape,
        np.dtype(np.uint8),
        model.voxel_size,
        origin=config.origin,
        attributes=attributes,
        chunks=(z, y, x),
    )
