"""The law of the phantom micrographs: how number, size and contrast follow from the conditions.

It imitates aluminium that was extruded at some feed rate and then tempered: bright precipitates on
a noisy, darker background. A higher feed rate gives more and smaller precipitates whose share of
the area grows; T6 has fewer and fainter ones than T5. A few are much larger than all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

EXTRUDED = "none"
"""Name of the temper of specimens that were not heat treated."""
FEED_RATES = (2.5, 12.5)
"""Lowest and highest feed rate of the law [mm/s]."""


@dataclass(frozen=True)
class Population:
    """Precipitates and background of one setting of the conditions.

    Attributes
    ----------
    density
        Precipitates that are offered a place for each million pixels, large ones not counted; one
        that would touch a larger one is left out.
    radius
        Median of their radius [pixels].
    spread
        Standard deviation of the logarithm of the radius.
    contrast
        Median brightness over the background [levels of 8 bits].
    large
        Large precipitates that are offered for each million pixels.
    large_radius
        Lowest and highest radius of those [pixels].
    background
        Mean brightness of the background [levels of 8 bits].
    noise
        Standard deviation of the white noise [levels of 8 bits].
    texture, texture_sigma
        Standard deviation of the smooth noise, and of its Gaussian [levels of 8 bits, pixels].
    """

    density: float
    radius: float
    contrast: float
    spread: float = 0.25
    large: float = 40.0
    large_radius: tuple[float, float] = (9.0, 13.0)
    background: float = 70.0
    noise: float = 8.0
    texture: float = 6.0
    texture_sigma: float = 1.5

    def __post_init__(self) -> None:
        for name in ("radius", "contrast", "texture_sigma"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        for name in ("density", "spread", "large", "noise", "texture"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be zero or positive, got {getattr(self, name)}")
        low, high = self.large_radius
        if not 0 < low <= high:
            raise ValueError(f"large_radius must rise from above 0, got {self.large_radius}")

    @property
    def recipe(self) -> dict[str, Any]:
        """The numbers as JSON."""
        return {**self.__dict__, "large_radius": list(self.large_radius)}


@dataclass(frozen=True)
class TemperLaw:
    """Straight lines from the lowest to the highest feed rate, for one temper.

    Attributes
    ----------
    density, radius, contrast
        At the lowest and at the highest feed rate; in the units of `Population`.
    large, background
        Of all feed rates.
    strength
        Ultimate tensile strength at the lowest and at the highest feed rate [MPa]; None where it
        was not measured.
    """

    density: tuple[float, float]
    radius: tuple[float, float]
    contrast: tuple[float, float]
    large: float
    background: float
    strength: tuple[float, float] | None


def _published() -> dict[str, TemperLaw]:
    return {
        "T5": TemperLaw((600, 1600), (3.0, 2.5), (95, 80), 40, 70, (510, 470)),
        "T6": TemperLaw((250, 900), (2.4, 2.2), (65, 80), 15, 58, (575, 545)),
        EXTRUDED: TemperLaw((800, 2000), (3.4, 3.0), (80, 70), 60, 80, None),
    }


@dataclass(frozen=True)
class PrecipitateLaw:
    """From a temper and a feed rate to a population.

    Attributes
    ----------
    tempers
        Lines by name of temper.
    feed_rates
        Feed rates at which the lines begin and end [mm/s].
    """

    tempers: Mapping[str, TemperLaw] = field(default_factory=_published)
    feed_rates: tuple[float, float] = FEED_RATES

    def population(self, temper: str, feed_rate: float) -> Population:
        """The population of a setting.

        Raises
        ------
        ValueError
            If there is no such temper, or the feed rate lies beyond the law.
        """
        lines, share = self._at(temper, feed_rate)
        return Population(
            density=_between(lines.density, share),
            radius=_between(lines.radius, share),
            contrast=_between(lines.contrast, share),
            large=lines.large,
            background=lines.background,
        )

    def strength(self, temper: str, feed_rate: float) -> float | None:
        """Ultimate tensile strength [MPa], None where it was not measured; errors as above."""
        lines, share = self._at(temper, feed_rate)
        return None if lines.strength is None else _between(lines.strength, share)

    def _at(self, temper: str, feed_rate: float) -> tuple[TemperLaw, float]:
        low, high = self.feed_rates
        if temper not in self.tempers:
            raise ValueError(f"temper must be one of {', '.join(self.tempers)}, got {temper!r}")
        if not low <= feed_rate <= high:
            raise ValueError(f"feed_rate must lie between {low:g} and {high:g}, got {feed_rate:g}")
        return self.tempers[temper], (feed_rate - low) / (high - low)


def _between(ends: tuple[float, float], share: float) -> float:
    return ends[0] + share * (ends[1] - ends[0])
