"""The memory plan: projected before the start, kept during the run, refused if it cannot hold.

Memory here is the proportional set size of the processes of a job, what Python and its libraries
take before the first voxel included. A verb states what it needs for one block; the plan picks
the largest sensible block for which every process stays inside its budget (`budgets.py`).
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import product
from math import prod

import numpy as np

from poroscale.engine.budgets import Staff, WorkerBudget
from poroscale.engine.grid import BlockGrid, check_block, least_block
from poroscale.volume import Shape

MIB = 1 << 20
WORKER_BASELINE = 230 * MIB
"""Resident set of a worker process that has numpy, numba and dask, and its kernels, loaded."""
KEPT_BYTES, THREAD_HEAP, MAPPED_BYTES = 1 << 30, 64 * MIB, 32 * MIB
MALLOPT = {-1: KEPT_BYTES, -2: THREAD_HEAP, -3: MAPPED_BYTES}
"""Of glibc: what is kept at the top of a heap (M_TRIM_THRESHOLD); what a heap is grown by in
addition (M_TOP_PAD), without which a thread's last heap of 64 MiB goes as soon as it is empty; and
the smallest block that is mapped by itself (M_MMAP_THRESHOLD). Arrays of a whole block must not lie
among a network's: they would cut the heaps to pieces, and each block would take more."""
_LARGEST_OF_HEAP = (32 << 20) - (64 << 10)
LIBRARIES = {
    "zarr": 10 * MIB,
    "numba": 110 * MIB,
    "scipy.ndimage": 30 * MIB,
    "skimage.filters": 50 * MIB,
    "pandas": 60 * MIB,
    "pyarrow.parquet": 50 * MIB,
    "torch": 210 * MIB,
}
"""Memory for libraries that a pass needs and that are still to be imported and compiled."""
KERNELS: tuple[str, ...] = ("numba",)
TABLES: tuple[str, ...] = ("pandas", "pyarrow.parquet")
IMAGES: tuple[str, ...] = ("scipy.ndimage", "skimage.filters")
SMALL = 12 * MIB
"""Memory of a pass for any block: threads, the graph, modules that are not listed above."""
SETTLED, GROWTH = 290 * MIB, 48 * MIB
"""Resident set of a process that has been through the stages of a job, `LIBRARIES` apart: kernels
are loaded, and the heap has free pieces. By how much one grows that has been through others."""
CHUNKS_IN_FLIGHT = 4
"""Chunks that zarr is told to decode at a time where it reads what others wrote."""
CHUNK_BUFFERS = 4
"""Chunks of ours in memory for one task: they are read and written one by one, each as it is
stored and as it is unpacked, in a buffer before and one behind."""


@dataclass(frozen=True)
class Need:
    """Memory that a verb needs.

    Attributes
    ----------
    read, write
        Bytes per voxel of all inputs and of the output.
    halo
        Voxels read around a block.
    temporary, inner
        Bytes per voxel that the kernel allocates besides: of block and halo, of the block alone.
    driver
        Bytes that the driving process holds in addition, whatever the block.
    held
        Bytes that every process which does tasks holds between them, whatever the block.
    fixed
        Bytes that every task takes in addition, whatever its block.
    stored
        Bytes per voxel that the output can take on disk; no codec is trusted to compress.
    later
        A pass that follows over the same blocks: the block must suit it, too.
    multiple
        Voxels of which a block should be a multiple along each axis: no work is done twice.
    libraries
        Of `LIBRARIES`, those that the pass imports.
    """

    read: float = 0.0
    write: float = 0.0
    halo: Shape = (0, 0, 0)
    temporary: float = 0.0
    inner: float = 0.0
    driver: int = 0
    held: int = 0
    fixed: int = 0
    stored: float | None = None
    later: Need | None = None
    multiple: Shape = (1, 1, 1)
    libraries: tuple[str, ...] = KERNELS

    def task(self, block: Shape, chunks: Shape) -> int:
        """Bytes of one task on a block of the given shape."""
        grown = prod(n + 2 * h for n, h in zip(block, self.halo, strict=True))
        flight = CHUNK_BUFFERS * min(prod(chunks), prod(block)) * (self.read + self.write)
        voxels = grown * (self.read + self.temporary) + prod(block) * (self.write + self.inner)
        now = int(voxels + flight) + self.fixed
        return max(now, self.later.task(block, chunks) if self.later else 0)


