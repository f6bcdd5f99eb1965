"""Formation factors of a sandstone beside those of another code."""

import csv

import numpy as np
import pytest
import tifffile

from poroscale.transport.conduction.effective import Drive, effective_conductivity

EDGE = 128


def deviations(real, every):
    """Formation factor over that of the table, less 1, of each `every`-th crop and axis."""
    rock = tifffile.imread(real("berea_400.tif"))
    with real("berea_400_transport.csv").open() as table:
        rows = list(csv.DictReader(table))[::every]
    found = []
    for row in rows:
        z, y, x = (int(row[name]) for name in ("z0", "y0", "x0"))
        crop = rock[z : z + EDGE, y : y + EDGE, x : x + EDGE]
        ours = effective_conductivity(crop, {0: 1.0, 255: 0.0}, Drive("zyx".index(row["axis"])))
        assert ours.effective_fraction == pytest.approx(float(row["effective_porosity"]), abs=1e-6)
        found.append(1 / ours.effective / float(row["formation_factor"]) - 1)
    return np.array(found)


def test_two_crops_of_berea(real):
    assert np.abs(deviations(real, 45)).max() < 2e-4


@pytest.mark.slow
def test_all_crops_of_berea(real):
    found = deviations(real, 1)
    assert len(found) == 81
    print(f"largest deviation {np.abs(found).max():.2e}, median {np.median(np.abs(found)):.2e}")
    assert np.abs(found).max() < 1e-3
