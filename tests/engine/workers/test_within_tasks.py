"""A verb that is called by a task of a cluster ends, and stays inside its worker."""

import json
import threading

import numpy as np
import pytest
from distributed import Client, LocalCluster, get_worker, worker_client

from poroscale.engine import Run, connect, label_blocks, map_blocks, stage
from poroscale.engine.labels import Components
from poroscale.engine.workers.cluster import cluster_of
from poroscale.engine.workers.running import Threads

SECONDS = 30
"""A verb that waits for its own slot would wait for ever."""
MIB = 1 << 20


@pytest.fixture(scope="module")
def cluster():
    local = {"n_workers": 1, "processes": False, "dashboard_address": "127.0.0.1:0"}
    one = {"threads_per_worker": 1, "memory_limit": "4GiB", "protocol": "tcp://"}
    with LocalCluster(**local, **one) as cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    with Client(cluster) as client:
        yield client


@pytest.fixture
def volume(as_volume):
    return as_volume(np.random.default_rng(6).integers(0, 2, (9, 10, 16)).astype(np.uint8))


def double(block):
    return block * 2


def verb(volume, out, run):
    with connect(run) as shared:
        return map_blocks(double, volume, out, dtype=np.uint8, run=shared).digest


def same(block):
    return block


@pytest.mark.parametrize("named", ["none", "threads", "address", "bare address", "file"])
def test_a_verb_inside_a_task_ends(named, client, cluster, volume, new_path, tmp_path):
    address, file = cluster.scheduler_address, tmp_path / "scheduler.json"
    file.write_text(json.dumps({"address": address}))
    bare = address.removeprefix("tcp://")
    chosen = {"none": None, "threads": "threads", "file": str(file), "address": address}
    run = Run(cluster=chosen.get(named, bare))
    outside = verb(volume, new_path(), Run(cluster="threads"))
    found = client.submit(verb, volume, new_path(), run, pure=False)
    assert found.result(timeout=SECONDS) == outside


def test_a_client_of_the_task_is_its_own_cluster(client, volume, new_path):
    def task(out):
        with worker_client() as inner, cluster_of(Run(cluster=inner)) as found:
            assert isinstance(found, Threads)
            return label_blocks(Components(same), volume, out, run=Run(cluster=inner)).volume.digest

    whole = label_blocks(Components(same), volume, new_path(), run=Run(cluster="threads")).volume
    assert client.submit(task, new_path(), pure=False).result(timeout=SECONDS) == whole.digest


def test_several_at_a_time(client, volume, new_path):
    outs = [new_path() for _ in range(4)]
    futures = [client.submit(verb, volume, out, Run(), pure=False) for out in outs]
    assert len(set(client.gather(futures))) == 1


@pytest.mark.parametrize(
    ("run", "allowed"),
    [
        (Run(), int(0.8 * 4096 * MIB)),
        (Run(memory="8GiB"), int(0.8 * 4096 * MIB)),
        (Run(memory="1GiB"), 1024 * MIB),
        (Run(memory_per_worker="2GiB"), 2048 * MIB),
    ],
)
def test_it_stays_within_the_memory_of_its_worker(client, run, allowed):
    def task():
        with cluster_of(run) as found:
            staff = found.staff(run)
            return staff.allowed, staff.workers, found.workers, staff.budgets

    assert client.submit(task, pure=False).result(timeout=SECONDS) == (allowed, 1, 1, ())


def test_blocks_of_the_verb_are_done_in_the_process_of_the_task(
    client, volume, new_path, monkeypatch
):
    seen, make_plan = [], stage.make_plan

    def noted(*given, staff, **how):
        seen.append((threading.get_ident(), staff.processes))
        return make_plan(*given, staff=staff, **how)

    monkeypatch.setattr(stage, "make_plan", noted)

    def task(out):
        assert get_worker() is not None
        verb(volume, out, Run())
        return threading.get_ident()

    ident = client.submit(task, new_path(), pure=False).result(timeout=SECONDS)
    assert set(seen) == {(ident, 0)}


def test_another_cluster_may_be_used_from_a_task(client, volume, new_path):
    local = {"n_workers": 1, "processes": False, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(threads_per_worker=1, **local) as other:
        address = other.scheduler_address
        run = Run(cluster=address)

        def task():
            with connect(run) as shared, cluster_of(shared) as found:
                return found.client.scheduler.address

        found = client.submit(task, pure=False).result(timeout=SECONDS)
        assert found == address
