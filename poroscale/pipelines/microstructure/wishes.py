"""What is wished of a generated microstructure: shape, seed, and fractions by place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, PositiveInt, field_validator

from poroscale.config import Config
from poroscale.microstructure.model import MicrostructureModel
from poroscale.microstructure.shares import Gradient, MaskedShare, Shares, with_fraction
from poroscale.pipelines.microstructure.settings import fractions_by_phase, fractions_in_words
from poroscale.volume import Index, Shape, Volume

AXES = ("z", "y", "x")
FARTHEST = 2**35
"""Voxels from the origin of a medium at most: its noise repeats after 2**37."""
Place = Annotated[int, Field(ge=-FARTHEST, le=FARTHEST)]
UNLIKE = 1e-3
"""Two edges of voxels differ if they do by this share."""


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
    outside
        Phase where the mask `inside` is 0; None takes the one that the images show beside those of
        the model.
    masked_noise
        Whether the noise of a network of SWNN is 0 where the mask `inside` is, as published. With a
        model of all phases, those outside are then what the network makes of no noise, unless
        `outside` names one.
    periodic
        Whether opposite faces of the volume fit each other.
    origin
        Place of the first voxel in the unbounded medium: volumes of one seed that meet there fit
        each other.
    """

    shape: tuple[PositiveInt, PositiveInt, PositiveInt] = (256, 256, 256)
    seed: int = Field(0, ge=0, lt=2**64)
    fraction: str | None = None
    gradient: str | None = None
    outside: int | None = None
    masked_noise: bool = False
    periodic: bool = False
    origin: tuple[Place, Place, Place] = (0, 0, 0)

    @field_validator("fraction", mode="before")
    @classmethod
    def _listed(cls, given: Any) -> Any:
        """A mapping, as Python users give it, in words."""
        return fractions_in_words(given)

    @property
    def fractions(self) -> dict[int, float]:
        """Wanted fractions by phase.

        Raises
        ------
        ValueError
            If they are not of the form "PHASE=F", or name a phase twice.
        """
        named = fractions_by_phase(self.fraction)
        found = dict(named)
        if len(found) < len(named):
            raise ValueError(f"`fraction` must name each phase once, got {self.fraction}")
        return found

    @property
    def period(self) -> tuple[int | None, int | None, int | None]:
        """Voxels after which the volume repeats; a section repeats within its plane alone."""
        z, y, x = (n if self.periodic and n > 1 else None for n in self.shape)
        return z, y, x


def varying_share(
    model: MicrostructureModel, config: GenerateMicrostructureConfig, mask: Volume | None
) -> tuple[int, Gradient | MaskedShare] | None:
    """The phase whose fraction varies, and how; None where none does.

    Raises
    ------
    ValueError
        If mask and gradient are both given, the mask has another shape, or what is wished is not
        of the right form.
    """
    if mask is not None and config.gradient is not None:
        raise ValueError("`mask` and `gradient` must not both be given")
    if config.gradient is not None:
        phase, gradient = _gradient(config.gradient, config.shape, config.origin)
        if phase in config.fractions:
            raise ValueError(
                f"`fraction` must not name phase {phase}, whose fraction `gradient` changes"
            )
        model.wanted({phase: gradient.first})  # refuses a phase that the model does not have
        return phase, gradient
    if mask is not None:
        return _masked(model, config.fractions, mask, config)
    return None


def shares_of(
    model: MicrostructureModel, config: GenerateMicrostructureConfig, mask: Volume | None
) -> Shares:
    """Fractions of all phases; errors as `varying_share`."""
    varying = varying_share(model, config, mask)
    if varying is None:
        return Shares(model.wanted(config.fractions))
    phase, share = varying
    own = model.settings.fractions
    if mask is not None:
        return Shares(own, phase, share)
    return Shares(model.wanted({**config.fractions, phase: own[phase]}), phase, share)


def _masked(
    model: MicrostructureModel,
    wanted: Mapping[int, float],
    mask: Volume,
    config: GenerateMicrostructureConfig,
) -> tuple[int, MaskedShare]:
    if mask.shape != config.shape:
        raise ValueError(
            f"`mask` must have the shape {config.shape} of the volume, got {mask.shape}"
        )
    same = zip(mask.voxel_size, model.voxel_size, strict=True)
    if any(abs(size / own - 1) > UNLIKE for size, own in same):
        raise ValueError(
            f"`mask` must have voxels of {model.voxel_size} um, as the model has, got "
            f"{mask.voxel_size} um"
        )
    if len(wanted) != 1 and not (model.phases == 2 and not wanted and mask.dtype.kind == "f"):
        raise ValueError("`fraction` must name one phase, whose fraction the mask changes")
    phase = next(iter(wanted), 1)
    model.wanted(wanted)  # refuses a phase or a fraction out of range
    own = model.settings.fractions[phase]
    inside = wanted.get(phase, own)
    with_fraction(model.settings.fractions, phase, inside)
    return phase, MaskedShare.of(mask, inside=inside, outside=own, at=config.origin)


def _gradient(given: str, shape: Shape, at: Index) -> tuple[int, Gradient]:
    parts = given.split(":")
    try:
        phase, axis, first, last = int(parts[0]), AXES.index(parts[1]), *map(float, parts[2:])
        gradient = Gradient(axis, first, last, shape[axis], at)
    except (ValueError, IndexError, TypeError):
        raise ValueError(
            f"`gradient` must be of the form PHASE:AXIS:FIRST:LAST, as 1:z:0.1:0.3, got {given!r}"
        ) from None
    if not (0 < first < 1 and 0 < last < 1):
        raise ValueError(f"`gradient` must have fractions between 0 and 1, got {given!r}")
    return phase, gradient
