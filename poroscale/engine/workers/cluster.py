"""Places where graphs run: threads here, processes here, GPUs here, or a scheduler elsewhere."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poroscale.engine.plan import settle_heap
from poroscale.engine.run import Run
from poroscale.engine.workers.ending import client_of
from poroscale.engine.workers.held_logs import held_logs
from poroscale.engine.workers.joining import address_of, await_workers
from poroscale.engine.workers.running import Cluster, Distributed, Threads
from poroscale.engine.workers.within_tasks import current_worker, threads_of_task

if TYPE_CHECKING:
    from distributed import Client

REACH = 10
"""Seconds that a scheduler is waited for."""


@contextmanager
def connect(run: Run, *, job: str = "") -> Iterator[Run]:
    """A run whose cluster is up: verbs inside share it instead of starting one each.

    Parameters
    ----------
    run
        Memory, workers and cluster.
    job
        Name in front of the titles of the stages inside, as "segment".

    Raises
    ------
    ValueError
        If the cluster is unknown, cannot be reached, or needs a GPU that is not there.
    TimeoutError
        If no worker of it has joined within `run.wait` seconds.
    """
    run = run.but(job=job or run.job)
    starts = run.cluster in ("processes", "cuda") or _names_a_scheduler(run.cluster)
    if starts and _within_task(run) is None:
        with _client(run) as client:
            yield run.but(cluster=client)
    else:
        yield run


@contextmanager
def cluster_of(run: Run) -> Iterator[Cluster]:
    """The cluster on which one verb runs; inside a task of that cluster, the task itself."""
    prepare_process()
    within = _within_task(run)
    chosen = _current_client() if run.cluster is None and within is None else run.cluster
    if within is not None:
        yield within
    elif chosen is None or chosen == "threads":
        yield Threads(run.workers or available_cores(), fewest=run.workers or 1)
    elif not isinstance(chosen, str):
        await_workers(chosen, run.wait)
        yield Distributed(chosen, run.wait)
    else:
        with _client(run) as client:
            yield Distributed(client, run.wait)


def _within_task(run: Run) -> Threads | None:
    worker = current_worker()
    return None if worker is None else threads_of_task(worker, run, _address(run))


def _names_a_scheduler(cluster: object) -> bool:
    return isinstance(cluster, str) and (":" in cluster or _is_file(cluster))


def _address(run: Run) -> str | None:
    """Address of the scheduler that is asked for; None if none is."""
    if isinstance(run.cluster, str):
        if _is_file(run.cluster):
            return _address_in(Path(run.cluster))
        return run.cluster if ":" in run.cluster else None
    return None if run.cluster is None else address_of(run.cluster)


@contextmanager
def _client(run: Run) -> Iterator[Client]:
    from distributed import Client

    match run.cluster:
        case "processes":
            with held_logs(), client_of(_local_cluster(run)) as client:
                yield _prepared(client, run)
        case "cuda":
            with held_logs(), client_of(_cuda_cluster()) as client:
                yield _prepared(client, run)
        case str() as path if _is_file(path):
            with _from_file(Path(path)) as client:
                yield _prepared(client, run)
        case str() as address if _names_a_scheduler(address):
            try:
                client = Client(address, timeout=REACH)
            except OSError:
                raise ValueError(f"cluster {address} cannot be reached") from None
            with client:
                yield _prepared(client, run)
        case other:
            raise ValueError(
                "`cluster` must be threads, processes, cuda, or the address or scheduler file of a "
                f"running scheduler, got {other!r}"
            )


def _is_file(text: str) -> bool:
    """True if a cluster is told by the file that `dask scheduler --scheduler-file` writes."""
    return text.lower().endswith(".json")


def _address_in(path: Path) -> str:
    """The address that a scheduler file states."""
    try:
        return str(json.loads(path.read_text())["address"])
    except FileNotFoundError:
        raise ValueError(f"scheduler file {path} does not exist; is the scheduler up?") from None
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{path} must be a scheduler file of Dask, it states no address") from None


def _from_file(path: Path) -> Client:
    from distributed import Client

    address = _address_in(path)
    try:
        return Client(address, timeout=REACH)
    except OSError:
        raise ValueError(
            f"cluster {address}, named in {path}, cannot be reached; the file may be of a "
            "scheduler that has ended"
        ) from None


def _prepared(client: Client, run: Run) -> Client:
    """The client, once its workers are there."""
    await_workers(client, run.wait)
    client.run(prepare_process)
    return client


def _local_cluster(run: Run) -> Any:
    import dask
    from distributed import LocalCluster

    dask.config.set({"distributed.scheduler.worker-ttl": "60s"})
    workers = run.workers or available_cores()
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",
        memory_limit=0,
        silence_logs=40,
    )


def _cuda_cluster() -> Any:
    try:
        from dask_cuda import LocalCUDACluster
    except ImportError:
        raise ValueError("cluster cuda needs dask-cuda: pip install 'poroscale[gpu]'") from None
    import pynvml

    try:
        return LocalCUDACluster(dashboard_address="127.0.0.1:0")
    except (pynvml.NVMLError, RuntimeError, ValueError) as error:
        raise ValueError(
            f"cluster cuda needs an NVIDIA GPU with its driver, and none was found ({error}); "
            "use `cluster` threads or processes"
        ) from None


def _current_client() -> Client | None:
    """The Client that this process is connected with; importing distributed is not free."""
    if "distributed" not in sys.modules:
        return None
    from distributed import get_client

    try:
        return get_client()
    except ValueError:
        return None


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def prepare_process() -> None:
    """Let the heap keep what a chunk takes."""
    settle_heap()
