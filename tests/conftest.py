"""Fixtures that the tests share."""

import gc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from poroscale.engine import progress, volume_from_array
from poroscale.engine.plan import release_memory
from poroscale.volume import VolumeSpec

from .strategies import CHUNK

settings.register_profile(
    "poroscale",
    deadline=None,
    max_examples=25,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("poroscale")

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True, scope="session")
def no_line_a_minute():
    """On a busy machine a line of progress would fall between what a test expects."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(progress, "EVERY", 1e6)
        yield


@pytest.fixture(autouse=True, scope="module")
def memory_handed_back():
    """What a module leaves behind would count against the budgets of those that follow."""
    yield
    gc.collect()
    release_memory()


@pytest.fixture
def new_path(tmp_path_factory):
    """Fresh paths, also for each example of a property test."""
    return lambda name="volume.zarr": tmp_path_factory.mktemp("test") / name


@pytest.fixture
def as_volume(new_path):
    """Write an array as a volume in small chunks."""

    def write(array, path=None, voxel_size=(1.0, 1.0, 1.0), chunks=CHUNK):
        spec = VolumeSpec(array.shape, array.dtype, voxel_size, chunks=chunks)
        return volume_from_array(array, path or new_path(), spec=spec)

    return write


@pytest.fixture
def real():
    """Path of a real file by its name; the test is skipped where it is absent."""

    def path(name):
        if not (DATA / name).exists():
            pytest.skip(f"{name} is not beside the repository")
        return DATA / name

    return path
