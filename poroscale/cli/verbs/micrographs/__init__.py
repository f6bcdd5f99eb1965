"""`poroscale gather`, `train`, `generate` and `compare sem`: micrographs by their conditions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from poroscale.cli.command import Argument, Command, Values


def tell_described(found: Any, _given: Values) -> Iterator[str]:
    """What the set or the model holds."""
    yield from found.describe()


def tell_compared(found: Any, given: Values) -> Iterator[str]:
    """The page, and the verdict."""
    yield f"{Path(given['out_dir']) / 'micrographs.html'}: the comparison"
    yield from found.describe()


COMMANDS = (
    Command(
        "gather sem",
        tell_described,
        section="Micrographs",
        arguments=(
            Argument("table", "TABLE", "CSV or Parquet: a row for each picture."),
            Argument("out_dir", help="Gets images.zarr, images.parquet and micrographs.json."),
        ),
        metavars={"images": "FOLDER", "pixel_um": "UM", "bring_to_um": "UM"},
    ),
    Command(
        "train sem",
        tell_described,
        section="Micrographs",
        arguments=(
            Argument("config", help="YAML file with the sections sem, chips, gan and run."),
        ),
    ),
    Command(
        "generate sem",
        tell_described,
        section="Micrographs",
        arguments=(
            Argument("model", "MODEL_DIR"),
            Argument("out_dir", help="Gets images.zarr, images.parquet and micrographs.json."),
        ),
        metavars={"condition": "NAME=VALUE", "size": "H W"},
        repeated=("condition",),
    ),
    Command(
        "compare sem",
        tell_compared,
        section="Micrographs",
        arguments=(
            Argument("real", help="Set of real images."),
            Argument("generated", help="Set of generated images."),
            Argument("out_dir", help="Gets micrographs.html and comparison.json."),
        ),
        metavars={"conditions": "NAME=KIND"},
        repeated=("conditions",),
        hidden=("memory_per_worker", "cluster", "workers", "block", "overwrite"),
    ),
)
