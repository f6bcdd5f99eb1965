"""One budget for threads, one for the driver and one for each worker of a cluster."""

import os
import socket

import numpy as np
import pytest

from poroscale.engine import Run, map_blocks
from poroscale.engine.budgets import Staff, WorkerFacts, staff_of_cluster
from poroscale.engine.plan import MIB, Need, make_plan

GIB = 1 << 30
NEED = Need(read=2, write=1, temporary=16)
SHAPE, CHUNKS = (1024, 1024, 1024), (128, 128, 128)


def facts(count, *, limit=None, machine=64 * GIB, host="node", threads=1):
    return {
        f"tcp://{host}:{pid}": WorkerFacts(host, pid, threads, 230 * MIB, limit, machine)
        for pid in range(1, count + 1)
    }


def plan_for(run, workers):
    return make_plan(SHAPE, CHUNKS, NEED, staff=staff_of_cluster(run, workers))


@pytest.mark.parametrize("count", [1, 7, 64])
def test_the_default_holds_for_any_number_of_workers(count):
    plan = plan_for(Run(), facts(count, machine=1024 * GIB))
    assert plan.fits
    assert {each.allowed for each in plan.budgets} == {2 * GIB}
    assert plan.projected <= plan.allowed == 2 * GIB
    assert plan.total == plan.projected + count * (230 * MIB + plan.task)


def test_a_budget_that_is_given_is_shared_by_workers_without_limits():
    with pytest.raises(MemoryError, match=r"of 128 x .* or give .* by `memory_per_worker`"):
        plan_for(Run(memory="2GiB"), facts(8))
    assert plan_for(Run(memory="2GiB", memory_per_worker="1GiB"), facts(8)).fits


@pytest.mark.parametrize(
    ("run", "limit", "allowed"),
    [
        (Run(), 3 * GIB, 3 * GIB),
        (Run(memory="1GiB"), 3 * GIB, 3 * GIB),
        (Run(memory_per_worker="5GiB"), 3 * GIB, 5 * GIB),
        (Run(), None, 2 * GIB),
    ],
)
def test_whose_budget_counts(run, limit, allowed):
    staff = staff_of_cluster(run, facts(2, limit=limit))
    assert [each.allowed for each in staff.budgets] == [allowed] * 2
    assert staff.allowed == run.memory_bytes


def test_workers_without_limits_take_their_share_of_a_small_machine():
    staff = staff_of_cluster(Run(), facts(7, machine=8 * GIB))
    assert {each.allowed for each in staff.budgets} == {GIB}


def test_the_tightest_worker_chooses_the_block():
    small = facts(1, limit=500 * MIB, host="small", threads=2)
    wide, narrow = plan_for(Run(), facts(3, limit=8 * GIB)), plan_for(Run(), facts(3) | small)
    assert wide.grid.block == (256, 256, 256)
    assert narrow.grid.block < wide.grid.block
    assert narrow.tightest[0].name == "tcp://small:1"
    assert narrow.tightest[1] <= 500 * MIB


def test_one_sentence_has_both_numbers():
    sentence = (
        r"^memory must be at least [\d,]+ MiB in the driving process, got 2,048 MiB, and at least "
        r"[\d,]+ MiB for blocks of 128 x 128 x 128 in the worker tcp://node:\d, got 250 MiB; "
        r"raise `memory_per_worker`$"
    )
    with pytest.raises(MemoryError, match=sentence):
        plan_for(Run(memory_per_worker="250MiB"), facts(3))
    with pytest.raises(MemoryError, match=r"got 10 MiB, and .*; raise `memory`$"):
        plan_for(Run(memory="10MiB", memory_per_worker="3GiB"), facts(3))


def test_threads_of_this_process_are_counted_once():
    here = {
        f"inproc://{k}": WorkerFacts(socket.gethostname(), os.getpid(), 1, GIB, None, 64 * GIB)
        for k in range(4)
    }
    staff = staff_of_cluster(Run(memory="2GiB"), here)
    assert (staff.workers, staff.processes, staff.beside, staff.budgets) == (4, 0, 0, ())


def test_what_a_worker_keeps_counts_against_its_budget():
    need = Need(read=2, write=1, temporary=16, held=100 * MIB)
    one, staff = Staff(2, GIB), staff_of_cluster(Run(), facts(2))
    assert make_plan(SHAPE, CHUNKS, need, staff=one).driver == 100 * MIB
    kept = make_plan(SHAPE, CHUNKS, need, staff=staff)
    assert kept.driver == 0
    assert [each.taken for each in kept.budgets] == [330 * MIB] * 2


def test_a_budget_must_be_a_size():
    with pytest.raises(ValueError, match="`memory_per_worker` must be a size"):
        Run(memory_per_worker="much")


def double(block):
    return block * 2


def test_the_bytes_do_not_depend_on_the_budgets(as_volume, new_path):
    from distributed import Client, LocalCluster

    volume = as_volume(np.arange(9 * 10 * 16, dtype=np.uint16).reshape(9, 10, 16))
    whole = map_blocks(double, volume, new_path(), dtype=np.uint16, run=Run(cluster="threads"))
    local = {"n_workers": 2, "processes": False, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(**local, memory_limit="4GiB") as cluster, Client(cluster) as client:
        for run in (Run(cluster=client), Run(cluster=client, memory_per_worker="8GiB")):
            made = map_blocks(double, volume, new_path(), dtype=np.uint16, run=run)
            assert made.digest == whole.digest
        tight = Run(cluster=client, memory_per_worker="1MiB")
        with pytest.raises(MemoryError, match="got 1 MiB; raise `memory_per_worker`"):
            map_blocks(double, volume, new_path(), dtype=np.uint16, run=tight)
