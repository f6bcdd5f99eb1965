from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest

from poroscale.engine import Run
from poroscale.phantoms import PhantomConfig, phantom, truth_paths
from poroscale.phantoms.image import ImageScan
from poroscale.phantoms.part import PartPhases
from poroscale.volume import Volume

CONFIG = PhantomConfig(shape=(130, 70, 150), porosity=0.02, seed=9)


def test_scan_truth_and_table_are_written(tmp_path):
    made = phantom(tmp_path / "a.zarr", config=CONFIG)
    assert truth_paths(tmp_path / "a.zarr") == (made.truth.path, made.table)
    assert (made.scan.read() == ImageScan(CONFIG)((0, 0, 0), CONFIG.shape)).all()
    assert (made.truth.read() == PartPhases(CONFIG)((0, 0, 0), CONFIG.shape)).all()
    assert made.scan.dtype == np.uint16
    assert made.scan.voxel_size == (5.0, 5.0, 5.0)
    assert made.scan.attributes["kind"] == "scan"
    kept = Volume.open(tmp_path / "a.truth.zarr").attributes["source"]["phantom"]
    assert PhantomConfig.model_validate(kept) == CONFIG
    table = pd.read_parquet(made.table)
    assert table["voxel_count"].sum() == (made.truth.read() == 2).sum()


def tree(folder):
    return {
        path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "journal" not in str(path.relative_to(folder))
    }


def test_blocks_and_workers_change_no_byte(tmp_path):
    for name, run in {"a": Run(workers=1), "b": Run(workers=2, block=(128, 128, 128))}.items():
        (tmp_path / name).mkdir()
        phantom(tmp_path / name / "s.zarr", config=CONFIG, run=run)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_another_configuration_does_not_overwrite(tmp_path):
    made = phantom(tmp_path / "a.zarr", config=CONFIG)
    before = made.table.read_bytes()
    with pytest.raises(ValueError, match=r"a\.truth\.zarr"):
        phantom(tmp_path / "a.zarr", config=CONFIG.model_copy(update={"seed": 1}))
    assert made.table.read_bytes() == before


def test_a_true_scan_runs_through_the_same_verb(tmp_path):
    config = PhantomConfig(shape=(16, 40, 40), projections=30, porosity=0.01)
    made = phantom(tmp_path / "t.zarr", config=config)
    grey, phases = made.scan.read(), made.truth.read()
    assert grey[phases == 1].mean() > 2 * grey[phases == 0].mean()
