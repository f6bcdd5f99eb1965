"""`poroscale fit part`, `generate part` and `compare volumes`: from scanned parts to new ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from poroscale.cli.command import Argument, Command, Values, Words


def tell_model(model: Any, _given: Values) -> Iterator[str]:
    """Pores, surface and what the fit found."""
    yield from model.describe()


def tell_parts(_parts: list[Any], _given: Values) -> Iterator[str]:
    """Nothing: the job has told each part as it ended."""
    yield from ()


def tell_comparison(found: Any, given: Values) -> Iterator[str]:
    """The page, and the verdict."""
    yield f"{Path(given['out_dir']) / 'compare.html'}: the comparison"
    yield from found.describe()


COMMANDS = (
    Command(
        "fit part",
        tell_model,
        section="Parts",
        arguments=(
            Words(("phases", "model_dir"), "PHASES.zarr [...] MODEL_DIR", "Phases of parts."),
        ),
    ),
    Command(
        "generate part",
        tell_parts,
        section="Parts",
        arguments=(Argument("model", "MODEL_DIR"), Argument("out", "OUT.zarr")),
        metavars={"diameter": "UM", "mesh": "FILE"},
    ),
    Command(
        "compare volumes",
        tell_comparison,
        section="Parts",
        arguments=(
            Argument("reference", help="Phases; several with commas.", commas=True),
            Argument("generated", help="Phases; several with commas.", commas=True),
            Argument("out_dir", help="Gets compare.html and compare.json."),
        ),
        metavars={"model": "MODEL_DIR"},
    ),
)