@dataclass(frozen=True)
class Plan:
    """Need of a verb, in numbers.

    Attributes
    ----------
    grid
        The blocks.
    workers
        Tasks at a time.
    task, baseline, driver
        Bytes of one task, of the processes before it, and of the driving process.
    allowed
        The budget [bytes]: of all processes, or of the driving process where `budgets` are those
        of the workers.
    disk
        Bytes that the output can take at most.
    processes
        Worker processes beside the driving one.
    budgets
        Of these, where each has its own.
    """

    grid: BlockGrid
    workers: int
    task: int
    baseline: int
    driver: int
    allowed: int
    disk: int
    processes: int = 0
    budgets: tuple[WorkerBudget, ...] = ()

    @property
    def projected(self) -> int:
        """Peak memory [bytes] of what `allowed` is the budget of."""
        tasks = 0 if self.budgets else self.workers * self.task
        return self.baseline + self.driver + tasks

    @property
    def total(self) -> int:
        """Peak memory of all processes together [bytes]."""
        return self.projected + sum(
            each.projected(self.task, len(self.grid)) for each in self.budgets
        )

    @property
    def tightest(self) -> tuple[WorkerBudget, int] | None:
        """The worker process with least to spare, and its peak memory [bytes]."""
        if not self.budgets:
            return None
        peaks = [(each, each.projected(self.task, len(self.grid))) for each in self.budgets]
        return min(peaks, key=lambda found: found[0].allowed - found[1])

    @property
    def spare(self) -> int:
        """Bytes that the budget of those who do the tasks leaves, for each of them or for all."""
        worker = self.tightest
        if worker is None:
            return max(0, self.allowed - self.projected)
        return max(0, worker[0].allowed - worker[1])

    @property
    def short(self) -> int:
        """Bytes that are missing in the process that lacks most; negative where all fits."""
        worker = self.tightest
        here = self.projected - self.allowed
        return here if worker is None else max(here, worker[1] - worker[0].allowed)

    @property
    def fits(self) -> bool:
        """True if every process stays inside its budget."""
        return self.short <= 0

    def __str__(self) -> str:
        z, y, x = self.grid.block
        memory = f"{in_mib(self.projected)} of {in_mib(self.allowed)} memory"
        if self.tightest is not None:
            worker, peak = self.tightest
            memory += (
                f" in the driving process, {in_mib(peak)} of {in_mib(worker.allowed)} in a worker"
            )
        return (
            f"{len(self.grid)} blocks of {z} x {y} x {x}, {self.workers} at a time: {memory} "
            f"({in_mib(self.baseline)} before the start, {in_mib(self.task)} a block), "
            f"at most {in_mib(self.disk)} on disk"
        )


def in_mib(size: int) -> str:
    """Bytes as "1,407 MiB", never less than they are; below a MiB as bytes."""
    return f"{-(-size // MIB):,} MiB" if size >= MIB else f"{size} bytes"


def make_plan(
    shape: Shape,
    chunks: Shape,
    need: Need,
    *,
    staff: Staff,
    block: Shape | None = None,
    settled: bool = False,
) -> Plan:
    """Choose the block for a volume of `shape` stored in `chunks`.

    Where the smallest block does not fit so many times, fewer tasks run at a time, if the caller
    did not ask for their number.

    Parameters
    ----------
    shape, chunks
        The volume; a block is made of whole chunks.
    need
        Need of the verb.
    staff
        Workers and their budgets.
    block
        The block that the caller insists on.
    settled
        The block was chosen with this need in mind by an earlier pass: it is not refused again.

    Raises
    ------
    ValueError
        If the block is not made of whole chunks.
    MemoryError
        If not even the smallest block fits; the sentence has the numbers.
    """
    check_block(block, shape, chunks)
    least = least_block(shape, chunks, need.multiple)
    blocks = [block] if block else _candidates(shape, least, staff.workers)
    base = baseline_bytes(need.libraries, shared=staff.processes > 0) + SMALL
    fewer = range(staff.workers - 1, (staff.fewest or staff.workers) - 1, -1)
    tried = [(each, staff.workers) for each in blocks] + [(blocks[-1], each) for each in fewer]
    for each, workers in tried:
        plan = _plan(BlockGrid(shape, each), chunks, need, replace(staff, workers=workers), base)
        if plan.fits:
            return plan
    if settled:
        return plan
    raise TooLittleMemoryError(plan)


class TooLittleMemoryError(MemoryError):
    """A budget cannot hold the smallest plan there is."""

    def __init__(self, plan: Plan, title: str = "") -> None:
        self.plan = plan
        z, y, x = plan.grid.block
        blocks = f"blocks of {z} x {y} x {x}"
        super().__init__(_refusal(plan, f"the step {title!r} in {blocks}" if title else blocks))


