"""Arrays of a record come back as they were, or an error says why not."""

import os

import numpy as np
import pytest

from poroscale.engine.jobs.journal import Journal
from poroscale.manifest import JOURNAL_DIR

ARRAYS = {
    "noise": np.random.default_rng(0).random((40, 30)).astype(np.float32),
    "even": np.zeros((50, 60), np.int32),
    "few": np.array([3, 1], np.int64),
    "one": np.array(7),
    "none": np.empty((0, 4), np.uint8),
}


@pytest.fixture
def journal(tmp_path):
    (tmp_path / JOURNAL_DIR).mkdir()
    return Journal(tmp_path, "run", "job")


def test_arrays_come_back(journal):
    journal.append(5, {}, (), ARRAYS)
    found = Journal(journal.output, "other", "job").records()[5]
    for name, array in found.load().items():
        assert (array.dtype, array.shape) == (ARRAYS[name].dtype, ARRAYS[name].shape)
        assert np.array_equal(array, ARRAYS[name])
        assert array.flags.writeable
    assert list(found.load("few", "one")) == ["few", "one"]


def test_a_log_that_is_cut_off_is_told(journal):
    record = journal.append(0, {}, (), {"noise": ARRAYS["noise"]})
    os.truncate(record.log, record.log.stat().st_size - 100)
    with pytest.raises(OSError, match="was cut off while the job ran"):
        record.load()


def test_a_folder_that_goes_while_it_is_listed_has_no_records(journal, monkeypatch):
    """Some Pythons raise what the listing meets, others list nothing."""
    journal.append(0, {}, (), {})

    def gone(folder):
        raise FileNotFoundError(folder)

    monkeypatch.setattr(os, "scandir", gone)
    assert Journal(journal.output, "run", "other").find(0) is None
