"""Images of which a model sees a part: some phases alone, or where they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.engine import Run, map_blocks
from poroscale.identity import kernel
from poroscale.microstructure.model import LocalPhases
from poroscale.pipelines.microstructure.images import TrainingImages
from poroscale.statistics.phases import PhaseMap
from poroscale.volume import Volume


def phases_in_words(words: str, *, option: str, count: int, least: int) -> tuple[int, ...]:
    """Phases in "0,1", ascending: some of `count`, at least `least`, and not all.

    Raises
    ------
    ValueError
        If they are not.
    """
    try:
        found = sorted({int(each) for each in words.split(",")})
    except ValueError:
        found = []
    if not (least <= len(found) < count and found[0] >= 0 and found[-1] < count):
        raise ValueError(
            f"`{option}` must name {least} or more phases from 0 to {count - 1}, but not all, with "
            f"commas between, got {words!r}"
        )
    return tuple(found)


def local_images(
    images: TrainingImages, folder: Path, within: str, *, run: Run | None = None
) -> TrainingImages:
    """Images in which some phases count alone; voxels of the others are outside.

    Parameters
    ----------
    images
        The images.
    folder
        Folder for the new volumes.
    within
        The phases, as "0,1".

    Raises
    ------
    ValueError
        If there are fewer than two such phases, or if they are all.
    """
    codes = phases_in_words(within, option="within", count=images.phases.count, least=2)
    table = [len(codes)] * images.phases.count
    for number, code in enumerate(codes):
        table[code] = number
    greys = tuple(float(value) for value in images.phases.values)
    volumes = _recoded(images, folder, "within", table, run)
    phases = PhaseMap(tuple(range(len(codes))), outside=len(codes))
    return replace(
        images, volumes=volumes, phases=phases, local=LocalPhases(greys=greys, within=codes)
    )


def region_images(
    images: TrainingImages, folder: Path, region: str, *, run: Run | None = None
) -> TrainingImages:
    """Images that are 1 where they show one of some phases, and 0 elsewhere; as `local_images`."""
    codes = phases_in_words(region, option="region", count=images.phases.count, least=1)
    table = [int(code in codes) for code in range(images.phases.count)]
    volumes = _recoded(images, folder, "region", table, run)
    return replace(images, volumes=volumes, phases=PhaseMap((0, 1)))


def _recoded(
    images: TrainingImages, folder: Path, name: str, table: Sequence[int], run: Run | None
) -> tuple[Volume, ...]:
    """Each image by a table of new codes."""
    parameters = {"values": list(images.phases.values), "table": list(table)}
    return tuple(
        map_blocks(
            recode,
            volume,
            folder / f"{number}_{name}.zarr",
            dtype=np.uint8,
            parameters=parameters,
            run=(run or Run()).but(progress=False),
        )
        for number, volume in enumerate(images.volumes)
    )


@kernel("microstructure.recode")
def recode(
    block: NDArray[Any], *, values: Sequence[int], table: Sequence[int]
) -> NDArray[np.uint8]:
    """uint8 codes by `table` of the values that stand in `values`."""
    return np.asarray(table, np.uint8)[np.searchsorted(values, block)]
