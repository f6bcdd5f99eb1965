"""Images that a training does not see: those of a setting, and what shows the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.micrographs.conditions import NONE, condition_word
from poroscale.micrographs.dataset import MicrographSet
from poroscale.micrographs.duplicates import DuplicatePair, joined_groups


def held_out_images(
    table: Mapping[str, NDArray[Any]], held_out: Mapping[str, Any]
) -> NDArray[np.bool_]:
    """Whether each image has all of the values that are held out; no image without any.

    The word "none" is a category that an image lacks.

    Raises
    ------
    ValueError
        If a name is no column, or no image has the values.
    """
    count = len(next(iter(table.values()))) if table else 0
    found = np.full(count, bool(held_out))
    for name, value in held_out.items():
        if name not in table:
            raise ValueError(f"`held_out` must name columns of {', '.join(table)}, got {name!r}")
        column = table[name]
        if column.dtype.kind == "f":
            try:
                found &= np.isclose(column, float(value), rtol=1e-6)
            except (TypeError, ValueError):
                raise ValueError(
                    f"`held_out` must have a number for {name}, got {value!r}"
                ) from None
        else:
            found &= column == ("" if condition_word(value) == NONE else condition_word(value))
    if held_out and not found.any():
        raise ValueError(f"`held_out` must be values of some image, got {dict(held_out)}")
    return found


def with_duplicates(chosen: NDArray[np.bool_], micrographs: MicrographSet) -> NDArray[np.bool_]:
    """The chosen images, their duplicates, and the duplicates of these."""
    images = [str(k) for k in range(len(chosen))]
    pairs = [DuplicatePair(*each) for each in micrographs.settings.duplicates]
    family = joined_groups(images, pairs)
    return np.asarray(np.isin(family, family[chosen]))
