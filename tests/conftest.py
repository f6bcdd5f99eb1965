"""Fixtures that the tests share."""

import gc
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from matplotlib.layout_engine import ConstrainedLayoutEngine

from poroscale.engine import volume_from_array
from poroscale.engine.plan import release_memory
from poroscale.engine.workers import progress
from poroscale.volume import VolumeSpec
from tests.strategies import CHUNK

settings.register_profile(
    "poroscale",
    deadline=None,
    max_examples=25,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("poroscale")

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


LONGEST = (
    "pipelines/test_parts.py",
    "engine/test_memory.py",
    "test_examples.py",
    "segment/training/test_train.py",
    "segment/thresholds/test_otsu.py",
    "segment/network/test_by_network.py",
    "bench/test_bench.py",
    "report/pages/test_page.py",
    "compare/test_comparison.py",
    "cli/test_cli.py",
    "surface/test_roughness.py",
)
"""Files that take longest. They begin first, so that none is left alone at the end."""


def pytest_collection_modifyitems(items):
    """Longest files first, all others in their order."""
    root = Path(__file__).parent
    rank = {root / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


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


@pytest.fixture(autouse=True, scope="session")
def nothing_waits_for_the_disk():
    """What fsync promises, that a block outlives a failure of power, no test can see."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _handle: None)
        yield


@pytest.fixture(autouse=True, scope="module")
def figures_are_not_laid_out(request):
    """Laying figures out takes most of the time of a page; the tests of pages alone look."""
    if request.module.__name__.startswith("tests.report."):
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ConstrainedLayoutEngine, "execute", lambda _engine, _figure: None)
        yield


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
