from pathlib import Path

import pytest

from poroscale.engine import Run, volume_from_array
from poroscale.report import write_report
from poroscale.volume import VolumeSpec

from .synthetic import columns, part, scan_of, segmentation, write_table

VOXEL = (10.0, 10.0, 10.0)


@pytest.fixture(scope="session")
def volumes(tmp_path_factory):
    """A small scan and its phases as volumes on disk."""
    folder = tmp_path_factory.mktemp("volumes")
    phases = part()
    made = {}
    for name, array, attributes in (
        ("scan", scan_of(phases), {"kind": "scan"}),
        ("phases", phases, {"kind": "phases", "segmentation": segmentation()}),
    ):
        spec = VolumeSpec(array.shape, array.dtype, VOXEL, attributes=attributes)
        run = Run(progress=False)
        made[name] = volume_from_array(array, folder / f"{name}.zarr", spec=spec, run=run)
    return made


@pytest.fixture(scope="session")
def report(volumes, tmp_path_factory) -> Path:
    """The folder of a report with 300 pores; its title is "coupon"."""
    folder = tmp_path_factory.mktemp("report") / "coupon"
    table = write_table(folder / "pores.parquet", columns(300))
    write_report(folder, scan=volumes["scan"], phases=volumes["phases"], table=table)
    return folder
