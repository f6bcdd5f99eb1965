"""Masks and label images are measured as they are: never by thresholds."""

import json

import numpy as np
import pandas as pd
import pytest

from poroscale.volume import Volume


def voids(shape=(20, 28, 34), seed=3):
    """True in some balls."""
    rng, grid = np.random.default_rng(seed), np.indices(shape)
    pore = np.zeros(shape, bool)
    for _ in range(12):
        centre = rng.uniform(5, np.array(shape) - 5)
        pore |= sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True)) < 12
    return pore


@pytest.fixture
def given(tmp_path):
    def write(array):
        np.save(tmp_path / "given.npy", array)
        return tmp_path / "given.npy", tmp_path / "out"

    return write


def facts_of(out):
    return json.loads((out / "report.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("pore", "solid", "dtype"), [(0, 128, "uint8"), (1, 0, "bool"), (0, 1, "bool")]
)
def test_a_mask_is_measured_by_the_named_value(poroscale, given, pore, solid, dtype):
    mask = voids()
    src, out = given(np.where(mask, pore, solid).astype(dtype))
    code, shown, error = poroscale("analyse", src, out, "--voxel-size", 4, "--pore", pore)
    assert code == 0, error
    numbers = facts_of(out)["numbers"]
    assert numbers["porosity"] == pytest.approx(mask.mean())
    assert "porosity_low" not in numbers
    assert pd.read_parquet(out / "pores.parquet")["voxel_count"].sum() == mask.sum()
    assert not (out / "phases.zarr").exists()
    assert set(np.unique(Volume.open(out / "scan.zarr").read())) == {pore, solid}
    assert f"Value {pore} was taken as pore" in shown
    page = (out / "report.html").read_text("utf-8")
    assert "grey-histogram" not in page
    assert "range over thresholds" not in page
    assert poroscale("verify", out)[0] == 0
    assert poroscale("analyse", src, out, "--voxel-size", 4, "--pore", pore)[0] == 0


def test_phases_are_taken_for_phases_and_that_is_said(poroscale, given):
    mask = voids()
    phases = 1 + mask.astype(np.uint8)
    phases[:, :3] = 0
    src, out = given(phases)
    code, shown, error = poroscale("analyse", src, out, "--voxel-size", 4)
    assert code == 0, error
    assert facts_of(out)["numbers"]["porosity"] == pytest.approx(
        (phases == 2).sum() / (phases > 0).sum()
    )
    assert "Value 2 was taken as pore" in shown
    assert "value 0 as outside" in shown
    page = (out / "report.html").read_text("utf-8")
    assert "label image" in page
    assert "Value 2 was taken as pore" in page


def test_a_mask_needs_its_pores_named(refused, given):
    src, out = given(voids().astype(np.uint8) * 255)
    error = refused("analyse", src, out, "--voxel-size", 4)
    assert "--pore must name the value of the pores" in error
    assert " %), 255 (" in error
    assert not (out / "report.html").exists()


def test_nothing_is_segmented_and_settings_of_it_are_refused(refused, poroscale, given, tmp_path):
    src, out = given(voids())
    error = refused("analyse", src, out, "--voxel-size", 4, "--pore", 1, "--min-voxels", 50)
    assert "segment: min_voxels must be left out" in error
    scan = tmp_path / "scan.zarr"
    assert poroscale("ingest", src, scan, "--voxel-size", 4)[0] == 0
    error = refused("segment", scan, tmp_path / "phases.zarr", out=tmp_path / "phases.zarr")
    assert "the verb pores measures it" in error
