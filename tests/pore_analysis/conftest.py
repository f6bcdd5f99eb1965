"""Volumes of the tests, and the real ones where they are at hand."""

from pathlib import Path

import numpy as np
import pytest

from poroscale.engine import Run, volume_from_array
from poroscale.volume import VolumeSpec

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = REPOSITORY.parent / "shared" / "data"
QUIET = Run(progress=False, workers=2)


@pytest.fixture
def make_volume(tmp_path):
    """A volume on disk from an array; `chunk` voxels an axis to a chunk."""

    def make(array, name="phases.zarr", *, chunk=16, voxel_size=(1.0, 1.0, 1.0), **spec):
        array = np.ascontiguousarray(array)
        full = VolumeSpec(array.shape, array.dtype, voxel_size, chunks=(chunk,) * 3, **spec)
        return volume_from_array(array, tmp_path / name, spec=full, run=QUIET)

    return make


@pytest.fixture
def real_volume():
    """A volume of the folder of real data, which stands beside the repository on some machines."""

    def read(name):
        import tifffile

        path = DATA / name
        if not path.is_file():
            pytest.skip(f"{path} is not here")
        return tifffile.imread(path)

    return read
