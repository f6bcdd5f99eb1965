"""Label images and masks: volumes that are segmented already, and which of their values is pore."""

from __future__ import annotations

from collections.abc import Mapping

from poroscale.engine import Run
from poroscale.pore_analysis.config import PoresConfig
from poroscale.pore_analysis.phases import Chosen
from poroscale.statistics.values import FEW, few_values, shares_in_words
from poroscale.volume import PHASES, Volume

NAMED = 16
"""Values that a label image holds at most, where its pores are named."""
Counts = Mapping[int | float, int]


def values_of_labels(
    volume: Volume, config: PoresConfig, *, run: Run | None = None
) -> Chosen | None:
    """The values by which a label image or mask is measured; None for a scan of grey values.

    A volume of integers that holds two to `FEW` values is a label image, and a volume of bool is
    a mask. The values 0, 1, 2 are taken for outside, solid and pore. Of any other the setting
    `pore` must name the value of the pores, since a mask does not tell its pores from its solid.

    Returns
    -------
    Chosen
        The value of the pores, and of the outside where a value means that.

    Raises
    ------
    TypeError
        If a volume of floating point holds few values.
    ValueError
        If the pores are not named, the named value does not occur, or the volume holds too many
        values to be a label image. The values are listed with their shares of the voxels.
    """
    named = config.pore is not None
    counts = few_values(volume, most=NAMED if named else FEW, run=run)
    if counts is None and named:
        raise ValueError(
            f"`pore` must come with a label image of {NAMED} values at most, got {volume.path}, "
            "which holds grey values"
        )
    if counts is None or (len(counts) < 2 and not named and volume.dtype.kind != "b"):
        return None
    held = f"{volume.path} holds the values {shares_in_words(counts)}"
    if volume.dtype.kind == "f":
        raise TypeError(
            f"a label image or mask must hold integers, got {volume.dtype}: {held}; "
            "ingest it with `dtype` uint8"
        )
    _check(config, counts, held)
    pore = PHASES["pore"] if config.pore is None else config.pore
    return Chosen(pore, _outside(config, counts))


def _check(config: PoresConfig, counts: Counts, held: str) -> None:
    """ValueError unless the settings, or the values 0, 1, 2, tell which value is pore."""
    if config.pore is None and set(counts) != set(PHASES.values()):
        raise ValueError(f"`pore` must name the value of the pores: {held}")
    for option, value in (("`pore`", config.pore), ("`outside_value`", config.outside)):
        if value is not None and value not in counts and len(counts) > 1:
            raise ValueError(f"{option} must be a value that occurs, got {value}: {held}")


def _outside(config: PoresConfig, counts: Counts) -> int | None:
    """The value of the outside: as set, or 0 where 0, 1, 2 are phases with 2 the pores."""
    if config.outside is not None:
        return config.outside
    phases = set(counts) == set(PHASES.values()) and config.pore in (None, PHASES["pore"])
    return PHASES["outside"] if phases else None
