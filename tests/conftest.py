"""Fixtures that the tests share."""

import gc
import os
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from poroscale.engine import forget_models, plan, stage, volume_from_array
from poroscale.engine.plan import release_memory
from poroscale.engine.workers import progress
from poroscale.report import style
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
    "segmentation/training/test_train.py",
    "segmentation/test_local.py",
    "surfaces/test_measure.py",
    "engine/test_memory.py",
    "segmentation/network/test_by_network.py",
    "segmentation/network/test_scan_traits.py",
    "studies/test_study.py",
    "segmentation/test_memory.py",
    "report/pages/test_compare_page.py",
    "parts/test_model.py",
    "compare/test_comparison.py",
    "segmentation/training/test_patches.py",
    "engine/test_labels.py",
    "cli/test_cli.py",
    "test_examples.py",
    "segmentation/thresholds/test_otsu.py",
    "report/test_kind.py",
    "surfaces/test_roughness.py",
    "networks/test_segmenters.py",
    "report/pages/test_page.py",
    "parts/test_generate.py",
    "parts/test_mesh_part.py",
    "engine/stitching/test_windows.py",
    "parts/test_memory.py",
    "cli/test_losses.py",
)
"""Files that take longest. They begin first, so that none is left alone at the end."""


def pytest_collection_modifyitems(items):
    """Longest files first, all others in their order."""
    root = Path(__file__).parent
    rank = {root / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


@pytest.fixture(autouse=True, scope="session")
def no_line_a_minute():
    """On a busy machine a line of progress would fall between what a test expects.

    The thread that writes it takes a third of the time of a pass over a small volume.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(progress, "EVERY", 1e6)
        patch.setattr(stage, "progress", _silent_unless_asked)
        yield


def _silent_unless_asked(title, *, total, done, show):
    return progress.progress(title, total=total, done=done, show=show or False)


@pytest.fixture(autouse=True, scope="session")
def process_of_known_size():
    """What earlier tests left in this process would count against the budgets.

    Which tests share a process differs from run to run. Peaks are measured in processes of their
    own, whose plans see their true size.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in ("resident_set_size", "proportional_set_size"):
            patch.setattr(plan, name, lambda: 230 * plan.MIB)
        yield


@pytest.fixture(autouse=True, scope="module")
def memory_handed_back():
    """What a module leaves behind would count against the budgets of those that follow.

    What is left is frozen: it will stay, and looking at it again would take a second a module.
    """
    yield
    forget_models()
    gc.collect()
    gc.freeze()
    release_memory()


@pytest.fixture(autouse=True, scope="session")
def nothing_waits_for_the_disk():
    """What fsync promises, that a block outlives a failure of power, no test can see."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _handle: None)
        yield


PRINTED = style._written


@contextmanager
def printing(printed=PRINTED):
    """Figures become what `printed` returns, by default what is printed outside tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style, "_written", printed)
        yield


@pytest.fixture(autouse=True, scope="session")
def figures_are_not_printed():
    """Figures are drawn; laying them out and printing them takes most of the time of a page."""
    with printing(lambda _figure: '<svg viewBox="0 0 1 1"></svg>'):
        yield


@pytest.fixture
def printed_figures():
    """Pages that this test writes have whole figures."""
    with printing():
        yield


@pytest.fixture(scope="session")
def scheduler():
    """Address of a scheduler with two worker processes: starting them takes seconds."""
    from distributed import LocalCluster

    local = {"threads_per_worker": 1, "memory_limit": 0, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(n_workers=2, silence_logs=40, **local) as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def new_path(tmp_path_factory):
    """Fresh paths, also for each example of a property test."""
    return lambda name="volume.zarr": tmp_path_factory.mktemp("test") / name


@pytest.fixture
def as_volume(new_path):
    """Write an array as a volume in small chunks."""

    def write(array, path=None, voxel_size=(1.0, 1.0, 1.0), chunks=CHUNK, attributes=None):
        spec = VolumeSpec(
            array.shape, array.dtype, voxel_size, chunks=chunks, attributes=attributes or {}
        )
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
