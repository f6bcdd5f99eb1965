"""A cluster of ours ends in a bounded time, whatever became of its workers."""

import asyncio
import logging
import os
import signal
import threading
import time

import numpy as np
import pytest
from distributed import LocalCluster

from poroscale.engine import Run, connect, map_blocks
from poroscale.engine.workers import ending
from poroscale.engine.workers.ending import client_of

LOCAL = {"dashboard_address": "127.0.0.1:0", "threads_per_worker": 1}


def test_a_cluster_is_closed():
    cluster = LocalCluster(n_workers=1, processes=False, **LOCAL)
    with client_of(cluster) as client:
        assert client.submit(int, 3).result() == 3
    assert (cluster.status.name, client.status) == ("closed", "closed")


def test_a_cluster_that_does_not_close_is_left(monkeypatch, caplog):
    released = threading.Event()

    class Stuck(LocalCluster):
        async def _close(self):
            while not released.is_set():
                await asyncio.sleep(0.02)
            await super()._close()

    monkeypatch.setattr(ending, "CLOSE", 0.3)
    cluster = Stuck(n_workers=1, processes=False, **LOCAL)
    with client_of(cluster):
        pass
    assert cluster.status.name != "closed"
    assert "did not end within 0.3 s" in caplog.text
    assert cluster.shutdown_on_close is False
    released.set()
    while cluster.status.name != "closed":
        time.sleep(0.05)


def slowly(block):
    time.sleep(0.05)
    return block + 1


@pytest.mark.slow
def test_two_workers_die_within_a_second(as_volume, new_path, monkeypatch, caplog):
    monkeypatch.setattr(ending, "CLOSE", 15.0)
    caplog.set_level(logging.WARNING, "poroscale")
    array = np.random.default_rng(2).integers(0, 99, (12, 15, 24)).astype(np.uint8)
    volume, begun = as_volume(array), time.monotonic()
    with connect(Run(cluster="processes", workers=2, block=(4, 5, 8))) as run:
        first, second = run.cluster.run(os.getpid).values()
        os.kill(first, signal.SIGKILL)
        made = map_blocks(slowly, volume, new_path(), dtype=np.uint8, run=run)
        os.kill(second, signal.SIGKILL)
    np.testing.assert_array_equal(made.read(), array + 1)
    assert time.monotonic() - begun < 90
