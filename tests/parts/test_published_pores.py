"""The pore table that the authors published: 2000 pores of their generator.

It holds measures alone: volume [voxel] and anisotropy as here; its orientation is that of an axis
which their code does not choose by length, so it is left out.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from scipy.stats import wasserstein_distance

from poroscale.kernels.parts.voxel_shapes import Shapes
from poroscale.parts.bank import LOOKED_UP, Bank, nearest_shapes
from poroscale.parts.placing.candidates import CandidateSampler
from poroscale.parts.placing.placement import Planner, place_pores
from tests.conftest import DATA
from tests.parts.makers import UM, model_of, part_of, scan_of

FILE = DATA / "lpbf_generated_pores_2000.csv"
pytestmark = pytest.mark.skipif(not FILE.exists(), reason="the authors' data are not here")


def published():
    volume, _, anisotropy, _, _ = np.loadtxt(FILE).T
    return {"volume_um3": volume * UM**3, "anisotropy": anisotropy}


def candidates(volumes, rng):
    """A bank that is denser than the table: ellipsoids of its volumes, of many forms and poses."""
    counts = np.rint(rng.choice(volumes / UM**3, 8_000)).astype(int)
    return Bank.of(Shapes.of(deepest(count, rng) for count in counts), (UM, UM, UM))


def deepest(count, rng):
    """The `count` voxels that lie deepest in an ellipsoid anywhere between voxels."""
    half = rng.lognormal(0, 0.5, 3)
    half *= np.cbrt(count / (4 / 3 * np.pi * half.prod()))
    reach = int(np.ceil(half.max())) + 1
    grid = np.mgrid[(slice(-reach, reach + 1),) * 3].reshape(3, -1).T - rng.uniform(-0.5, 0.5, 3)
    level = (((grid @ Rotation.random(rng=rng).as_matrix()) / half) ** 2).sum(axis=1)
    mask = np.zeros(len(grid), bool)
    mask[np.argpartition(level, count - 1)[:count]] = True
    return mask.reshape((2 * reach + 1,) * 3)


@pytest.mark.slow
def test_new_parts_have_the_published_pores():
    """Measures of placed pores against the table, beside two halves of the table."""
    rng, table = np.random.default_rng(0), published()
    bank = candidates(table["volume_um3"], rng)
    size = len(table["anisotropy"])
    turned = {name: rng.choice(bank.table[name], size) for name in LOOKED_UP[2:]}
    targets = table | turned
    scan = scan_of(size, length=8000.0)
    shapes = bank.shapes.take(nearest_shapes(bank, targets))
    own = Bank.of(shapes, bank.voxel_size)
    columns = scan.columns | own.table | {"extent_z_um": own.table["extent_z"] * UM}
    model = model_of([replace(scan, columns=columns, bank=own)])
    sampler = CandidateSampler(model, part_of(3200), 1)
    placed = place_pores(Planner(sampler, own.shapes, model.spacing), 3200)
    for name, values in table.items():
        found = model.bank.table[name][placed.shape]
        assert len(found) > 0.9 * len(values) * 3200 * UM / 8000
        assert distance(values, found, rng) < 1.5 * distance(values, None, rng), name


def distance(values, found, rng):
    """Mean Wasserstein distance of half of the values to as many found ones, or to the rest."""
    half = len(values) // 2
    totals = []
    for _ in range(40):
        order = rng.permutation(values)
        other = order[half:] if found is None else rng.choice(found, half, replace=False)
        totals.append(wasserstein_distance(order[:half], other))
    return np.mean(totals)
