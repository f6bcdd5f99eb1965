"""Which measures of the benchmark `statistics` run, and the interpreter of a peer."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from poroscale.benchmarks.describing.entries import ENTRIES, Entry


@dataclass(frozen=True)
class WantedMeasures:
    """Measures of the benchmark `statistics`.

    Attributes
    ----------
    names
        Names of `ENTRIES`.
    porespy
        Python interpreter that has porespy, whose packages ours cannot be; None leaves it out.
    """

    names: tuple[str, ...] = tuple(ENTRIES)
    porespy: Path | None = None

    def __post_init__(self) -> None:
        unknown = [name for name in self.names if name not in ENTRIES]
        if unknown:
            raise ValueError(f"measures must be of {', '.join(ENTRIES)}, got {unknown[0]!r}")
        if self.porespy is not None:
            _check_interpreter(self.porespy)

    @classmethod
    def of(
        cls, *, measures: str | None = None, porespy: str | Path | None = None
    ) -> WantedMeasures:
        """The measures that options of the command line describe; None is the default."""
        names = tuple(ENTRIES)
        if measures is not None:
            names = tuple(name.strip() for name in measures.split(","))
        return cls(names, None if porespy is None else Path(porespy))

    @property
    def entries(self) -> list[Entry]:
        """The measures themselves."""
        return [ENTRIES[name] for name in self.names]

    def options(self) -> str:
        """The options of the command line that describe them."""
        chosen = "" if self.names == tuple(ENTRIES) else f" --measures {','.join(self.names)}"
        return f"{chosen}{'' if self.porespy is None else ' --porespy PYTHON'}"


def _check_interpreter(python: Path) -> None:
    """Refuse what is no interpreter, or has no porespy, before anything is measured."""
    if not (python.is_file() and os.access(python, os.X_OK)):
        raise FileNotFoundError(f"porespy must be a Python interpreter, got {python}")
    code = "import importlib.util, sys; sys.exit(importlib.util.find_spec('porespy') is None)"
    if subprocess.run([python, "-I", "-c", code], check=False, capture_output=True).returncode:
        raise ValueError(f"porespy must be a Python interpreter that has porespy, got {python}")
