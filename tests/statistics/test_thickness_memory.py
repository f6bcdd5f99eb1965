"""What local thickness takes stays inside the budget, also where balls are many."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import ndimage

SCRIPT = """
import resource, sys
from pathlib import Path
from poroscale.engine import Run
from poroscale.statistics.phases import PhaseMap
from poroscale.statistics.thickness import plan_thickness, thickness, thickness_volume
from poroscale.volume import Volume
run = Run(memory="1200MiB", workers=2, progress=False)
phases, map = Volume.open(Path(sys.argv[1])), PhaseMap((0, 1))
told = [plan_thickness(phases, image=image, run=run).peak for image in (False, True)]
thickness(phases, map, 1, run=run)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, told[0])
thickness_volume(phases, map, 1, sys.argv[2], run=run)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, told[1])
"""


@pytest.mark.slow
@pytest.mark.parametrize("width", [0, 2, 8])
def test_peak_memory_of_noise(as_volume, tmp_path, width):
    """White noise, pores of a few voxels, and balls that reach far beyond their blocks."""
    grey = np.random.default_rng(0).standard_normal((256, 256, 256)).astype(np.float32)
    smooth = ndimage.gaussian_filter(grey, width, mode="wrap") if width else grey
    phases = (smooth > -0.5 * smooth.std()).astype(np.uint8)
    volume = as_volume(phases, chunks=(128, 128, 128))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(volume.path), str(tmp_path / "out.zarr")],
        check=True,
        capture_output=True,
        text=True,
    )
    for line in done.stdout.splitlines():
        peak, told = map(int, line.split())
        assert peak <= told <= 1200 << 20


def test_a_large_volume_fits_two_gibibytes(new_path):
    """The plan knows the shape alone; nothing of the volume is written or read."""
    from poroscale.engine import Run
    from poroscale.statistics.thickness import plan_thickness
    from poroscale.volume import Volume, VolumeSpec

    spec = VolumeSpec((1024, 1024, 1024), np.dtype(np.uint8), (1.0, 1.0, 1.0))
    plan = plan_thickness(Volume(new_path(), spec, ""), run=Run(memory="2GiB", workers=2))
    assert plan.peak <= 2 << 30
