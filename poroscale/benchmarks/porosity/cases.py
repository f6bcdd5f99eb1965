"""The scans on which segmentations are judged: drawn from seeds, or read from a folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from poroscale.benchmarks.porosity.methods import METHODS
from poroscale.phantoms.known import KINDS, MODELLED, TOMOGRAPHIC, KnownScan, known_scan

TRUTH = "truth.json"
GROUPS = {"modelled": MODELLED, "tomographic": TOMOGRAPHIC, "all": KINDS}
"""Names that stand for several kinds."""
SEEDS = range(32)
"""Two of each modelled kind."""


@dataclass(frozen=True)
class Case:
    """A scan that is made when it is needed.

    Attributes
    ----------
    name, kind
        Name and kind of the scan, for the table.
    key
        Changes when the scan does, other than through this program's code.
    make
        The scan.
    """

    name: str
    kind: str
    key: str
    make: Callable[[], KnownScan]


@dataclass(frozen=True)
class PorosityCases:
    """Scans and methods of the benchmark `porosity`.

    Attributes
    ----------
    seeds
        Seeds of the scans; they take the kinds in turn.
    kinds
        Kinds of scans, from `poroscale.phantoms.known.KINDS`.
    scans
        Folder of NAME.npy files and a truth.json, which says of each NAME its `porosity` and its
        `part_voxels`; taken instead of drawn scans.
    methods
        Names of `METHODS`.
    """

    seeds: range = SEEDS
    kinds: tuple[str, ...] = MODELLED
    scans: Path | None = None
    methods: tuple[str, ...] = tuple(METHODS)

    def __post_init__(self) -> None:
        for what, names, known in (
            ("kinds", self.kinds, KINDS),
            ("methods", self.methods, METHODS),
        ):
            unknown = [name for name in names if name not in known]
            if unknown or not names:
                wrong = repr(unknown[0]) if unknown else "none"
                raise ValueError(f"{what} must be of {', '.join(known)}, got {wrong}")
        if not self.seeds and self.scans is None:
            raise ValueError("seeds must be one at least, got none")
        if self.scans is not None and not (self.scans / TRUTH).is_file():
            raise FileNotFoundError(f"{self.scans} has no {TRUTH}")

    @classmethod
    def of(
        cls,
        *,
        seeds: str | None = None,
        kinds: str | None = None,
        scans: str | Path | None = None,
        methods: str | None = None,
    ) -> PorosityCases:
        """The cases that options of the command line describe; None is the default.

        `seeds` is FIRST:STOP, `kinds` and `methods` are names with commas; the kinds "modelled",
        "tomographic" and "all" stand for several.
        """
        given: dict[str, Any] = {}
        if seeds is not None:
            given["seeds"] = _seeds(seeds)
        if kinds is not None:
            names = (GROUPS.get(name, (name,)) for name in _names(kinds))
            given["kinds"] = tuple(kind for group in names for kind in group)
        if scans is not None:
            given["scans"] = Path(scans)
        if methods is not None:
            given["methods"] = tuple(_names(methods))
        return cls(**given)

    def __iter__(self) -> Iterator[Case]:
        """The cases, one after the other."""
        if self.scans is not None:
            truth = json.loads((self.scans / TRUTH).read_text())
            for name in sorted(truth):
                yield _stored(self.scans / f"{name}.npy", truth[name])
            return
        for number, seed in enumerate(self.seeds):
            kind = self.kinds[number % len(self.kinds)]
            name = f"{kind}-{seed}"
            yield Case(name, kind, name, partial(known_scan, seed, kind=kind))

    def options(self) -> str:
        """The options of the command line that describe the cases."""
        chosen = "" if self.methods == tuple(METHODS) else f" --methods {','.join(self.methods)}"
        if self.scans is not None:
            return f"--scans {self.scans}{chosen}"
        groups = {kinds: name for name, kinds in GROUPS.items()}
        kinds = groups.get(self.kinds, ",".join(self.kinds))
        return f"--seeds {self.seeds.start}:{self.seeds.stop} --kinds {kinds}{chosen}"


def _refuse_unknown(what: str, names: Sequence[str], known: Iterable[str]) -> None:
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        wrong = repr(unknown[0]) if unknown else "none"
        raise ValueError(f"{what} must be of {', '.join(known)}, got {wrong}")


def _stored(path: Path, truth: dict[str, Any]) -> Case:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing, though {TRUTH} names it")
    with path.open("rb") as file:
        key = hashlib.file_digest(file, "sha256").hexdigest()
    return Case(path.stem, path.stem, key, partial(_read, path, truth))


def _read(path: Path, truth: dict[str, Any]) -> KnownScan:
    part = float(truth["part_voxels"])
    return KnownScan(path.stem, 0, np.load(path), part, float(truth["porosity"]) * part)


def _seeds(text: str) -> range:
    first, colon, stop = text.partition(":")
    try:
        return range(int(first), int(stop)) if colon else range(int(first), int(first) + 1)
    except ValueError:
        raise ValueError(f"seeds must be FIRST:STOP, got {text!r}") from None


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]
