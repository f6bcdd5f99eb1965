"""Scans that somebody else's script makes: parts, crops and foams of known porosity."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from poroscale.segmentation.local.segment import segment_local

SCRIPT = Path(__file__).resolve().parents[3] / "shared" / "cases" / "make_scans.py"
NAMES = ("plain", "small_pores", "tube", "lattice", "foam_75", "rock_70")
SEED = 7

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not SCRIPT.exists(), reason="the cases are not beside the repository"),
]


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """Folder of the scans and of what is known of them."""
    folder = tmp_path_factory.mktemp("cases")
    command = [sys.executable, str(SCRIPT), str(folder), str(SEED), *NAMES]
    subprocess.run(command, check=True, timeout=900, capture_output=True)
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_porosity_of_a_case(name, cases, as_volume, new_path):
    truth = json.loads((cases / "truth.json").read_text())[name]
    volume = as_volume(np.load(cases / f"{name}.npy"), chunks=(128, 128, 128))
    record = segment_local(volume, new_path()).attributes["segmentation"]
    assert record["porosity"] == pytest.approx(truth["porosity"], rel=0.03)
    assert record["porosity_low"] <= truth["porosity"] <= record["porosity_high"]
    assert record["outside"]["share"] == pytest.approx(truth["outside_share"], abs=0.02)
    assert record["part_voxels"] == pytest.approx(truth["part_voxels"], rel=0.02)
