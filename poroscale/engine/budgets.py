"""Workers for the blocks of a stage, and the memory that each process may take."""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from poroscale.engine.run import DEFAULT_MEMORY, Run, parse_memory


@dataclass(frozen=True)
class WorkerFacts:
    """Facts that a worker process states about itself.

    Attributes
    ----------
    host, pid
        Identity of the process.
    threads
        Tasks that it does at a time.
    taken
        Its memory before its first block, once its kernels are loaded [bytes].
    limit
        Memory limit by the settings of its cluster [bytes]; None without such a limit.
    machine
        Memory of its machine, or of its control group [bytes].
    """

    host: str
    pid: int
    threads: int
    taken: int
    limit: int | None
    machine: int

    @property
    def is_here(self) -> bool:
        """True if it is a thread of this very process."""
        return (self.host, self.pid) == (socket.gethostname(), os.getpid())


@dataclass(frozen=True)
class WorkerBudget:
    """Budget of one worker process.

    Attributes
    ----------
    name
        Its address.
    threads
        Tasks that it does at a time.
    taken, allowed
        Its memory before its first block, and its budget [bytes].
    """

    name: str
    threads: int
    taken: int
    allowed: int

    def projected(self, task: int, blocks: int) -> int:
        """Its peak [bytes], if a task takes `task` bytes and there are so many `blocks`."""
        return self.taken + min(self.threads, blocks) * task


@dataclass(frozen=True)
class Staff:
    """Workers for the blocks, and their memory.

    Attributes
    ----------
    workers
        Tasks at a time.
    allowed
        Budget of the driving process [bytes]; without `budgets` that of all processes together.
    processes
        Worker processes beside this one; 0 where threads of this process do the tasks.
    beside
        Memory of those processes before their first block [bytes].
    budgets
        Of the worker processes, where each has its own.
    fewest
        Tasks at a time to which a plan may go down where the budget holds no more; None for
        `workers`, which a caller has asked for.
    """

    workers: int
    allowed: int
    processes: int = 0
    beside: int = 0
    budgets: tuple[WorkerBudget, ...] = ()
    fewest: int | None = None


def staff_of_cluster(run: Run, workers: Mapping[str, WorkerFacts]) -> Staff:
    """The workers of a cluster, by their addresses, with the budget of each."""
    apart = {(each.host, each.pid): each.taken for each in workers.values() if not each.is_here}
    return Staff(
        max(1, sum(each.threads for each in workers.values())),
        run.memory_bytes,
        len(apart),
        sum(apart.values()),
        _budgets(run, workers),
    )


def _budgets(run: Run, workers: Mapping[str, WorkerFacts]) -> tuple[WorkerBudget, ...]:
    """Empty where all processes share the one budget that was given."""
    given, on_host = run.memory_per_worker, Counter(each.host for each in workers.values())
    bounded = all(each.limit is not None for each in workers.values())
    if given is None and run.memory is not None and not bounded:
        return ()
    found = []
    for name, each in sorted(workers.items()):
        share = min(parse_memory(DEFAULT_MEMORY), each.machine // (on_host[each.host] + 1))
        allowed = each.limit or share if given is None else parse_memory(given)
        found.append(WorkerBudget(name, each.threads, each.taken, allowed))
    return tuple(found)


def limit_of(worker: Any) -> int | None:
    """Bytes from which Dask starts no more tasks on a worker; None if it has no limit."""
    manager = worker.memory_manager
    if not manager.memory_limit:
        return None
    return int(manager.memory_limit * (manager.memory_pause_fraction or 1.0))
