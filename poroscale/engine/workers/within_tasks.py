"""Verbs that are called by a task of a Dask cluster, for instance by a function given to `submit`.

Such a verb must not hand its blocks to the cluster that runs the task: where every slot is taken by
a task that waits for blocks, no block would ever begin. It does them by itself, in the slot and the
memory of its task.
"""

from __future__ import annotations

import sys
from typing import Any

from poroscale.engine.budgets import limit_of
from poroscale.engine.run import Run, parse_memory
from poroscale.engine.workers.running import Threads


def threads_of_task(worker: Any, run: Run, address: str | None) -> Threads | None:
    """Cluster of a verb that a task calls; None if it asks for another cluster.

    Parameters
    ----------
    worker
        The worker of the task.
    run
        Memory, workers and cluster.
    address
        The scheduler that `run` asks for; None if it asks for none.
    """
    if run.cluster in ("processes", "cuda"):
        return None
    if address is not None and _full(address) != _full(worker.scheduler.address):
        return None
    budgets = (run.memory, run.memory_per_worker, limit_of(worker))
    allowed = min((parse_memory(each) for each in budgets if each is not None), default=None)
    return Threads(run.workers or 1, slots=worker.state.nthreads, allowed=allowed)


def current_worker() -> Any:
    """The worker whose task this thread runs; None if it runs none."""
    if "distributed" not in sys.modules:
        return None
    from distributed import get_worker

    try:
        return get_worker()
    except ValueError:
        return None


def _full(address: str) -> str:
    """An address with its protocol, and numbers in place of the host's name."""
    from distributed.comm import resolve_address

    try:
        return str(resolve_address(address))
    except (OSError, ValueError):
        return address
