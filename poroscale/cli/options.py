"""What the commands share: how to run, and how to read a section of settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from poroscale.engine import Run

Memory = Annotated[
    str,
    typer.Option(help="Budget for all processes of the job, Python itself included, as 2GiB."),
]
OptionalMemory = Annotated[
    str | None,
    typer.Option(help="Budget for all processes of the job, Python itself included [2GiB]."),
]
Cluster = Annotated[
    str | None,
    typer.Option(help="threads, processes, cuda, or address or .json file of a Dask scheduler."),
]
Workers = Annotated[int | None, typer.Option(help="Tasks at a time; one per core by default.")]
Block = Annotated[
    tuple[int, int, int] | None,
    typer.Option(metavar="Z Y X", help="Voxels of a block; whole chunks of 128 an axis."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the memory and disk plan; stop.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace what is there, finished or begun.")
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="YAML file; its section named as this command.")
]
Pattern = Annotated[
    str | None,
    typer.Option(metavar="GLOB", help="Slices of a folder that are taken, as 'part_a_*.tif'."),
]
Channel = Annotated[
    str | None,
    typer.Option(
        metavar="N|index",
        help="Channel of colour or several, from 0; index: a palette's stored numbers.",
    ),
]
Invert = Annotated[
    bool, typer.Option("--invert", help="Reverse grey values: largest of the dtype - value.")
]
VoxelSize = Annotated[
    str | None,
    typer.Option(metavar="UM", help="Edge of a voxel [um], or three as Z,Y,X where they differ."),
]


def run_of(
    memory: str, cluster: str | None, workers: int | None, block: Any, overwrite: bool
) -> Run:
    """The way to run that the options describe."""
    from poroscale.engine import Run

    return Run(memory, cluster, workers, tuple(block) if block else None, overwrite)


def settings(path: Path | None, section: str, **given: Any) -> dict[str, Any]:
    """One section of a YAML file; options on the command line take precedence.

    Raises
    ------
    ValueError
        If the file has no such section.
    """
    values: dict[str, Any] = {}
    if path is not None:
        from poroscale.config import load_sections

        sections = load_sections(path)
        if section not in sections:
            raise ValueError(f"{path} must have a section {section!r}, got {sorted(sections)}")
        values = sections[section]
    return values | {name: value for name, value in given.items() if value is not None}


def channel_of(text: str | None) -> int | str | None:
    """The number of a channel from its option, or "index"."""
    if text is None or text == "index":
        return text
    if not text.isdecimal():
        raise ValueError(f"--channel must be a number from 0, or index, got {text!r}")
    return int(text)


def outside_of(text: str | None) -> str | list[str] | None:
    """What is outside, from its option: a word or path, or faces that commas part."""
    if text is None:
        return None
    faces = text.split(",")
    known = {f"{axis}{side}" for axis in "zyx" for side in "-+"}
    return faces if known & set(faces) else text


def voxel_size_of(text: str | None) -> float | tuple[float, float, float] | None:
    """A voxel size from its option.

    Raises
    ------
    ValueError
        If it is neither one number nor three, or not positive.
    """
    if text is None:
        return None
    try:
        numbers = [float(part) for part in text.replace(",", " ").split()]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 3) or min(numbers) <= 0:
        raise ValueError(f"--voxel-size must be one positive number or three, got {text!r}")
    return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1], numbers[2])


def numbers_of(text: str | None, count: int, kind: type, option: str) -> list[Any] | None:
    """So many numbers from an option, separated by commas."""
    if text is None:
        return None
    try:
        numbers = [kind(part) for part in text.replace(",", " ").split()]
    except ValueError:
        numbers = []
    if len(numbers) != count:
        what = "integers" if kind is int else "numbers"
        raise ValueError(f"{option} must be {count} {what} with commas between, got {text!r}")
    return numbers
