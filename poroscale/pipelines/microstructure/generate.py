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
from poroscale.microstructure.inside import InsideSampler
from poroscale.microstructure.model import MicrostructureModel
from poroscale.microstructure.placed import PhaseSampler, PlacedSampler, sampler_pass
from poroscale.microstructure.shares import MaskedShare
from poroscale.microstructure.swnn import SwnnSampler
from poroscale.microstructure.swnn_training.course import CalibratedMean
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
    inside: Volume | None = None,
    config: GenerateMicrostructureConfig | None = None,
    run: Run | None = None,
) -> JobPlan:
    """The plan of `generate_microstructure`, with the same arguments."""
    opened, config = MicrostructureModel.named(model), config or GenerateMicrostructureConfig()
    sampler = _sampler(opened, config, mask, inside)
    declared = sampler_pass(sampler)
    return plan_job(_spec(opened, config, inside), {declared.title: declared}, run or Run())


@verb(
    "generate_microstructure",
    Section.of("generate", GenerateMicrostructureConfig),
    volumes=("mask", "inside"),
    plan="plan_generate_microstructure",
)
def generate_microstructure(
    model: str | Path,
    out: str | Path,
    *,
    mask: Volume | None = None,
    inside: Volume | None = None,
    config: GenerateMicrostructureConfig | None = None,
    run: Run | None = None,
) -> Volume:
    """Generate a volume of phases, or of grey values, from a model of a microstructure.

    Parameters
    ----------
    model
        Folder that `fit_microstructure` made, or the name of an included model, as "sandstone".
    out
        Folder of the volume: uint8 phases 0 to n - 1, or levels of grey. A volume of one slice is a
        section.
    mask
        Where it is not 0, the wanted fraction holds, and that of the images elsewhere; a mask of
        floats states the wanted phase's fraction at every voxel.
    inside
        Where it is not 0, the volume shows the model, and elsewhere the phase `outside`. With a
        model of some phases of its images (`within`), the volume has all phases of the images.
    config
        Shape, seed and fractions.
    run
        Memory, workers and cluster; changes no byte of the output.

    Raises
    ------
    ValueError
        If a phase or fraction is out of range, or a mask has another shape.
    FileNotFoundError, OSError
        If the model is missing, or a file of it was altered.
    MemoryError
        If the budget cannot hold a tile.
    """
    config = config or GenerateMicrostructureConfig()
    opened = MicrostructureModel.named(model)
    sampler = _sampler(opened, config, mask, inside)
    if Path(out).resolve().is_relative_to(opened.folder.resolve()):
        raise ValueError(f"output must not lie inside the model {opened.folder}, got {out}")
    spec = _spec(opened, config, inside)
    declared, recipe = sampler_pass(sampler), dict(sampler.recipe)
    try:
        with connect(run or Run(), job="generate") as shared:
            return fill_pass(declared, out, spec=spec, recipe=recipe, run=shared)
    finally:
        forget_models()  # the next job plans its memory beside what this process holds


def _sampler(
    model: MicrostructureModel,
    config: GenerateMicrostructureConfig,
    mask: Volume | None,
    inside: Volume | None,
) -> PhaseSampler:
    """The medium, seen from where the volume lies."""
    outside = _outside(model, config, inside)
    medium = METHODS[model.settings.method].sampler(model, config, mask)
    if inside is not None and config.masked_noise:
        medium = _covered(medium, config, inside)
    if inside is not None and outside is not None:
        local = model.settings.local
        codes = tuple(range(model.phases)) if local is None else local.within
        where = MaskedShare.of(inside, inside=1.0, outside=0.0, at=config.origin)
        medium = InsideSampler(medium, where, codes, outside)
    if not any(config.origin):
        return medium
    if config.periodic:
        raise ValueError("`origin` must be left out of a periodic volume, whose faces fit anywhere")
    return PlacedSampler(medium, config.origin)


def _covered(
    medium: PhaseSampler, config: GenerateMicrostructureConfig, inside: Volume
) -> SwnnSampler:
    """A medium whose noise is 0 where a mask is (section 3.3)."""
    if not isinstance(medium, SwnnSampler):
        raise ValueError("`masked_noise` must be left out of a model that is no network of SWNN")
    where = MaskedShare.of(inside, inside=1.0, outside=0.0, at=config.origin)
    ends = (0.0, 1.0)
    return medium.covered(CalibratedMean(where, ends, ends, config.shape, config.periodic))


def _outside(
    model: MicrostructureModel, config: GenerateMicrostructureConfig, inside: Volume | None
) -> int | None:
    """The phase where the mask is 0; None where the network decides, or there is no mask.

    Raises
    ------
    ValueError
        If there is no such phase, or the mask does not fit.
    """
    if inside is None:
        for name in ("outside", "masked_noise"):
            if getattr(config, name):
                raise ValueError(f"`{name}` must come with the mask `inside`")
        return None
    if inside.shape != config.shape:
        raise ValueError(
            f"`inside` must have the shape {config.shape} of the volume, got {inside.shape}"
        )
    local = model.settings.local
    allowed = tuple(range(model.phases)) if local is None else local.others
    if config.outside is None and local is not None and len(allowed) == 1:
        return allowed[0]
    if config.outside is None and local is None and config.masked_noise:
        return None
    if config.outside not in allowed:
        raise ValueError(
            f"`outside` must be one of the phases {', '.join(map(str, allowed))} for this model, "
            f"got {config.outside}"
        )
    return config.outside


def _spec(
    model: MicrostructureModel, config: GenerateMicrostructureConfig, inside: Volume | None
) -> VolumeSpec:
    local = model.settings.local if inside is not None else None
    attributes = {
        "kind": KINDS[model.settings.kind],
        "model": model.digest,
        "greys": list(model.settings.greys if local is None else local.greys),
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
