"""Memory is a promise: measured <= projected <= allowed, for every verb."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from poroscale.engine import Run, volume_from_array
from poroscale.engine.plan import MIB, Need, baseline_bytes, make_plan
from poroscale.engine.run import parse_memory
from poroscale.phantom import PhantomConfig, phantom
from poroscale.pores import measure_pores
from poroscale.segment import segment_otsu

PROBE = Path(__file__).with_name("peak.py")
VERBS = ["fill", "smooth", "histogram", "label", "stitch", "stitch_weighted", "tile"]
PLANNED = [*VERBS, "ingest", "segment", "segment_local", "pores", "grey_volumes", "phantom"]
TIGHT = 1.55
"""Most that a plan may exceed what is measured."""
WORST = {"pores", "grey_volumes", "stitch", "stitch_weighted", "tile"}
"""Planned for noise, where every other voxel is a pore, and for sums that do not compress."""
BOUNDED = ["report", "export"]
"""Verbs without blocks of their own: they hold to the budget, and have nothing to project."""


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """A coupon of 256³ with its phases, its table, shares of pore and its TIFF."""
    folder = tmp_path_factory.mktemp("memory")
    config = PhantomConfig(shape=(256, 256, 256), voxel_size=4.0, porosity=0.01)
    made = phantom(folder / "scan.zarr", config=config).scan
    phases = segment_otsu(made, folder / "phases.zarr")
    measure_pores(phases, folder / "pores")
    shares = np.random.default_rng(0).integers(-20, 20, phases.shape, dtype=np.int8)
    volume_from_array(shares, folder / "shares.zarr", spec=phases.spec.but(dtype=np.dtype(np.int8)))
    tifffile.imwrite(folder / "scan.tif", made.read(), photometric="minisblack")
    return made


def measure(verb, scan, out):
    command = [sys.executable, str(PROBE), verb, str(scan.path), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("verb", PLANNED)
def test_measured_projected_allowed(verb, scan, tmp_path):
    seen = measure(verb, scan, tmp_path / "out")
    assert seen["peak"] <= seen["projected"] <= seen["allowed"], seen
    assert seen["projected"] <= (2.0 if verb in WORST else TIGHT) * seen["peak"], seen


@pytest.mark.parametrize("verb", BOUNDED)
def test_measured_allowed(verb, scan, tmp_path):
    seen = measure(verb, scan, tmp_path / "out")
    assert seen["peak"] <= seen["allowed"], seen


NEED = Need(read=2, write=1, halo=(4, 4, 4), temporary=16)


def plan(memory, shape=(1024, 1024, 1024), **how):
    run = Run(memory=memory, **how)
    return make_plan(shape, (128, 128, 128), NEED, run=run, workers=2)


def test_the_block_shrinks_until_it_fits():
    wide, narrow = plan("8GiB"), plan(baseline_bytes() + 400 * MIB)
    assert wide.grid.block == (256, 256, 256)
    assert narrow.grid.block != wide.grid.block
    assert narrow.projected <= narrow.allowed


def test_too_small_a_budget_is_refused_with_the_numbers():
    with pytest.raises(MemoryError, match=r"memory must be at least [\d,]+ MiB for blocks"):
        plan("100MiB")


def test_a_block_must_be_whole_chunks():
    with pytest.raises(ValueError, match="must be a multiple of the chunk"):
        plan("2GiB", block=(100, 128, 128))


def test_every_worker_gets_a_share_of_a_small_volume():
    assert len(plan("8GiB", shape=(256, 256, 256)).grid) >= 4


@pytest.mark.parametrize(
    ("text", "size"),
    [("2GiB", 2 << 30), ("1.5 GB", 1500000000), ("700m", 700000000), (4096, 4096), ("8k", 8000)],
)
def test_sizes(text, size):
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["", "GiB", "-1GiB", "0", "2 GiBs", "two", "3i"])
def test_no_sizes(text):
    with pytest.raises(ValueError, match="memory must be a size"):
        parse_memory(text)
