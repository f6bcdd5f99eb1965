"""Solvers of the benchmark `transport`, and the interpreter of those that are not ours."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from poroscale.benchmarks.measure import Contender
from poroscale.benchmarks.transport.media import TwoPhaseMedium

OURS = "poroscale"
TRANSFORMS = "fast transforms"
STREAMED = "poroscale, streamed"
_MODULE = "poroscale.benchmarks.transport.ours"
_FILE = Path(__file__).with_name("other_codes.py")
TOLERANCE = 1e-4
SECONDS = 900.0
"""After which a peer is stopped, however far it is."""
FOREIGN = {"taufactor": "by_taufactor", "pyamg": "by_pyamg"}
"""Function of each peer."""
LARGEST, MOST_UNKNOWNS = 256, 10_000_000
"""Largest edge of the peers [voxels]; unknowns of pyamg, some 850 bytes each."""


@dataclass(frozen=True)
class WantedSolvers:
    """Peers of the benchmark `transport`.

    Attributes
    ----------
    python
        Python interpreter that has taufactor or pyamg; None leaves them out.
    """

    python: Path | None = None

    @classmethod
    def of(cls, python: str | Path | None) -> WantedSolvers:
        """The peers that options of the command line describe.

        Raises
        ------
        FileNotFoundError, ValueError
            If `python` is no interpreter, or has none of the peers.
        """
        wanted = cls(None if python is None else Path(python))
        if wanted.python is not None and not wanted.found:
            raise ValueError(f"taufactor must be a Python interpreter that has it, got {python}")
        return wanted

    @property
    def found(self) -> list[str]:
        """The peers that the interpreter has."""
        if self.python is None:
            return []
        if not (self.python.is_file() and os.access(self.python, os.X_OK)):
            raise FileNotFoundError(f"taufactor must be a Python interpreter, got {self.python}")
        return [name for name in FOREIGN if _has(self.python, name)]

    def options(self) -> str:
        """The options of the command line that describe them."""
        return "" if self.python is None else " --taufactor PYTHON"

    def contenders(self, medium: TwoPhaseMedium, array: Path) -> Iterator[Contender]:
        """Solvers on our lattice, ours first."""
        given = {"array": str(array.resolve()), "low": medium.low, "tolerance": TOLERANCE}
        yield Contender(OURS, f"{_MODULE}:by_aggregates", given)
        yield Contender(TRANSFORMS, f"{_MODULE}:by_transforms", given)
        yield Contender(STREAMED, f"{_MODULE}:by_slabs", given, runs=1)

    def others(
        self, medium: TwoPhaseMedium, edge: int, array: Path, *, exact: float
    ) -> Iterator[Contender]:
        """Peers that run at such an edge, until they are near the `exact` effective value."""
        unknowns = edge**3 * (1.0 if medium.low else medium.share)
        for name in self.found:
            if edge <= LARGEST and (name != "pyamg" or unknowns <= MOST_UNKNOWNS):
                given = {
                    "array": str(array.resolve()),
                    "low": medium.low,
                    "exact": exact,
                    "within": TOLERANCE,
                    "seconds": SECONDS,
                }
                yield Contender(name, f"{_FILE}:{FOREIGN[name]}", given, runs=1, python=self.python)


def _has(python: Path, name: str) -> bool:
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({name!r}) is None)"
    done = subprocess.run([python, "-I", "-c", code], check=False, capture_output=True)
    return done.returncode == 0
