"""The end of a cluster that this process has started; it takes a bounded time.

Where workers die while others are being started in their place, closing a cluster of Dask may wait
for ever for a process that never came up. The results are on disk then: nothing is lost by leaving.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distributed import Client

LOG = logging.getLogger(__name__)
CLOSE = 30.0
"""Seconds that a cluster may take to close; a healthy one takes less than one."""


@contextmanager
def client_of(cluster: Any) -> Iterator[Client]:
    """A client of a cluster that ends with the context, within `CLOSE` seconds."""
    from distributed import Client

    with Client(cluster) as client:
        try:
            yield client
        finally:
            close_in_time(client, cluster)


def close_in_time(client: Client, cluster: Any) -> None:
    """Close both; after `CLOSE` seconds the worker processes are killed and left behind."""
    closer = threading.Thread(target=_close, args=(client, cluster), daemon=True)
    closer.start()
    closer.join(CLOSE)
    if not closer.is_alive():
        return
    LOG.warning("the worker processes did not end within %g s and are killed", CLOSE)
    cluster.shutdown_on_close = False  # or Dask would wait for it again at the end of this process
    for pid in _pids(cluster):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _close(client: Client, cluster: Any) -> None:
    try:
        client.close()
        cluster.close()
    except (OSError, RuntimeError) as error:  # a comm or a loop that ended first
        LOG.debug("while the cluster was closed: %s", error)


def _pids(cluster: Any) -> Iterator[int]:
    """The worker processes that nannies of this cluster have started."""
    for nanny in list(cluster.workers.values()):
        process = getattr(getattr(nanny, "process", None), "process", None)
        if (pid := getattr(process, "pid", None)) is not None:
            yield pid
