"""Real images where they are there: segmented spheroidite of four heat treatments.

They state no licence, so that they are measured and not copied.
"""

import csv
import re

import numpy as np
import pytest

import poroscale as ps
from poroscale.compare.micrographs.comparison import compare_micrographs
from poroscale.compare.micrographs.config import CompareSemConfig
from poroscale.compare.micrographs.particles import bright_particles
from poroscale.micrographs.conditions import fitted_conditions
from tests.conftest import DATA

FOLDER = DATA / "uhcs_masks"
MINUTES = {"M": 1, "H": 60}
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the images are not in the repository")


@pytest.fixture(scope="module")
def spheroidite(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uhcs")
    with (folder / "table.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "temperature", "minutes"])
        for path in sorted(FOLDER.glob("*.png")):
            heat, number, unit = re.match(r"(\d+C)-(\d+)([MH])", path.name).groups()
            writer.writerow([path.name, heat, int(number) * MINUTES[unit]])
    return ps.gather_sem(folder / "table.csv", folder / "set", images=str(FOLDER))


def test_masks_are_a_set_that_is_compared_with_itself(spheroidite):
    found = spheroidite
    assert found.count == 20
    assert found.settings.levels == found.settings.window == (0, 1)
    assert found.settings.duplicates == ()
    conditions, whole = fitted_conditions({"minutes": "logarithmic"}, found.conditions)
    assert conditions[0].span == (5, 85 * 60)
    assert whole.all()
    masks = found.images.read()
    areas = bright_particles(masks).areas
    np.testing.assert_allclose(areas, masks.mean(axis=(1, 2)), atol=0.03)
    config = CompareSemConfig(
        conditions="temperature=category,minutes=logarithmic", chips=40, splits=3, resamples=10
    )
    same = compare_micrographs(found, found, config=config)
    assert len(same.numbers["settings"]) == 4
    ratios = [row["ratio"] for each in same.numbers["settings"] for row in each["distances"]]
    assert np.median(ratios) < 1.2
