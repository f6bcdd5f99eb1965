from pathlib import Path

import pytest

from poroscale.engine import Run, volume_from_array
from poroscale.report import write_report
from poroscale.volume import VolumeSpec
from tests.conftest import printing
from tests.report.synthetic import columns, part, scan_of, segmentation, write_table

VOXEL = (10.0, 10.0, 10.0)


@pytest.fixture
def store(tmp_path):
    """Write an array as a volume."""

    def write(array, name="volume", **attributes):
        return stored(tmp_path, array, name, attributes)

    return write


def stored(folder, array, name, attributes):
    spec = VolumeSpec(array.shape, array.dtype, VOXEL, attributes=attributes)
    return volume_from_array(array, folder / f"{name}.zarr", spec=spec, run=Run(progress=False))


@pytest.fixture(scope="session")
def volumes(tmp_path_factory):
    """A small scan and its phases as volumes on disk."""
    folder, phases = tmp_path_factory.mktemp("volumes"), part()
    about = {"kind": "phases", "segmentation": segmentation()}
    return {
        "scan": stored(folder, scan_of(phases), "scan", {"kind": "scan"}),
        "phases": stored(folder, phases, "phases", about),
    }


@pytest.fixture(scope="session")
def report(volumes, tmp_path_factory) -> Path:
    """The folder of a report with 300 pores and whole figures."""
    folder = tmp_path_factory.mktemp("report") / "coupon"
    table = write_table(folder / "pores.parquet", columns(300))
    with printing():
        write_report(folder, scan=volumes["scan"], phases=volumes["phases"], table=table)
    return folder
