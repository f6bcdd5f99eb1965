import threading
import time

import pytest

from poroscale.engine.byte_words import bytes_in_words
from poroscale.engine.grid import least_block
from poroscale.engine.plan import MIB, Need, make_plan
from poroscale.engine.run import Run
from poroscale.engine.workers.cluster import cluster_of
from poroscale.engine.workers.retries import Work
from poroscale.engine.workers.running import Threads


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (2500, "2.5 kB"), (3.4e6, "3.4 MB"), (12e9, "12.0 GB")],
)
def test_sizes_in_the_unit_that_shows_them(size, words):
    assert bytes_in_words(size) == words


def test_what_a_task_takes_whatever_its_block():
    need = Need(write=2, temporary=3)
    more = Need(write=2, temporary=3, fixed=1000)
    for block in ((1, 2, 3), (64, 64, 64)):
        assert more.task(block, (64, 64, 64)) == need.task(block, (64, 64, 64)) + 1000


def test_what_a_block_takes_alone_does_not_count_its_halo():
    block = (64, 64, 64)
    wide, narrow = (
        Need(halo=(halo,) * 3, inner=7).task(block, block)
        - Need(halo=(halo,) * 3).task(block, block)
        for halo in (32, 0)
    )
    assert wide == narrow == 7 * 64**3


def test_a_block_is_made_of_whole_chunks_and_of_the_multiple_of_its_pass():
    assert least_block((100, 90, 80), (8, 8, 8), (1, 1, 1)) == (8, 8, 8)
    assert least_block((100, 90, 80), (8, 6, 5), (12, 4, 5)) == (24, 12, 5)
    # Where the volume ends before such a block, the block spans it in whole chunks.
    assert least_block((100, 90, 80), (64, 90, 8), (96, 64, 96)) == (128, 90, 80)


SHAPE, CHUNKS = (256, 256, 256), (64, 64, 64)
HEAVY = Need(fixed=700 * MIB)


def tasks_at_a_time(run):
    with cluster_of(run) as cluster:
        return make_plan(SHAPE, CHUNKS, HEAVY, staff=cluster.staff(run)).workers


def test_a_machine_of_many_cores_does_as_many_tasks_as_the_budget_holds(monkeypatch):
    monkeypatch.setattr("poroscale.engine.workers.cluster.available_cores", lambda: 16)
    assert tasks_at_a_time(Run(memory="2GiB")) == 2
    assert tasks_at_a_time(Run(memory="1.2GiB")) == 1
    assert tasks_at_a_time(Run(memory="32GiB")) == 16
    with pytest.raises(MemoryError, match=r"raise `memory`$"):
        tasks_at_a_time(Run(memory="512MiB"))


def test_workers_that_were_asked_for_are_not_reduced():
    with pytest.raises(MemoryError, match="or use fewer `workers`"):
        tasks_at_a_time(Run(memory="2GiB", workers=16))


def test_no_more_tasks_run_at_a_time_than_were_planned():
    running, seen, lock = set(), [], threading.Lock()

    def task(number):
        with lock:
            running.add(number)
            seen.append(len(running))
        time.sleep(0.02)
        with lock:
            running.remove(number)

    Threads(16, fewest=1).run(Work(task, at_a_time=2), range(24), lambda _: None)
    assert max(seen) == 2
