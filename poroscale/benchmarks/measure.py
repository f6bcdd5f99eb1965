"""Contenders run in turn, A B A B, each time in a process of its own.

A fresh process for every run keeps peaks separate: memory that one contender has freed but not
given back is not counted against the next. The time begins after imports, after the loading that a
contender states, and after a warm-up on a tiny input, during which numba compiles or loads its
kernels.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

Report = Callable[[str], None]
CHILD = "poroscale.benchmarks.child"
CHILD_FILE = Path(__file__).with_name("child.py")


@dataclass(frozen=True)
class Contender:
    """One way to do a piece of work.

    Attributes
    ----------
    name
        Name in the table.
    work
        `module:function`; `function(scratch, **parameters)` imports, loads and warms up, and
        returns what is timed: a function without arguments that returns JSON.
    parameters
        JSON.
    runs
        Number of runs; None takes that of the others.
    python
        Interpreter that runs it, for a peer that cannot share our packages; None takes ours. It
        needs no poroscale: `work` is then `FILE.py:function`.
    """

    name: str
    work: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    runs: int | None = None
    python: Path | None = None


@dataclass(frozen=True)
class Once:
    """One run: wall and CPU time [s], peak proportional set size [bytes], and what was returned."""

    wall: float
    cpu: float
    peak: int
    result: Any


@dataclass
class Measured:
    """All runs of one contender."""

    runs: list[Once] = field(default_factory=list)

    @property
    def wall(self) -> float:
        """Median wall time [s]."""
        return median(run.wall for run in self.runs)

    @property
    def cpu(self) -> float:
        """Median CPU time of all threads [s]."""
        return median(run.cpu for run in self.runs)

    @property
    def peak(self) -> int:
        """Largest proportional set size of any run [bytes]."""
        return max(run.peak for run in self.runs)

    @property
    def spread(self) -> tuple[float, float]:
        """Shortest and longest wall time [s]."""
        walls = [run.wall for run in self.runs]
        return min(walls), max(walls)

    @property
    def result(self) -> Any:
        """Result of the last run."""
        return self.runs[-1].result


def compare(
    contenders: Sequence[Contender], *, repeats: int, scratch: Path, report: Report
) -> dict[str, Measured]:
    """Run all contenders in turn, `repeats` times.

    Parameters
    ----------
    contenders
        Contenders that are compared.
    repeats
        Rounds; each contender runs once in each.
    scratch
        Folder in which every run gets a folder of its own, removed afterwards.
    report
        Told of every run.
    """
    measured: dict[str, Measured] = {contender.name: Measured() for contender in contenders}
    for turn in range(repeats):
        for contender in contenders:
            if contender.runs is None or turn < contender.runs:
                once = run_once(contender, scratch)
                measured[contender.name].runs.append(once)
                report(
                    f"  {contender.name}: {once.wall:.2f} s, CPU {once.cpu:.2f} s, "
                    f"peak {once.peak / 2**20:.0f} MiB"
                )
    return measured


def run_once(contender: Contender, scratch: Path) -> Once:
    """One run in a fresh process.

    Raises
    ------
    RuntimeError
        If the process fails; its last words are on standard error.
    """
    os.sync()  # what the run before has left to be written is not charged to this one
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        order = json.dumps([contender.work, folder, dict(contender.parameters)])
        command = [sys.executable, "-m", CHILD, order]
        if contender.python is not None:  # isolated, so that our own modules shadow none of its
            command = [str(contender.python), "-I", str(CHILD_FILE), order]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            said = (process.stdout.read() if process.stdout else "").splitlines()
        if process.returncode:
            raise RuntimeError(f"{contender.name} failed with exit code {process.returncode}")
    body = json.loads(said[-1])
    return Once(body["wall"], body["cpu"], body["peak"], body["result"])
