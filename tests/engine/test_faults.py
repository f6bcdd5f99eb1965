"""What was written is what is read, or an error that names the file; what stopped goes on."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from poroscale.engine import Components, Reduction, Run, label_blocks, map_blocks, reduce_blocks
from poroscale.engine.jobs.job import Job
from poroscale.engine.jobs.lock import OutputBusyError
from poroscale.manifest import JOURNAL_DIR, Manifest
from poroscale.volume import Volume

WRITER = Path(__file__).with_name("interrupted.py")


def plus_one(block):
    return block + 1


def total(block):
    return {"sum": np.asarray(block.sum())}


SUM = Reduction(total, lambda a, b: {"sum": a["sum"] + b["sum"]}, lambda t: int(t["sum"]))


def files_of(path):
    """Bytes of every file of an output but its journal."""
    return {
        file.relative_to(path).as_posix(): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file() and JOURNAL_DIR not in file.parts
    }


@pytest.fixture
def volume(as_volume):
    array = np.random.default_rng(3).integers(1, 99, (9, 10, 16)).astype(np.uint8)
    array[:4, :5, :8] = 0
    return as_volume(array)


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path):
    path.write_bytes(path.read_bytes()[:-3])


def swap(path):
    other = path.parent.parent.parent / "1/1/0"
    mine, its = path.read_bytes(), other.read_bytes()
    path.write_bytes(its)
    other.write_bytes(mine)


TAMPERING = {"flip": flip, "cut": cut, "swap": swap, "delete": Path.unlink}


@pytest.mark.parametrize("how", TAMPERING)
def test_a_damaged_chunk_is_named_and_never_averaged_in(how, volume, new_path):
    chunk = volume.path / "0/c/2/1/1"
    TAMPERING[how](chunk)
    named = f"{volume.path}/0/c/(2/1/1|1/1/0) is (damaged|missing)"
    with pytest.raises(OSError, match=named):
        volume.read()
    with pytest.raises(OSError, match=named):
        reduce_blocks(SUM, volume)
    with pytest.raises(OSError, match=named):
        map_blocks(plus_one, volume, new_path(), dtype=np.uint8)
    assert any(str(chunk) in line for line in Manifest.load(volume.path).problems(volume.path))


def test_a_chunk_that_appears_where_there_was_none(volume):
    shutil.copy(volume.path / "0/c/1/1/1", volume.path / "0/c/0/0/0")
    with pytest.raises(OSError, match="left empty and now holds data"):
        volume.read()
    assert "0/c/0/0/0 is not part" in next(iter(Manifest.load(volume.path).problems(volume.path)))


@pytest.mark.parametrize("name", ["zarr.json", "0/zarr.json", f"{JOURNAL_DIR}/manifest.json"])
def test_changed_metadata_is_found(name, volume):
    path = volume.path / name
    text = path.read_text()
    digit = next(i for i in range(len(text) - 1, 0, -1) if text[i].isdigit())
    path.write_text(f"{text[:digit]}{(int(text[digit]) + 1) % 10}{text[digit + 1 :]}")
    with pytest.raises(OSError, match="damaged"):
        Volume.open(volume.path).read()


def test_a_volume_without_manifest_does_not_open(volume):
    (volume.path / JOURNAL_DIR / "manifest.json").unlink()
    with pytest.raises(ValueError, match="is unfinished"):
        Volume.open(volume.path)


def test_a_second_job_is_refused_while_the_first_runs(tmp_path):
    second = Job(tmp_path / "out", None, {"verb": "test"})
    busy = pytest.raises(OutputBusyError, match=f"is being written by process {os.getpid()}")
    with Job(tmp_path / "out", None, {"verb": "test"}), busy:
        second.__enter__()
    with Job(tmp_path / "out", None, {"verb": "test"}):
        pass


def test_an_orphan_of_an_earlier_run_cannot_publish(tmp_path):
    with Job(tmp_path / "out", None, {"verb": "test"}) as first:
        orphan = first.output
    refused = pytest.raises(RuntimeError, match="was taken over by another run")
    with Job(tmp_path / "out", None, {"verb": "test"}), refused:
        orphan.publish(0, None, None, {})


def test_the_disk_is_full(volume, new_path, monkeypatch):
    out, real = new_path(), Path.write_bytes

    def full(self, data):
        if self.name.endswith(".partial") and "/1/1/" in str(self):
            raise OSError(28, "No space left on device", str(self))
        return real(self, data)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="No space left"):
            map_blocks(plus_one, volume, out, dtype=np.uint8, run=Run(cluster="threads"))
    with pytest.raises(ValueError, match="is unfinished"):
        Volume.open(out)
    done = map_blocks(plus_one, volume, out, dtype=np.uint8)
    np.testing.assert_array_equal(done.read(), volume.read() + 1)
    assert not list(out.rglob("*.partial"))


def test_finished_blocks_are_not_done_again(volume, new_path):
    out, seen = new_path(), []

    def kernel(block):
        if len(seen) == 5:
            raise KeyboardInterrupt
        seen.append(1)
        return block + 1

    # One name and one code for both calls: a closure over `seen` decides when to stop.
    run = Run(block=(4, 5, 8), workers=1, cluster="threads")
    with pytest.raises(KeyboardInterrupt):
        map_blocks(kernel, volume, out, dtype=np.uint8, run=run)
    seen.append(1)
    map_blocks(kernel, volume, out, dtype=np.uint8, run=run)
    assert len(seen) - 1 == 12


def test_a_lost_file_of_an_unfinished_output_is_written_again(volume, new_path):
    out, calls = new_path(), []

    def kernel(block):
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return block + 1

    run = Run(block=(4, 5, 8), workers=1, cluster="threads")
    with pytest.raises(KeyboardInterrupt):
        map_blocks(kernel, volume, out, dtype=np.uint8, run=run)
    next(iter(out.rglob("0/c/*/*/*"))).unlink()
    done = map_blocks(kernel, volume, out, dtype=np.uint8, run=run)
    np.testing.assert_array_equal(done.read(), volume.read() + 1)


def test_other_settings_do_not_resume_what_was_begun(volume, new_path):
    out = new_path()
    with pytest.raises(KeyboardInterrupt):
        map_blocks(interrupt, volume, out, dtype=np.uint8, run=Run(cluster="threads"))
    with pytest.raises(ValueError, match="was begun with other input or settings"):
        map_blocks(plus_one, volume, out, dtype=np.uint8)
    map_blocks(plus_one, volume, out, dtype=np.uint8, run=Run(overwrite=True))


def interrupt(block):
    raise KeyboardInterrupt


@pytest.mark.parametrize("what", ["file", "folder"])
def test_other_peoples_files_are_never_touched(what, volume, tmp_path):
    out = tmp_path / "precious"
    if what == "file":
        out.write_text("mine")
    else:
        out.mkdir()
        (out / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="choose another name"):
        map_blocks(plus_one, volume, out, dtype=np.uint8, run=Run(overwrite=True))
    assert (out if what == "file" else out / "notes.txt").read_text() == "mine"


def test_a_torn_record_is_ignored(tmp_path):
    with Job(tmp_path / "out", None, {"verb": "test"}) as job:
        job.output.publish(0, None, None, {"a": np.arange(1000)})
        job.output.publish(1, None, None, {"a": np.arange(2000)})
    log = next((tmp_path / "out" / JOURNAL_DIR).glob("*.log"))
    log.write_bytes(log.read_bytes()[:-7])
    with Job(tmp_path / "out", None, {"verb": "test"}) as job:
        records = job.journal.records()
        assert set(records) == {0}
        np.testing.assert_array_equal(records[0].load()["a"], np.arange(1000))


def kill_inside(folder, rng):
    """Start the writer, kill it at a random instant; whether it was still at work."""
    command = [sys.executable, str(WRITER), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        writer.stdout.readline()
        time.sleep(rng.uniform(0, 0.4))
        writer.send_signal(signal.SIGKILL)
        return writer.wait() == -signal.SIGKILL


def survive(folder, kills, volume):
    """Kill the job at `kills` instants that land inside it, then let it finish."""
    rng, landed, starts = np.random.default_rng(0), 0, 0
    reference = label_blocks(Components(plus_one), volume, folder / "reference.zarr").volume
    while landed < kills and starts < 3 * kills:
        starts += 1
        out = folder / "labels.zarr"
        if (out / JOURNAL_DIR / "manifest.json").exists():
            assert files_of(out) == files_of(reference.path)
            shutil.rmtree(out)
        landed += kill_inside(folder, rng)
    subprocess.run([sys.executable, str(WRITER), str(folder)], check=True, capture_output=True)
    assert files_of(folder / "labels.zarr") == files_of(reference.path)
    assert Volume.open(folder / "labels.zarr").digest == reference.digest
    assert not (folder / "labels.zarr.work").exists()
    return landed


@pytest.mark.parametrize("kills", [2, pytest.param(100, marks=pytest.mark.slow)])
def test_kill_9_at_random_instants(kills, tmp_path, as_volume):
    mask = (np.random.default_rng(8).random((40, 50, 64)) < 0.3).astype(np.uint8)
    volume = as_volume(mask, tmp_path / "mask.zarr", chunks=(10, 10, 16))
    assert survive(tmp_path, kills, volume) >= kills // 2


def test_the_lock_text_names_the_owner(tmp_path):
    with Job(tmp_path / "out", None, {"verb": "test"}) as job:
        owner = json.loads((tmp_path / "out" / JOURNAL_DIR / "lock").read_text())
        assert owner["pid"] == os.getpid()
        assert owner["run_id"] == job.run_id
