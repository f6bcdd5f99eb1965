"""From a model of a microstructure to a volume of any size."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import PositiveInt, field_validator

from poroscale.config import Config
from poroscale.engine import JobPlan, Pass, Run, connect, fill_pass, plan_job
from poroscale.microstructure.field.sampler import LevelledField
from poroscale.microstructure.model import MicrostructureModel
from poroscale.microstructure.shares import Gradient, MaskedShare, Shares, with_fraction
from poroscale.microstructure.tiles import tile_chunks
from poroscale.verb import Section, verb
from poroscale.volume import Shape, Volume, VolumeSpec

AXES = "zyx"


class GenerateMicrostructureConfig(Config):
    """Settings for generating a microstructure.

    Attributes
    ----------
    shape
        Voxels along z, y, x.
    seed
        Number from which the noise is drawn.
    fraction
        Wanted fractions as "PHASE=F", with commas between; the other phases keep their proportions.
        None takes those of the images. With a mask, the fraction inside it.
    gradient
        Fraction that changes along an axis, as "PHASE:AXIS:FIRST:LAST".
    periodic
        Whether opposite faces of the volume fit each other.
    """

    shape: tuple[PositiveInt, PositiveInt, PositiveInt] = (256, 256, 256)
    seed: int = 0
    fraction: str | None = None
    gradient: str | None = None
    periodic: bool = False

    @field_validator("fraction", mode="before")
    @classmethod
    def _listed(cls, given: Any) -> Any:
        """A mapping, as Python users give it, in words."""
        if isinstance(given, Mapping):
            return ",".join(f"{phase}={share}" for phase, share in given.items())
        return given

    @property
    def fractions(self) -> dict[int, float]:
        """Wanted fractions by phase.

        Raises
        ------
        ValueError
            If they are not of the form "PHASE=F".
        """
        found = {}
        for each in (self.fraction or "").split(",") if self.fraction else ():
            phase, _, share = each.partition("=")
            try:
                found[int(phase)] = float(share)
            except ValueError:
                raise ValueError(
                    f"`fraction` must be of the form PHASE=F, as 1=0.2, got {each!r}"
                ) from None
        return found


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
    """Generate a volume of phases from a model of a microstructure.

    Parameters
    ----------
    model
        Folder that `fit_microstructure` made.
    out
        Folder of the volume: uint8 phases 0 to n - 1. A volume of one slice is a section.
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
    with connect(run or Run(), job="generate") as shared:
        return fill_pass(
            sampler_pass(sampler), out, spec=spec, recipe=dict(sampler.recipe), run=shared
        )


def sampler_pass(sampler: LevelledField) -> Pass:
    """The pass that fills a volume with a sampler, in blocks of whole tiles."""
    return Pass(
        "microstructure",
        sampler,
        writes=np.uint8,
        temporary=0.0,
        fixed=sampler.need,
        driver=sampler.held,
        libraries=("numba", "torch"),
        multiple=sampler.tile,
    )


def _spec(model: MicrostructureModel, config: GenerateMicrostructureConfig) -> VolumeSpec:
    attributes = {
        "kind": "microstructure",
        "model": model.digest,
        "greys": list(model.settings.greys),
    }
    chunks = tile_chunks(model.settings.tile)
    z, y, x = (min(c, n) for c, n in zip(chunks, config.shape, strict=True))
    return VolumeSpec(
        config.shape, np.dtype(np.uint8), model.voxel_size, attributes=attributes, chunks=(z, y, x)
    )


def _sampler(
    model: MicrostructureModel, config: GenerateMicrostructureConfig, mask: Volume | None
) -> LevelledField:
    details = model.settings.details
    return LevelledField(
        model.weights.absolute(),
        str(details["weights"]),
        order=tuple(details["order"]),
        reaches=tuple(details["reaches"]),
        shares=_shares(model, config, mask),
        tile=model.settings.tile,
        seed=config.seed,
        period=config.shape if config.periodic else (None, None, None),
    )


def _shares(
    model: MicrostructureModel, config: GenerateMicrostructureConfig, mask: Volume | None
) -> Shares:
    if mask is not None and config.gradient is not None:
        raise ValueError("`mask` and `gradient` must not both be given")
    wanted = config.fractions
    if config.gradient is not None:
        phase, varying = _gradient(config.gradient, config.shape)
        fractions = model.wanted({**wanted, phase: model.settings.fractions[phase]})
        return Shares(fractions, phase, varying)
    if mask is None:
        return Shares(model.wanted(wanted))
    return _masked(model, wanted, mask, config.shape)


def _masked(
    model: MicrostructureModel, wanted: Mapping[int, float], mask: Volume, shape: Shape
) -> Shares:
    if mask.shape != shape:
        raise ValueError(f"`mask` must have the shape {shape} of the volume, got {mask.shape}")
    if len(wanted) != 1 and not (model.phases == 2 and not wanted and mask.dtype.kind == "f"):
        raise ValueError("`fraction` must name one phase, whose fraction the mask changes")
    phase = next(iter(wanted), 1)
    own = model.settings.fractions[phase]
    inside = wanted.get(phase, own)
    with_fraction(model.settings.fractions, phase, inside)  # refuses what is out of range
    return Shares(model.settings.fractions, phase, MaskedShare.of(mask, inside=inside, outside=own))


def _gradient(given: str, shape: Shape) -> tuple[int, Gradient]:
    parts = given.split(":")
    try:
        phase, axis, first, last = int(parts[0]), AXES.index(parts[1]), *map(float, parts[2:])
        gradient = Gradient(axis, first, last, shape[axis])
    except (ValueError, IndexError, TypeError):
        raise ValueError(
            f"`gradient` must be of the form PHASE:AXIS:FIRST:LAST, as 1:z:0.1:0.3, got {given!r}"
        ) from None
    if not (0 < first < 1 and 0 < last < 1):
        raise ValueError(f"`gradient` must have fractions between 0 and 1, got {given!r}")
    return phase, gradient
