"""Where the graphs run: threads here, worker processes here, GPUs here, or a scheduler elsewhere.

A graph holds one task per block and no voxels. It is handed over in waves, so that planning a
hundred thousand blocks takes no longer than planning the first few thousand of them.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poroscale.engine.plan import settle_heap, worker_bytes
from poroscale.engine.run import Run
from poroscale.engine.workers.held_logs import held_logs

if TYPE_CHECKING:
    from distributed import Client

REACH = 10
"""Seconds that a scheduler is waited for."""
WAVE = 4096
"""Tasks handed over at a time."""

Task = Callable[[int], Any]
Collect = Callable[[Any], None]


@dataclass
class Threads:
    """Dask's threaded scheduler in this process."""

    workers: int
    processes: int = 0
    beside: int = 0

    def run(self, task: Task, numbers: Iterable[int], collect: Collect) -> None:
        """Call `collect(task(number))` for every number, in the order in which tasks finish.

        They begin in the order of `numbers`. An interrupt lets the running tasks end and starts no
        other.
        """
        import dask.threaded
        from dask.callbacks import Callback

        stop = threading.Event()
        each = Callback(posttask=lambda key, result, *_: collect(result))
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="poroscale")
        try:
            for wave in _waves(numbers):
                # Of tasks that depend on nothing dask takes the one with the last key first.
                graph = {
                    ("block", f"{-place % len(wave):08d}"): (_unless(stop, task), number)
                    for place, number in enumerate(wave, 1)
                }
                dask.threaded.get(graph, list(graph), pool=pool, callbacks=(each._callback,))
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)


def _unless(stop: threading.Event, task: Task) -> Task:
    def run(number: int) -> Any:
        return None if stop.is_set() else task(number)

    return run


@dataclass
class Distributed:
    """Workers of a Dask cluster, reached through a Client."""

    client: Client

    @property
    def workers(self) -> int:
        """Threads of all workers."""
        return max(1, sum(self.client.nthreads().values()))

    @property
    def processes(self) -> int:
        """Number of worker processes."""
        return len(self.client.nthreads())

    @property
    def beside(self) -> int:
        """Bytes of all worker processes, as they will be when they have loaded their kernels."""
        return sum(self.client.run(worker_bytes).values())

    def run(self, task: Task, numbers: Iterable[int], collect: Collect) -> None:
        """Call `collect(task(number))` for every number, in the order in which tasks finish."""
        from distributed import as_completed

        if not self.client.nthreads():
            self.client.wait_for_workers(1, timeout=60)
        for wave in _waves(numbers):
            futures = self.client.map(task, wave, pure=False, batch_size=256)
            try:
                for _, result in as_completed(futures, with_results=True):
                    collect(result)
            finally:
                self.client.cancel(futures)


Cluster = Threads | Distributed


def _waves(numbers: Iterable[int]) -> Iterator[list[int]]:
    rest = iter(numbers)
    while wave := list(islice(rest, WAVE)):
        yield wave


@contextmanager
def connect(run: Run) -> Iterator[Run]:
    """A run whose cluster is up: verbs inside share it instead of starting one each.

    Raises
    ------
    ValueError
        If the cluster is unknown, cannot be reached, or needs a GPU that is not there.
    """
    if run.cluster in ("processes", "cuda") or (
        isinstance(run.cluster, str) and (":" in run.cluster or _is_file(run.cluster))
    ):
        with _client(run) as client:
            yield run.but(cluster=client)
    else:
        yield run


@contextmanager
def cluster_of(run: Run) -> Iterator[Cluster]:
    """The cluster on which one verb runs."""
    prepare_process()
    chosen = _current_client() if run.cluster is None else run.cluster
    if chosen is None or chosen == "threads":
        yield Threads(run.workers or _cores())
    elif not isinstance(chosen, str):
        yield Distributed(chosen)
    else:
        with _client(run) as client:
            yield Distributed(client)


@contextmanager
def _client(run: Run) -> Iterator[Client]:
    from distributed import Client

    match run.cluster:
        case "processes":
            with held_logs(), _local_cluster(run) as cluster, Client(cluster) as client:
                yield _prepared(client)
        case "cuda":
            with held_logs(), _cuda_cluster() as cluster, Client(cluster) as client:
                yield _prepared(client)
        case str() as path if _is_file(path):
            with _from_file(Path(path)) as client:
                yield _prepared(client)
        case str() as address if ":" in address:
            try:
                client = Client(address, timeout=REACH)
            except OSError:
                raise ValueError(f"cluster {address} cannot be reached") from None
            with client:
                yield _prepared(client)
        case other:
            raise ValueError(
                "cluster must be threads, processes, cuda, or the address or scheduler file of a "
                f"running scheduler, got {other!r}"
            )


def _is_file(text: str) -> bool:
    """Whether a cluster is told by the file that `dask scheduler --scheduler-file` writes."""
    return text.lower().endswith(".json")


def _from_file(path: Path) -> Client:
    from distributed import Client

    try:
        address = json.loads(path.read_text())["address"]
    except FileNotFoundError:
        raise ValueError(f"scheduler file {path} does not exist; is the scheduler up?") from None
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{path} must be a scheduler file of Dask, it states no address") from None
    try:
        return Client(address, timeout=REACH)
    except OSError:
        raise ValueError(
            f"cluster {address}, named in {path}, cannot be reached; the file may be of a "
            "scheduler that has ended"
        ) from None


def _prepared(client: Client) -> Client:
    client.run(prepare_process)
    return client


def _local_cluster(run: Run) -> Any:
    import dask
    from distributed import LocalCluster

    dask.config.set({"distributed.scheduler.worker-ttl": "60s"})
    workers = run.workers or _cores()
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
            "use --cluster threads or processes"
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


def _cores() -> int:
    import os

    return len(os.sched_getaffinity(0))


def prepare_process() -> None:
    """Let the heap keep what a chunk takes."""
    settle_heap()
