"""Costs before the first block runs: planning 100,000 blocks, and `--help`."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.benchmarks.measure import Contender, Report, compare
from poroscale.benchmarks.table import MIB, Part, Row, at_most
from poroscale.engine.jobs.job import Job
from poroscale.identity import kernel
from poroscale.manifest import Manifest, fingerprint
from poroscale.volume import VolumeSpec

HERE = "poroscale.benchmarks.planning"
Timed = Callable[[], Any]
BLOCKS = (100, 100, 10)
CHUNK = 8
SECONDS, MEMORY_MIB, HELP_SECONDS = 5.0, 300, 0.5
HELP_RUNS = 5
NOTE = (
    "`map_blocks` runs over a volume of 100,000 blocks that holds no voxels. The time is from "
    "the call until the first block runs. The memory is that of the whole process at that "
    "moment."
)


class FirstBlock(Exception):
    """The first block has begun: when, and how large the process was."""

    def __init__(self, moment: float, size: int) -> None:
        super().__init__(moment, size)
        self.moment, self.size = moment, size


def planning_part(
    *, repeats: int, data: Path, report: Report, blocks: tuple[int, int, int] = BLOCKS
) -> Part:
    """The part of the benchmark; it has one size."""
    contender = Contender("plan", f"{HERE}:plan_blocks", {"blocks": list(blocks)})
    measured = compare([contender], repeats=repeats, scratch=data, report=report)
    results = [run.result for run in measured["plan"].runs]
    seconds = median(result["seconds"] for result in results)
    memory = max(result["bytes"] for result in results) / MIB
    helped = help_seconds()
    report(f"  plan: {seconds:.2f} s, {memory:.0f} MiB; --help: {helped:.2f} s")
    rows = [
        at_most("until the first block", seconds, limit=SECONDS, unit="s"),
        at_most("memory at the first block", memory, limit=MEMORY_MIB, unit="MiB", shown=".0f"),
        Row("of it before the call", f"{results[-1]['before'] / MIB:.0f} MiB"),
        at_most("`poroscale --help`", helped, limit=HELP_SECONDS, unit="s"),
    ]
    return Part(f"Planning {int(np.prod(blocks)):,} blocks", rows, [], NOTE)


def help_seconds(runs: int = HELP_RUNS) -> float:
    """Median wall time of `poroscale --help` in a fresh process [s]."""
    walls = []
    for _ in range(runs):
        before = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "poroscale", "--help"], check=True, stdout=subprocess.DEVNULL
        )
        walls.append(time.perf_counter() - before)
    return median(walls)


def plan_blocks(scratch: Path, *, blocks: list[int]) -> Timed:
    """`map_blocks` until its first block."""
    from poroscale.benchmarks.child import size_now
    from poroscale.engine import Run, map_blocks
    from poroscale.volume import Volume

    volume = Volume.open(_nothing(scratch / "nothing.zarr", blocks))
    run = Run(block=(CHUNK, CHUNK, CHUNK), workers=1)
    before = size_now()

    def timed() -> dict[str, float]:
        begun = time.perf_counter()
        try:
            map_blocks(stop_here, volume, scratch / "out.zarr", dtype=np.uint8, run=run)
        except FirstBlock as first:
            return {
                "seconds": first.moment - begun,
                "bytes": first.size,
                "before": before,
            }
        raise RuntimeError("map_blocks must run a block")

    return timed


@kernel("bench.stop_here")
def stop_here(block: NDArray[Any]) -> NDArray[Any]:
    """Raise when the first block runs."""
    from poroscale.benchmarks.child import size_now

    raise FirstBlock(time.perf_counter(), size_now())


def _nothing(path: Path, blocks: list[int]) -> Path:
    """A volume of chunks that are all empty, finished without writing them one by one."""
    shape = (CHUNK * blocks[0], CHUNK * blocks[1], CHUNK * blocks[2])
    spec = VolumeSpec(shape, np.dtype(np.uint8), (1.0, 1.0, 1.0), chunks=(CHUNK,) * 3)
    keys = (f"0/c/{z}/{y}/{x}" for z, y, x in product(*map(range, blocks)))
    with Job(path, spec, {"verb": "bench"}) as job:
        names = ("zarr.json", "0/zarr.json")
        files = {name: fingerprint((path / name).read_bytes()) for name in names}
        job.close(Manifest({"verb": "bench"}, files, frozenset(keys)))
    return path
