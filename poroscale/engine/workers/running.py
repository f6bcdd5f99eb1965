"""The tasks of a stage, run on threads of this process or on the workers of a Dask cluster.

A graph holds one task per block and no voxels. It is handed over in waves, so that planning a
hundred thousand blocks takes no longer than planning the first few thousand of them.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from poroscale.engine.budgets import Staff, WorkerFacts, limit_of, staff_of_cluster
from poroscale.engine.plan import worker_bytes
from poroscale.engine.run import Run
from poroscale.engine.workers.joining import address_of, workers_of
from poroscale.engine.workers.names import key_prefix, task_keys
from poroscale.engine.workers.retries import (
    Work,
    pause_before_retry,
    tried_here,
    tried_later,
    tries_of,
)

if TYPE_CHECKING:
    from distributed import Client

WAVE = 4096
"""Tasks handed over at a time."""

POLL, LOOK = 0.005, 1.0
"""Seconds between two looks at what is finished, and at whether there are workers."""

Collect = Callable[[Any], None]


@dataclass
class Threads:
    """Dask's threaded scheduler in this process.

    Attributes
    ----------
    workers
        Tasks at a time.
    slots
        Call from inside a task: tasks of its worker, each of which may call as this one.
    allowed
        What this process may take [bytes], in place of the budget of the run.
    fewest
        Tasks at a time to which a plan may go down where the budget holds no more; None for
        `workers`.
    """

    workers: int
    slots: int = 1
    allowed: int | None = None
    fewest: int | None = None

    @property
    def processes(self) -> int:
        """Number of worker processes."""
        return 0

    def staff(self, run: Run) -> Staff:
        """Workers for a stage: this process, with one budget."""
        allowed = self.allowed or run.memory_bytes
        return Staff(self.workers * self.slots, allowed, fewest=self.fewest)

    def run(self, work: Work, numbers: Iterable[int], collect: Collect) -> None:
        """Call `collect(work.task(number))` for every number, in the order in which tasks finish.

        They begin in the order of `numbers`. An interrupt lets the running tasks end and starts no
        other.
        """
        import dask.threaded
        from dask.callbacks import Callback

        stop, prefix = threading.Event(), key_prefix(work.title)
        each = Callback(posttask=lambda key, result, *_: collect(result))
        threads = min(self.workers, work.at_a_time or self.workers)
        pool = ThreadPoolExecutor(threads, thread_name_prefix="poroscale")
        try:
            for wave in _waves(numbers):
                # Of tasks that depend on nothing dask takes the one with the last key first.
                graph = {
                    (prefix, f"{-place % len(wave):08d}", number - work.first): (
                        tried_here,
                        work,
                        number,
                        stop,
                    )
                    for place, number in enumerate(wave, 1)
                }
                dask.threaded.get(graph, list(graph), pool=pool, callbacks=(each._callback,))
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)


@dataclass
class Distributed:
    """Workers of a Dask cluster, reached through a Client."""

    client: Client
    wait: float = 60.0

    @property
    def workers(self) -> int:
        """Threads of all workers."""
        return max(1, sum(self.client.nthreads().values()))

    @property
    def processes(self) -> int:
        """Number of worker processes."""
        return len(self.client.nthreads())

    def staff(self, run: Run) -> Staff:
        """Workers for a stage: those that are there now, each with its budget."""
        found = self.client.run(_facts, on_error="return")
        for error in found.values():
            if isinstance(error, Exception) and not isinstance(error, OSError):
                raise error
        # A worker that died while it was asked is replaced by one of its kind.
        told = {name: each for name, each in found.items() if isinstance(each, WorkerFacts)}
        return staff_of_cluster(run, told)

    def run(self, work: Work, numbers: Iterable[int], collect: Collect) -> None:
        """Call `collect(work.task(number))` for every number, in the order of the finish."""
        for wave in _waves(numbers):
            self._run_wave(work, wave, collect)

    def _run_wave(self, work: Work, wave: list[int], collect: Collect) -> None:
        from distributed import as_completed

        tries: Counter[int] = Counter()
        futures = self._submitted(work, wave)
        done = as_completed(futures, loop=self.client.loop, with_results=True, raise_errors=False)
        try:
            for future, result in self._finished(done):
                number = futures.pop(future)
                if future.status == "finished":
                    collect(result)
                    continue
                error = self._error_of(result, work, number)
                tries[number] += tries_of(error)
                pause = pause_before_retry(work, number, tries[number], error)
                again = self.client.submit(
                    tried_later,
                    work.task,
                    number,
                    pause,
                    key=task_keys(work.title)(number - work.first),
                    pure=False,
                )
                futures[again] = number
                done.add(again)
        finally:
            self.client.cancel(list(futures))

    def _submitted(self, work: Work, wave: list[int]) -> dict[Any, int]:
        """The futures of a wave, with the numbers of their blocks."""
        key = task_keys(work.title)
        keys = [key(number - work.first) for number in wave]
        futures = self.client.map(work.task, wave, key=keys, pure=False, batch_size=256)
        return dict(zip(futures, wave, strict=True))

    def _error_of(self, result: Any, work: Work, number: int) -> BaseException:
        """Error that ended the try of a block."""
        if isinstance(result, tuple):
            _, error, trace = result
            return error.with_traceback(trace)
        return RuntimeError(
            f"cluster {address_of(self.client)} has dropped {work.name(number)} ({result}); "
            "run the job again once the cluster is up"
        )

    def _finished(self, done: Any) -> Iterator[tuple[Any, Any]]:
        """Futures and their results as they come; an error if no worker is left to bring one."""
        deserted: float | None = None
        looked = time.monotonic()
        while not done.is_empty():
            if done.has_ready():
                yield next(done)
                continue
            time.sleep(POLL)
            now = time.monotonic()
            if now - looked >= LOOK:
                looked = now
                deserted = None if workers_of(self.client) else deserted or now
            if deserted is not None and now - deserted > self.wait:
                raise TimeoutError(
                    f"cluster {address_of(self.client)} has lost all its workers, and none has "
                    f"joined within {self.wait:g} s; start workers and run the job again"
                )


def _facts(dask_worker: Any = None) -> WorkerFacts:
    """Facts that this worker process states about itself."""
    from distributed.system import MEMORY_LIMIT

    return WorkerFacts(
        socket.gethostname(),
        os.getpid(),
        dask_worker.state.nthreads,
        worker_bytes(),
        limit_of(dask_worker),
        MEMORY_LIMIT,
    )


Cluster = Threads | Distributed


def _waves(numbers: Iterable[int]) -> Iterator[list[int]]:
    rest = iter(numbers)
    while wave := list(islice(rest, WAVE)):
        yield wave
