"""Whether two sets of micrographs can be compared, by which conditions, and in which settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from poroscale.compare.micrographs.config import CompareSemConfig
from poroscale.compare.micrographs.matching import ComparedSetting, compared_settings
from poroscale.compare.micrographs.samples import chosen_chips
from poroscale.micrographs.chips import EDGE
from poroscale.micrographs.conditions import (
    KINDS,
    ConditionKind,
    MicrographCondition,
    conditions_in_words,
    fitted_conditions,
)
from poroscale.micrographs.dataset import MicrographSet

FEWEST_CHIPS = 4
"""Chips of a setting and side without which nothing is told apart from chance."""
SMALLEST_EDGE = 16
"""Edge of a chip below which none is taken unless it is asked for [pixels]."""


@dataclass(frozen=True)
class ComparedSides:
    """Two sets that can be compared.

    Attributes
    ----------
    real, generated
        The sets.
    conditions
        Those by which they are compared.
    settings
        Settings that both have.
    alone
        Settings in words that were generated alone.
    left_out
        Sentences on images that belong to no setting.
    edge
        Edge of a chip [pixels].
    window
        Levels of grey between which features are taken.
    """

    real: MicrographSet
    generated: MicrographSet
    conditions: tuple[MicrographCondition, ...]
    settings: tuple[ComparedSetting, ...]
    alone: tuple[str, ...]
    left_out: tuple[str, ...]
    edge: int
    window: tuple[float, float]

    @classmethod
    def of(cls, real: MicrographSet, generated: MicrographSet, config: CompareSemConfig) -> Self:
        """What is compared of two sets; no image is read.

        Raises
        ------
        ValueError
            If the sets differ in depth or scale, have no setting of their conditions in common, or
            too few chips of one, or all real images are of one level of grey.
        """
        check_alike(real, generated)
        conditions = compared_conditions(real, generated, config)
        matched = compared_settings(conditions, real, generated)
        if not matched.settings:
            said = f" {' '.join(matched.left_out)}" if matched.left_out else ""
            raise ValueError(
                "the sets must have a setting of their conditions in common; generated: "
                f"{'; '.join(matched.alone) or 'none'}.{said}"
            )
        low, high = real.settings.window
        if low == high:
            raise ValueError(
                f"images of {real.folder} must have several levels of grey, got {low} alone"
            )
        found = cls(
            real,
            generated,
            conditions,
            matched.settings,
            matched.alone,
            matched.left_out,
            config.chip or EDGE,
            (float(low), float(high)),
        )
        if config.chip is None:
            found = found._with_default_edge(config.chips)
        found._check_chips(config.chips)
        return found

    def _with_default_edge(self, most: int) -> Self:
        """Chips as large as the smallest image, halved until each setting has enough of them."""
        rows = (each.rows for each in (self.real, self.generated))
        edge = min(EDGE, *(int(min(each["height"].min(), each["width"].min())) for each in rows))
        halves = range(1 + max(0, (edge // SMALLEST_EDGE).bit_length() - 1))
        for each in (replace(self, edge=edge >> k) for k in halves):
            if all(count >= FEWEST_CHIPS for *_, count in each._counts(most)):
                return each
        return replace(self, edge=edge)

    def _counts(self, most: int) -> Iterator[tuple[str, str, int]]:
        """Setting and side in words, and number of its chips."""
        for setting in self.settings:
            for name, micrographs, images in (
                ("real", self.real, setting.real),
                ("generated", self.generated, setting.generated),
            ):
                chosen = chosen_chips(micrographs, images, self.edge, most)[1]
                yield setting.words, name, len(chosen)

    def _check_chips(self, most: int) -> None:
        for words, name, count in self._counts(most):
            if count < FEWEST_CHIPS:
                raise ValueError(
                    f"{words} must have {FEWEST_CHIPS} {name} chips of {self.edge} x "
                    f"{self.edge} pixels at least, got {count}; make more or larger images, or set "
                    "a smaller `chip`"
                )


def compared_conditions(
    real: MicrographSet, generated: MicrographSet, config: CompareSemConfig
) -> tuple[MicrographCondition, ...]:
    """The conditions that are asked for, or those of the model that made the images.

    Raises
    ------
    ValueError
        If there are neither, or a set has no column of one of them.
    """
    made = generated.settings.generated
    if config.conditions is None:
        if made is None:
            raise ValueError("`conditions` must be given: no model made the second set")
        found = tuple(MicrographCondition.stated(each) for each in made["conditions"])
    else:
        kinds = condition_kinds(config.conditions)
        found, _ = fitted_conditions(kinds, real.conditions)
    for each in found:
        for side in (real, generated):
            if each.name not in side.conditions:
                raise ValueError(f"{side.folder} must have a column {each.name!r}, it has none")
    return found


def condition_kinds(given: str) -> dict[str, ConditionKind]:
    """Kind by name of "temper=category,feed_rate=thirds"; ValueError for another kind."""
    found: dict[str, ConditionKind] = {}
    for name, values in conditions_in_words(given).items():
        if len(values) > 1:
            raise ValueError(f"`conditions` must name each condition once, got {name!r} twice")
        for kind in KINDS:
            if values == [kind]:
                found[name] = kind
        if name not in found:
            raise ValueError(
                f"`conditions` must be of the kinds {', '.join(KINDS)}, got {name}={values[0]}"
            )
    return found


def check_alike(real: MicrographSet, generated: MicrographSet) -> None:
    """Refuse sets of two bit depths or scales with a ValueError."""
    one, other = real.settings, generated.settings
    if one.bits != other.bits:
        raise ValueError(f"sets must have one bit depth, got {one.bits} and {other.bits} bits")
    scales = one.pixel_um, other.pixel_um
    if None not in scales and not np.isclose(scales[0], scales[1], rtol=1e-3):  # type: ignore[arg-type]
        raise ValueError(
            f"sets must have one scale, got pixels of {scales[0]:g} and {scales[1]:g} um"
        )
