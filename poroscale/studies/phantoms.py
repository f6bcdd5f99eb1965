"""The scans with a known truth that a study generates, by set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from poroscale.config import parse_config
from poroscale.engine import Run
from poroscale.phantoms import PhantomConfig, phantom
from poroscale.volume import Volume

TRAINING_SET = "training"


def phantom_scans(
    folder: Path, name: str, configs: Sequence[PhantomConfig], *, run: Run
) -> Iterator[tuple[Volume, Volume]]:
    """Scans and truths of the set `name`, made in `folder` unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, config in enumerate(configs):
        made = phantom(folder / f"{name}_{number}.zarr", config=config, run=run)
        yield made.scan, made.truth


def phantom_sets(given: Mapping[str, Any]) -> dict[str, list[PhantomConfig]]:
    """Phantoms by set, from the section `phantoms`.

    Raises
    ------
    ValueError
        If there is no set "training" or none besides, or naming what no phantom can be.
    """
    if TRAINING_SET not in given or len(given) < 2:
        raise ValueError("phantoms must have a set training and at least one to test on")
    return {
        name: [parse_config(PhantomConfig, dict(each), where=f"phantoms: {name}") for each in scans]
        for name, scans in given.items()
    }
