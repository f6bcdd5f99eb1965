"""Settings of a measurement of transport: those of all properties, and those of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, field_validator

from poroscale.config import Config, parse_stages
from poroscale.transport.conduction.effective import FINEST, ITERATIONS, Sides
from poroscale.transport.flow.stokes import CORNER

Property = Literal["diffusivity", "conductivity", "permeability"]
Ends = Literal["pressure", "mirrored", "periodic"]
Solver = Literal["auto", "memory", "streamed"]


class TransportConfig(Config):
    """Settings of all properties.

    Attributes
    ----------
    property
        "diffusivity" or "conductivity": the same equation, whose coefficients `phases` gives.
        "permeability": slow flow through `pore`.
    axis
        Axis along which the volume is driven: "z", "y", "x", or "all" for one after the other.
    sides
        The four sides along the driven axis: "closed" to any flux, "periodic" (opposite sides
        join), or "mirrored" (the volume goes on as its mirror image, which closes them, too). A
        fluid is held by closed sides, and slips along mirrored ones.
    tolerance
        Bound of the error of the effective value, over that value, at which the solver stops; None
        for 1e-4, or 0.005 of a permeability.
    iterations
        Iterations of the solver at the most.
    tensor
        Give the full tensor: the mean flux along all axes. Needs "all" for `axis`; not for a
        permeability.
    fields
        Keep the local potential and flux, or pressure and velocity, as volumes, in a folder inside
        the output.
    """

    property: Property = "diffusivity"
    axis: Literal["z", "y", "x", "all"] = "z"
    sides: Sides = "closed"
    tolerance: float | None = Field(None, ge=FINEST, le=0.1)
    iterations: PositiveInt = ITERATIONS
    tensor: bool = False
    fields: bool = False


def driven_axes(config: TransportConfig) -> tuple[int, ...]:
    """The axes that are driven, as numbers.

    Raises
    ------
    ValueError
        If a tensor is asked for of one axis.
    """
    if config.tensor and config.axis != "all":
        raise ValueError(f"`axis` must be all where `tensor` is asked for, got {config.axis}")
    return (0, 1, 2) if config.axis == "all" else ("zyx".index(config.axis),)


class ConductionConfig(Config):
    """Settings of diffusivity and conductivity.

    Attributes
    ----------
    phases
        Conductivity or diffusivity of each value of the volume, as "VALUE=X,VALUE=X", in any
        unit; 0 for a phase that lets nothing through.
    solver
        "memory" holds the whole solution. "streamed" holds a part of it, and the rest lies beside
        the output while the solver runs; it takes longer. "auto": in memory where that fits.
    device
        "cuda" solves on a GPU, which holds all voxels.
    """

    phases: str | None = None
    solver: Solver = "auto"
    device: Literal["cpu", "cuda"] = "cpu"

    @field_validator("phases", mode="before")
    @classmethod
    def _listed(cls, given: Any) -> Any:
        """A mapping, as Python users give it, in words."""
        if isinstance(given, Mapping):
            return ",".join(f"{value}={float(each)!r}" for value, each in given.items())
        return given

    @property
    def by_value(self) -> dict[int, float]:
        """Conductivity by value.

        Raises
        ------
        ValueError
            If none is given, or the words are of another form.
        """
        if not self.phases:
            raise ValueError("`phases` must be given, as 0=0,1=1 for VALUE=CONDUCTIVITY")
        found: dict[int, float] = {}
        for each in self.phases.split(","):
            value, _, conductivity = each.partition("=")
            try:
                key, number = int(value), float(conductivity)
            except ValueError:
                raise ValueError(
                    f"`phases` must be of the form VALUE=CONDUCTIVITY, as 1=0.5, got {each!r}"
                ) from None
            if not 0 <= number < inf:
                raise ValueError(
                    f"`phases` must give conductivities of 0 or more, got {key}={number:g}"
                )
            if found.setdefault(key, number) != number:
                raise ValueError(f"`phases` must give one conductivity to {key}, got two")
        return found


class FlowConfig(Config):
    """Settings of permeability.

    Attributes
    ----------
    pore
        Value of the voxels that the fluid fills; several with commas.
    ends
        The two outer faces of the driven axis: "pressure" (a given pressure, through which the
        fluid passes straight on), "mirrored" (volume and mirror image alternate), or "periodic"
        (the volume repeats itself).
    layers
        Layers of open fluid before and behind the volume along the axis [voxels].
    corner
        Friction at an edge of the solid: 1 suits smooth bodies, 2 flat walls of voxels.
    """

    pore: str | None = None
    ends: Ends = "pressure"
    layers: NonNegativeInt = 0
    corner: float = Field(CORNER, ge=1, le=2)

    @field_validator("pore", mode="before")
    @classmethod
    def _in_words(cls, given: Any) -> Any:
        """A number or several, as Python and YAML give them, in words."""
        if isinstance(given, Iterable) and not isinstance(given, str):
            return ",".join(str(int(each)) for each in given)
        return given if given is None else str(given)

    @property
    def pores(self) -> tuple[int, ...]:
        """The values that are pore, in order.

        Raises
        ------
        ValueError
            If none is given, or one is no whole number.
        """
        if not self.pore:
            raise ValueError("`pore` must be given, as 0 for the value of the pores")
        try:
            return tuple(sorted({int(each) for each in self.pore.split(",")}))
        except ValueError:
            raise ValueError(
                f"`pore` must be a value of the volume, or several with commas, got {self.pore!r}"
            ) from None


STAGES: dict[str, type[Config]] = {
    "transport": TransportConfig,
    "conduction": ConductionConfig,
    "flow": FlowConfig,
}
"""Configuration by section; a property with settings of its own has a section."""


@dataclass(frozen=True)
class TransportSettings:
    """The settings of a measurement; a section of a YAML file is named as its attribute."""

    transport: TransportConfig = field(default_factory=TransportConfig)
    conduction: ConductionConfig = field(default_factory=ConductionConfig)
    flow: FlowConfig = field(default_factory=FlowConfig)

    def check(self) -> None:
        """Refuse a setting of another property than the one that is measured.

        Raises
        ------
        ValueError
            Names the setting and the property.
        """
        name = self.transport.property
        other: Config = self.conduction if name == "permeability" else self.flow
        for key, value in other:
            if value != type(other).model_fields[key].default:
                raise ValueError(f"`{key}` must not be given where `property` is {name}")
        if self.transport.tensor and name == "permeability":
            raise ValueError(f"`tensor` must not be given where `property` is {name}")

    @classmethod
    def of_sections(cls, sections: Mapping[str, Mapping[str, Any]]) -> TransportSettings:
        """The settings in a file that may hold sections of other verbs, too."""
        own = {name: sections[name] for name in STAGES if name in sections}
        return cls(**parse_stages(STAGES, own))
