"""Whether two sets of micrographs can be compared, and by which conditions."""

from __future__ import annotations

import numpy as np

from poroscale.compare.micrographs.config import CompareSemConfig
from poroscale.micrographs.conditions import (
    KINDS,
    ConditionKind,
    MicrographCondition,
    conditions_in_words,
    fitted_conditions,
)
from poroscale.micrographs.dataset import MicrographSet


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
