"""`poroscale train segment`, `compare models` and `compare losses`: jobs of a YAML file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from poroscale.cli.command import Argument, Command, Values


def tell(_made: Any, _given: Values) -> Iterator[str]:
    """Nothing: the job has told each step as it ended."""
    yield from ()


def _file(sections: str) -> Argument:
    return Argument("config", help=f"YAML file with the sections {sections}.")


COMMANDS = (
    Command(
        "train segment",
        tell,
        section="Networks",
        arguments=(_file("train, network, patches, augmentation, training and run"),),
    ),
    Command(
        "compare models",
        tell,
        section="Networks",
        arguments=(_file("study, phantoms, models and training"),),
    ),
    Command(
        "compare losses",
        tell,
        section="Networks",
        arguments=(_file("losses, phantoms and training"),),
    ),
)
