"""A begun job goes on only where its file and its logs are those that it wrote."""

import itertools
import json
import shutil

import numpy as np
import pytest

from poroscale.engine import Run, map_blocks
from poroscale.engine.jobs.job import Job
from poroscale.engine.jobs.job_file import job_file, read_job_file, store_job
from poroscale.manifest import JOURNAL_DIR
from poroscale.volume import Volume

RUN = Run(block=(4, 5, 8), workers=1, cluster="threads")
OTHER_BLOCK = [8, 5, 8]


class Halting:
    """Adds one; `after` blocks it is interrupted, if it is told to be."""

    version = 1
    after = None

    def __call__(self, block):
        if Halting.after is not None:
            Halting.after -= 1
            if Halting.after < 0:
                raise KeyboardInterrupt
        return block + 1


def begin(volume, out):
    """Interrupt the job after five blocks."""
    Halting.after = 5
    try:
        with pytest.raises(KeyboardInterrupt):
            go_on(volume, out)
    finally:
        Halting.after = None
    assert not (out / JOURNAL_DIR / "manifest.json").exists()
    return out


def go_on(volume, out, *, overwrite=False):
    return map_blocks(Halting(), volume, out, dtype=np.uint8, run=RUN.but(overwrite=overwrite))


@pytest.fixture
def volumes(as_volume):
    """Two volumes of one shape."""
    rng = np.random.default_rng(3)
    return [as_volume(rng.integers(1, 99, (9, 10, 16)).astype(np.uint8)) for _ in range(2)]


@pytest.fixture
def begun(volumes, new_path):
    return begin(volumes[0], new_path())


def leaves(value, path=()):
    """The place of every entry of a JSON value that holds no others."""
    if isinstance(value, dict | list) and value:
        keys = value if isinstance(value, dict) else range(len(value))
        return [leaf for key in keys for leaf in leaves(value[key], (*path, key))]
    return [path]


def edited(body, path):
    """`body` with another value at one place."""
    copy = json.loads(json.dumps(body))
    within = copy
    for key in path[:-1]:
        within = within[key]
    old = within[path[-1]]
    within[path[-1]] = 2 * old + 4 if isinstance(old, int) else f"{old}x"
    return copy


def assert_refused_then_replaced(volume, out):
    before = job_file(out).read_bytes()
    with pytest.raises(OSError, match=r"job\.json .*begin again with `overwrite`"):
        go_on(volume, out)
    assert job_file(out).read_bytes() == before
    assert (go_on(volume, out, overwrite=True).read() == volume.read() + 1).all()


def test_an_untouched_job_goes_on_to_the_same_bytes(begun, volumes, new_path):
    assert go_on(volumes[0], begun).digest == go_on(volumes[0], new_path()).digest


def test_every_edit_of_a_job_file_is_refused(begun, volumes):
    whole = json.loads(job_file(begun).read_bytes())
    places = leaves(whole)
    assert {"sha256", "block", "recipe"} == {place[0] for place in places}
    for place in places:
        job_file(begun).write_text(json.dumps(edited(whole, place)))
        with pytest.raises(OSError, match=r"job\.json is damaged"):
            go_on(volumes[0], begun)
    assert_refused_then_replaced(volumes[0], begun)


@pytest.mark.parametrize("left", [0, 1, 40, -1])
def test_a_truncated_job_file_is_refused(left, begun, volumes):
    job_file(begun).write_bytes(job_file(begun).read_bytes()[:left])
    assert_refused_then_replaced(volumes[0], begun)


@pytest.mark.parametrize("text", ["null", "[]", '"x"', "{}", '{"sha256": 3}'])
def test_json_of_another_kind_is_refused(text, begun, volumes):
    job_file(begun).write_text(text)
    assert_refused_then_replaced(volumes[0], begun)


def test_another_block_under_a_new_digest_is_refused_by_the_logs(begun, volumes):
    store_job(begun, {**read_job_file(begun), "block": OTHER_BLOCK})
    with pytest.raises(OSError, match=r"\.log was written by another job than .*job\.json"):
        go_on(volumes[0], begun)


def test_another_input_under_a_new_digest_is_refused_by_the_logs(begun, volumes, new_path):
    other = begin(volumes[1], new_path())
    shutil.copy(job_file(other), job_file(begun))
    with pytest.raises(OSError, match=r"\.log was written by another job"):
        go_on(volumes[1], begun)
    with pytest.raises(OSError, match=r"\.log was written by another job"):
        go_on(volumes[0], begun)


def test_a_lost_job_file_is_refused(begun, volumes):
    job_file(begun).unlink()
    with pytest.raises(OSError, match="begin again with `overwrite`"):
        go_on(volumes[0], begun)
    assert (go_on(volumes[0], begun, overwrite=True).read() == volumes[0].read() + 1).all()


def test_a_changed_chunk_of_a_begun_job_is_made_again(begun, volumes, new_path):
    chunk = next(begun.rglob("0/c/*/*/*"))
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2] ^= 1
    chunk.write_bytes(data)
    assert go_on(volumes[0], begun).digest == go_on(volumes[0], new_path()).digest


def test_a_replacement_that_was_halted_keeps_nothing_of_what_was_there(volumes, new_path):
    out = new_path()
    go_on(volumes[0], out)
    with Job(out, None, {"verb": "test"}, overwrite=True) as job:
        stale = out / "0/c/0/0/0"
        stale.parent.mkdir(parents=True)
        stale.write_bytes(b"left by what was there")
        store_job(out, {"recipe": job.recipe, "replacing": True})
    blank = volumes[0].read()
    blank[:4, :5, :8] = 255
    assert (go_on(volumes[1], out).read() == volumes[1].read() + 1).all()
    assert Volume.open(out).digest == go_on(volumes[1], new_path()).digest


def test_a_level_that_is_a_link_is_replaced_and_its_target_stays(volumes, new_path, tmp_path):
    out, elsewhere = new_path(), tmp_path / "elsewhere"
    go_on(volumes[0], out)
    shutil.move(out / "0", elsewhere)
    (out / "0").symlink_to(elsewhere)
    kept = sorted(file.name for file in elsewhere.rglob("*"))
    assert (go_on(volumes[1], out, overwrite=True).read() == volumes[1].read() + 1).all()
    assert not (out / "0").is_symlink()
    assert sorted(file.name for file in elsewhere.rglob("*")) == kept


@pytest.mark.parametrize("workers", [1, 3])
def test_an_output_that_is_removed_meanwhile_leaves_nothing(workers, volumes, new_path):
    out, calls = new_path(), itertools.count(1)

    def kernel(block):
        if next(calls) == 5:  # one step: threads that append and then count may pass each other
            while out.exists():  # other threads still write into it
                shutil.rmtree(out, ignore_errors=True)
        return block + 1

    run = RUN.but(workers=workers)
    with pytest.raises(RuntimeError, match="was removed while it was written"):
        map_blocks(kernel, volumes[0], out, dtype=np.uint8, run=run)
    assert not out.exists()
    assert next(calls) > 5
    again = map_blocks(kernel, volumes[0], out, dtype=np.uint8, run=run)
    assert (again.read() == volumes[0].read() + 1).all()


def test_what_writers_of_a_removed_output_leave_does_not_refuse_the_rerun(volumes, new_path):
    out = new_path()
    (out / "0/c/1").mkdir(parents=True)
    (out / "0/c/1/.0.4f.partial").write_bytes(b"half a chunk")
    assert (go_on(volumes[0], out).read() == volumes[0].read() + 1).all()
    assert not list(out.rglob("*.partial"))
