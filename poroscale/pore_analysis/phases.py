"""Values of pore and outside in a volume that may come from anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Pass, Reduction, Run, reduce_pass
from poroscale.identity import kernel
from poroscale.kernels.bodies.phase_marks import bytes_present, holds
from poroscale.pore_analysis.config import PoresConfig
from poroscale.volume import PHASES, Volume

SHOWN = 8
"""Values that an error lists at most."""
VALUES = Pass("values", temporary=9.0)
"""The pass that looks which values there are, where nothing says it."""


@dataclass(frozen=True)
class Chosen:
    """The value of pore voxels, and of the voxels outside the part; None where all is part.

    In a label image `each` value is a pore of its own, and `pore` means nothing.
    """

    pore: int
    outside: int | None
    each: bool = False


def choose_values(
    volume: Volume, config: PoresConfig, *, run: Run, journal: Path | None = None
) -> Chosen:
    """The values to measure by: those of `config`, or what the volume's own values say.

    A label volume of ours is a label image, as is any volume with `config.labels`.
    Phases of ours are 0 outside, 1 solid, 2 pore. In another volume of the values 0, 1, 2 (or
    1, 2) they are taken for the same; of a mask 0, 1 the ones are pore and nothing is outside.

    Raises
    ------
    TypeError
        If the volume does not hold integers.
    ValueError
        If its values do not tell, naming them and the option.
    """
    if volume.dtype.kind not in "bui":
        raise TypeError(f"{volume.path} must hold integers (phases or a mask), got {volume.dtype}")
    if config.pore is not None and not holds(volume.dtype, config.pore):
        raise ValueError(f"`pore` must be a value that {volume.dtype} can hold, got {config.pore}")
    if config.labels or (config.pore is None and volume.attributes.get("kind") == "labels"):
        return Chosen(0, config.outside, each=True)
    if config.pore is not None and config.outside is not None:
        return Chosen(config.pore, config.outside)
    if volume.attributes.get("kind") == "phases":
        usual = Chosen(PHASES["pore"], PHASES["outside"])
    else:
        usual = _guess(volume, _values(volume, run, journal), config.pore)
    pore = usual.pore if config.pore is None else config.pore
    outside = usual.outside if pore == usual.pore else None
    return Chosen(pore, outside if config.outside is None else config.outside)


def _guess(volume: Volume, values: list[int], pore: int | None) -> Chosen:
    if {1, 2} <= set(values) <= {0, 1, 2}:
        return Chosen(PHASES["pore"], PHASES["outside"])
    if set(values) <= {0, 1}:
        return Chosen(1, None)
    if pore is not None:
        return Chosen(pore, None)
    listed = ", ".join(map(str, values[:SHOWN])) + (", ..." if len(values) > SHOWN else "")
    raise ValueError(
        f"`pore` must name the value of the pores in {volume.path}, which holds {listed}; "
        "it can be left out for phases 0, 1, 2 and for a mask 0, 1; `labels` takes every value for "
        "a pore of its own"
    )


def _values(volume: Volume, run: Run, journal: Path | None) -> list[int]:
    """The smallest values that occur, enough of them to tell phases from grey values."""
    declared = VALUES.but(kernel=_DISTINCT)
    values: list[int] = reduce_pass(declared, volume, journal=journal, run=run)
    return values


@kernel("pores.distinct")
def _distinct(block: NDArray[Any]) -> dict[str, NDArray[Any]]:
    if block.dtype.itemsize == 1 and block.dtype.kind in "bu":
        return {"values": np.flatnonzero(bytes_present(block))[: SHOWN + 1]}
    return {"values": np.unique(block)[: SHOWN + 1]}


def _both(a: Mapping[str, NDArray[Any]], b: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {"values": np.union1d(a["values"], b["values"])[: SHOWN + 1]}


_DISTINCT = Reduction(_distinct, _both, lambda found: found["values"].tolist())