def _refusal(plan: Plan, blocks: str) -> str:
    if plan.tightest is None:
        others = ", or use fewer `workers`" * (plan.workers > 1)
        if plan.processes:
            others += ", or give each worker its own budget by `memory_per_worker`"
        least = f"memory must be at least {in_mib(plan.projected)} for {blocks}"
        return f"{least}, got {in_mib(plan.allowed)}; raise `memory`{others}"
    worker, peak = plan.tightest
    own, each = plan.projected > plan.allowed, peak > worker.allowed
    short = ["`memory`"] * own + ["`memory_per_worker`"] * each
    return (
        f"memory must be at least {in_mib(plan.projected)} in the driving process, got "
        f"{in_mib(plan.allowed)}, and at least {in_mib(peak)} for {blocks} in the worker "
        f"{worker.name}, got {in_mib(worker.allowed)}; raise {' and '.join(short)}"
    )


def _plan(grid: BlockGrid, chunks: Shape, need: Need, staff: Staff, base: int) -> Plan:
    """The plan for one tiling. Where all share one budget, everything counts against it."""
    kept, beside = need.held * max(1, staff.processes), staff.beside
    if staff.budgets:
        kept = beside = 0
    stored = need.write if need.stored is None else need.stored
    return Plan(
        grid,
        min(staff.workers, len(grid)),
        need.task(grid.block, chunks),
        base + beside,
        need.driver + kept,
        staff.allowed,
        int(prod(grid.shape) * stored),
        staff.processes,
        tuple(replace(each, taken=each.taken + need.held) for each in staff.budgets),
    )


TARGET_EDGE = 256
"""Voxels an axis of the largest block the plan proposes: 16.8 million, a good second's work."""


def _candidates(shape: Shape, chunks: Shape, workers: int) -> list[Shape]:
    """Blocks from large to small; a large one must leave every worker its share."""
    edges = [[c * k for k in _multiples(c, n)] for c, n in zip(chunks, shape, strict=True)]
    shapes: set[Shape] = {(z, y, x) for z, y, x in product(*edges)}
    blocks = sorted(shapes, key=lambda b: (-prod(b), b))
    fair = [b for b in blocks if len(BlockGrid(shape, b)) >= 2 * workers]
    return fair or [blocks[-1]]


def _multiples(chunk: int, extent: int) -> Iterator[int]:
    yield 1
    if chunk < TARGET_EDGE and chunk < extent:
        yield max(1, TARGET_EDGE // chunk)


def baseline_bytes(libraries: Iterable[str] = KERNELS, *, shared: bool = False) -> int:
    """Size of this process now, with the `libraries` that it will still import.

    Beside worker processes its pages are `shared`, and its proportional set counts.
    """
    release_memory()  # what the heap keeps will be used again, and is no part of the base
    missing = sum(LIBRARIES[name] for name in libraries if name not in sys.modules)
    return missing + (proportional_set_size() if shared else resident_set_size())


def growth_bytes(libraries: Iterable[str]) -> int:
    """By how much this process will grow over a job of several stages, beyond `baseline_bytes`."""
    known = set(libraries)
    settled = SETTLED + sum(LIBRARIES[name] for name in known - set(KERNELS))
    return max(GROWTH, settled - baseline_bytes(known))


def worker_bytes() -> int:
    """Size of this worker process once it has loaded its kernels."""
    release_memory()
    return proportional_set_size() + max(0, WORKER_BASELINE - resident_set_size())


def release_memory() -> None:
    """Hand what is free in the heap back to the system, where the C library can (glibc)."""
    with suppress(OSError, AttributeError):
        _libc().malloc_trim(0)


_libc = cache(partial(ctypes.CDLL, "libc.so.6"))


def settle_heap() -> None:
    """Let the heap serve arrays up to 32 MiB, where the C library adapts itself (glibc).

    glibc maps and unmaps large blocks one by one until it has seen one of that size freed. A chunk
    that is compressed never shows it one: its block is cut to size before it is freed, and the next
    is larger. Each chunk would fault its pages in again, which is a third of what an ingest takes.
    """
    np.empty(_LARGEST_OF_HEAP, np.uint8)


def keep_memory() -> None:
    """Let the heap keep what is freed for the next call, where the C library can (glibc).

    A network takes and frees the same large blocks at every call. Left alone, glibc maps and unmaps
    them each time, and the system zeroes their pages again: 40 % of the time of a UNet in small
    windows. `release_memory` still hands them back, and `release_kept_memory` after every block.
    """
    with suppress(OSError, AttributeError):
        library = _libc()
        for parameter, size in MALLOPT.items():
            library.mallopt(parameter, size)
        _KEEPING.set()


def release_kept_memory() -> None:
    """`release_memory`, if this process keeps any."""
    if _KEEPING.is_set():
        release_memory()


_KEEPING = threading.Event()


def resident_set_size() -> int:
    """Memory of this process [bytes]; never less than its proportional set size."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def proportional_set_size() -> int:
    """Memory of this process [bytes], pages that several processes share divided among them."""
    import psutil

    return int(getattr(psutil.Process().memory_full_info(), "pss", resident_set_size()))
