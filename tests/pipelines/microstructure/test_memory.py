"""What fitting and generating take stays within their plans."""

import subprocess
import sys

import pytest
from PIL import Image

import poroscale as ps
from poroscale.engine import volume_from_array
from tests.pipelines.microstructure.test_compare import medium
from tests.pipelines.microstructure.test_fit_and_generate import picture

SCRIPT = """
import resource, sys
import poroscale as ps
verb, *given = sys.argv[1:]
settings = {"workers": 2, "memory": "2GiB"}
work = ps.fit_microstructure
if verb == "generate":
    work, settings = ps.generate_microstructure, settings | {"shape": (256, 256, 512)}
elif verb == "compare":
    given = [ps.open(given[0]), [ps.open(given[1])], given[2]]
    work = ps.compare_microstructure
    settings |= {"which": ("s2", "diffusivity", "permeability"), "pore": (0,), "edge": 24}
    settings |= {"samples": 2}
else:
    given[0] = [given[0]]
told = ps.plan(work, *given, **settings).peak
work(*given, **settings)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, told)
"""


def peak_and_plan(*words):
    command = [sys.executable, "-c", SCRIPT, *map(str, words)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return map(int, done.stdout.split())


@pytest.mark.slow
def test_peak_memory_of_a_comparison_with_transport(tmp_path):
    for seed in (1, 2):
        volume_from_array(medium(seed, shape=(48, 48, 48)), tmp_path / f"{seed}.zarr")
    peak, told = peak_and_plan(
        "compare", tmp_path / "1.zarr", tmp_path / "2.zarr", tmp_path / "out"
    )
    assert peak <= told <= 2 << 30


@pytest.mark.slow
def test_peak_memory(tmp_path):
    Image.fromarray(picture((-0.5, 0.6), edge=256, sigma=3)).save(tmp_path / "a.png")
    peak, told = peak_and_plan("fit", tmp_path / "a.png", tmp_path / "model")
    assert peak <= told <= 2 << 30
    reaches = ps.fit_microstructure([tmp_path / "a.png"], tmp_path / "model").settings.details
    assert max(reaches["reaches"]) >= 16
    peak, told = peak_and_plan("generate", tmp_path / "model", tmp_path / "v.zarr")
    assert peak <= told <= 2 << 30
