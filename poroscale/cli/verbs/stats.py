"""`poroscale stats`: statistics of a volume of phases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from poroscale.cli.command import Argument, Command, Values

if TYPE_CHECKING:
    from poroscale.statistics.summary import VolumeStatistics


def tell(found: VolumeStatistics, given: Values) -> Iterator[str]:
    """A line for each phase, and where the page lies."""
    for value, numbers in found.numbers["phases"].items():
        yield f"phase {value}: {', '.join(_words(numbers))}"
    line = found.numbers["part"].get("triple_line_smoothed_per_um2")
    if line is not None:
        yield f"triple line: {line:.4g} um/um3"
    if given.get("out_dir"):
        yield f"{Path(given['out_dir']) / 'statistics.html'}: all numbers and curves"


def _words(numbers: Values) -> Iterator[str]:
    deviation = numbers.get("fraction_std")
    spread = f" +- {100 * deviation:.2g}" if deviation else ""
    yield f"{100 * numbers['fraction']:.4g}{spread} % of the part"
    for name, words in (
        ("surface_crofton_per_um", "surface {:.4g} 1/um"),
        ("euler_6", "Euler number {:,} (6 neighbours)"),
        ("correlation_length_um", "correlation length {:.4g} um"),
    ):
        if numbers.get(name) is not None:
            yield words.format(numbers[name])


COMMANDS = (
    Command(
        "stats",
        tell,
        section="Statistics",
        arguments=(
            Argument("volume", "VOLUME", "Phases: integers or a mask."),
            Argument(
                "out_dir",
                "[OUT_DIR]",
                "Gets statistics.html, statistics.json and curves.parquet.",
                default=None,
            ),
        ),
        metavars={"inside": "MASK.zarr"},
        hidden=("overwrite",),
    ),
)
