"""Voxels and counts of one pass equal those of the whole array, also of a job that was resumed."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poroscale.engine import Run
from poroscale.engine.filling import fill_and_count
from poroscale.engine.passes import Pass
from poroscale.manifest import Manifest
from poroscale.volume import VolumeSpec
from tests.strategies import CHUNK, blocks, shapes

RECIPE = {"sampler": "wave", "version": 1}


def wave(origin, shape):
    """Values that depend on the absolute place alone."""
    z, y, x = (np.arange(o, o + n) for o, n in zip(origin, shape, strict=True))
    return (7 * z[:, None, None] + 3 * y[None, :, None] ** 2 + x[None, None, :]) % 251


@dataclass(frozen=True)
class Counting:
    """The wave, its histogram and sum, and a count that only some boxes have."""

    calls: Path | None = None
    fails_at: tuple[int, int, int] | None = None

    def __call__(self, origin, shape):
        if origin == self.fails_at:
            raise OSError("the lights went out")
        if self.calls is not None:
            with self.calls.open("a") as file:
                file.write(f"{origin}\n")
        values = wave(origin, shape)
        counts = {"levels": np.bincount(values.ravel(), minlength=251), "sum": values.sum()[None]}
        if (values == 0).any():
            counts["zeros"] = np.array([(values == 0).sum()], np.int64)
        return values.astype(np.uint8), counts


def fill(out, shape, *, sampler=None, **how):
    spec = VolumeSpec(shape, np.dtype(np.uint8), (1.0, 1.0, 1.0), chunks=CHUNK)
    declared = Pass("wave", sampler or Counting(), temporary=16)
    return fill_and_count(declared, out, spec=spec, recipe=RECIPE, run=Run(**how))


@settings(max_examples=12)
@given(shape=shapes(), block=blocks(), workers=st.sampled_from([1, 3]))
def test_voxels_and_counts_equal_the_whole_array(shape, block, workers, new_path):
    volume, counts = fill(new_path(), shape, block=block, workers=workers)
    whole = wave((0, 0, 0), shape)
    np.testing.assert_array_equal(volume.read(), whole)
    np.testing.assert_array_equal(counts["levels"], np.bincount(whole.ravel(), minlength=251))
    assert counts["sum"] == whole.sum()
    assert counts.get("zeros", 0) == (whole == 0).sum()
    assert all(values.dtype == np.int64 for values in counts.values())


def test_bytes_do_not_depend_on_block_and_workers(new_path):
    shape = (9, 13, 20)
    made = [
        fill(new_path(), shape, block=block, workers=workers)
        for block, workers in [(CHUNK, 1), ((8, 10, 16), 2), (None, None)]
    ]
    assert len({volume.digest for volume, _ in made}) == 1
    assert len({str(Manifest.load(volume.path).result) for volume, _ in made}) == 1


def test_a_finished_job_is_left_alone_and_tells_its_counts(new_path, tmp_path):
    out, calls = new_path(), tmp_path / "calls"
    _, first = fill(out, (9, 13, 20), sampler=Counting(calls))
    done = calls.read_text()
    volume, again = fill(out, (9, 13, 20), sampler=Counting(calls))
    assert calls.read_text() == done
    assert volume.shape == (9, 13, 20)
    for name, values in first.items():
        np.testing.assert_array_equal(again[name], values)


def test_a_resumed_job_has_the_counts_of_all_its_blocks(new_path, tmp_path):
    out, calls = new_path(), tmp_path / "calls"
    shape = (12, 10, 16)
    broken = Counting(calls, fails_at=(8, 5, 8))
    with pytest.raises(OSError, match="the lights went out"):
        fill(out, shape, sampler=broken, block=CHUNK, workers=1)
    before = calls.read_text().splitlines()
    assert 0 < len(before) < 12
    volume, counts = fill(out, shape, sampler=Counting(calls), workers=2)
    assert len(calls.read_text().splitlines()) == 12
    whole = wave((0, 0, 0), shape)
    np.testing.assert_array_equal(volume.read(), whole)
    np.testing.assert_array_equal(counts["levels"], np.bincount(whole.ravel(), minlength=251))


def test_another_recipe_is_refused(new_path):
    out = new_path()
    fill(out, (5, 6, 7))
    with pytest.raises(ValueError, match="overwrite"):
        fill(out, (5, 6, 8))
