"""`poroscale stats` and `topology`: statistics of a volume, and its Betti curves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


def tell_topology(found: Any, given: dict[str, Any]) -> Iterator[str]:
    """Numbers of the phase, and of the pairs over all levels."""
    names = ("components", "holes") if found.image else ("components", "handles", "cavities")
    if given.get("phase") is not None:
        one = found.at(0)
        counted = [f"{name} {one[f'betti_{k}']}" for k, name in enumerate(names)]
        yield f"phase {given['phase']}: {', '.join(counted)}, Euler characteristic {one['euler']}"
    yield (
        f"{given['out_dir']}: levels {len(found.levels)}, over all levels components "
        f"{found.components.total + 1}, {names[-1]} {found.cavities.total}"
    )


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
    Command(
        "topology",
        tell_topology,
        section="Statistics",
        arguments=(
            Argument("volume", "VOLUME.zarr", "Grey values, or phases with --phase."),
            Argument(
                "out_dir",
                help="Gets topology.html, topology.json and two tables.",
            ),
        ),
    ),
)
