"""Waiting for the workers of a cluster: a plan is made when they are there, not before.

A scheduler answers before its workers do: jobs of a queue start one by one, and a cluster that was
just asked to scale up has none yet. A plan for the first of them would not suit the rest.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distributed import Client

LOG = logging.getLogger(__name__)
SETTLE = 1.0
"""Seconds without a new worker after which a cluster of unknown size is taken to be complete."""
POLL = 0.05
"""Seconds between two looks."""

_awaited: dict[str, int] = {}
"""Schedulers, by their ids, whose workers this process has waited for. The number is that of the
workers which it has waited for in vain: it does not do so before every step of a job."""


def await_workers(client: Client, wait: float) -> None:
    """Return when the workers of a cluster have joined, or at least one of them within `wait`.

    How many are to come is known of a cluster that was scaled in this process (`LocalCluster`,
    `SLURMCluster`). Of others it is not: there the wait ends when no further worker joins.

    Parameters
    ----------
    client
        Connected with the scheduler.
    wait
        Seconds to wait at most.

    Raises
    ------
    TimeoutError
        If no worker has joined; the sentence names the address and the time.
    """
    begun = changed = time.monotonic()
    count = workers_of(client)
    scheduler = client.scheduler_info()["id"]
    missed = _awaited.get(scheduler)
    if count and missed is not None and expected_workers(client) <= max(count, missed):
        return
    # A cluster that adapts itself starts its first worker when there is a task.
    wake = None if count else client.submit(int, pure=False, key=f"wait-for-workers-{begun}")
    while not _is_complete(client, count, time.monotonic() - changed):
        if time.monotonic() - begun >= wait:
            _give_up(client, count, wait)
            missed = expected_workers(client)
            break
        time.sleep(POLL)
        before, count = count, workers_of(client)
        changed = changed if count == before else time.monotonic()
    if wake is not None:
        wake.release()
    _awaited[scheduler] = missed or 0


def workers_of(client: Client) -> int:
    """Number of workers that the scheduler knows now."""
    return len(client.nthreads())


def address_of(client: Client) -> str:
    """Address of the scheduler of `client`."""
    return str(client.scheduler.address)


def expected_workers(client: Client) -> int:
    """Number of workers that a cluster of this process was scaled to; 0 where it is not known."""
    spec = getattr(client.cluster, "worker_spec", None) or {}
    return sum(len(each.get("group", [""])) for each in spec.values())


def _is_complete(client: Client, count: int, unchanged: float) -> bool:
    expected = expected_workers(client)
    return count >= expected if expected else count > 0 and unchanged >= SETTLE


def _give_up(client: Client, count: int, wait: float) -> None:
    if not count:
        raise TimeoutError(
            f"cluster {address_of(client)} has no worker: none has joined within {wait:g} s; "
            "start its workers first, or raise `wait`"
        )
    LOG.warning(
        "cluster %s: %d of %d workers have joined within %g s, and work without the others",
        address_of(client),
        count,
        max(count, expected_workers(client)),
        wait,
    )
