"""A plan is made when the workers are there: they are waited for, and not for ever."""

import logging
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from poroscale.engine import Run, connect, map_blocks, stage
from poroscale.engine.workers import joining, running
from poroscale.engine.workers.cluster import cluster_of

LOCAL = {"processes": False, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}


@pytest.fixture
def empty():
    """A cluster without a worker, and its client."""
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=0, **LOCAL) as cluster, Client(cluster) as client:
        yield cluster, client


def later(call, *arguments, after=0.3):
    timer = threading.Timer(after, call, arguments)
    timer.start()
    return timer


def double(block):
    return block * 2


def test_the_plan_is_made_for_the_workers_that_come_later(empty, as_volume, new_path, monkeypatch):
    cluster, client = empty
    volume, staffs, make_plan = as_volume(np.ones((9, 10, 16), np.uint8)), [], stage.make_plan

    def noted(*given, staff, **how):
        staffs.append(staff)
        return make_plan(*given, staff=staff, **how)

    monkeypatch.setattr(stage, "make_plan", noted)
    timer = later(cluster.scale, 3)
    made = map_blocks(double, volume, new_path(), dtype=np.uint8, run=Run(cluster=client))
    timer.join()
    assert made.read().min() == 2
    assert [(each.workers, len(each.budgets)) for each in staffs] == [(3, 3)]


def test_an_address_is_waited_for_until_no_more_join(empty, monkeypatch):
    cluster, _ = empty
    monkeypatch.setattr(joining, "SETTLE", 0.6)
    timers = [later(cluster.scale, count, after=0.2 * count) for count in (1, 2, 3)]
    with connect(Run(cluster=cluster.scheduler_address)) as run, cluster_of(run) as found:
        assert found.workers == 3
    for timer in timers:
        timer.join()


def test_none_comes(empty):
    cluster, client = empty
    for named in (client, cluster.scheduler_address):
        begun = time.monotonic()
        words = f"cluster {cluster.scheduler_address} has no worker: none has joined within 0.3 s"
        with (
            pytest.raises(TimeoutError, match=words),
            connect(Run(cluster=named, wait=0.3)) as run,
            cluster_of(run),
        ):
            pass
        assert time.monotonic() - begun < 30  # and not a minute, as without `wait`


def test_some_do_not_come(empty, caplog):
    cluster, client = empty
    cluster.scale(1)
    client.wait_for_workers(1)
    cluster.worker_spec |= {"never": {"cls": None, "options": {}}}
    with caplog.at_level(logging.WARNING), cluster_of(Run(cluster=client, wait=0.2)) as found:
        assert found.workers == 1
    begun = time.monotonic()
    with cluster_of(Run(cluster=client, wait=90)):  # the next step of the job
        assert time.monotonic() - begun < 45
    del cluster.worker_spec["never"]
    assert "1 of 2 workers have joined within 0.2 s" in caplog.text


def test_a_job_of_a_queue_may_start_several_workers():
    spec = {"SLURM-0": {"cls": None, "group": ["-0", "-1"]}, "SLURM-1": {"cls": None}}
    client = SimpleNamespace(cluster=SimpleNamespace(worker_spec=spec))
    assert joining.expected_workers(client) == 3
    assert joining.expected_workers(SimpleNamespace(cluster=None)) == 0


def test_a_cluster_that_adapts_itself_starts_its_first_worker(empty):
    cluster, client = empty
    cluster.adapt(minimum=0, maximum=2, interval="50 ms")
    with cluster_of(Run(cluster=client, wait=10)) as found:
        assert found.workers >= 1


def test_all_workers_leave(empty, as_volume, new_path, monkeypatch):
    cluster, client = empty
    monkeypatch.setattr(running, "LOOK", 0.05)
    cluster.scale(1)
    volume = as_volume(np.ones((9, 10, 16), np.uint8))
    timer = later(cluster.scale, 0, after=0.3)
    words = f"cluster {cluster.scheduler_address} has lost all its workers"
    run = Run(cluster=client, wait=0.5, block=(4, 5, 8))
    with pytest.raises(TimeoutError, match=words):
        map_blocks(slowly, volume, new_path(), dtype=np.uint8, run=run)
    timer.join()


def slowly(block):
    time.sleep(0.1)
    return block


def test_a_wait_must_be_a_time():
    with pytest.raises(ValueError, match="`wait` must not be negative"):
        Run(wait=-1)
