"""Statistics of a rock and their peers agree on what they find, whatever the time."""

import numpy as np
import pytest

from poroscale.benchmarks.data import rock
from poroscale.benchmarks.describing.betti import curves, curves_by_gudhi
from poroscale.benchmarks.describing.clusters import (
    connecting,
    connecting_by_cc3d,
    pairing,
    pairing_by_numpy,
)
from poroscale.benchmarks.describing.counting import correlating, counting, reading, transforming
from poroscale.benchmarks.describing.thickness import distance_transform, widths
from poroscale.volume import Volume


@pytest.fixture(scope="module")
def stone(tmp_path_factory):
    return str(rock(tmp_path_factory.mktemp("rock"), 48))


@pytest.mark.parametrize(
    "work", [reading, counting, correlating, transforming, widths, distance_transform]
)
def test_fraction(benchmark, stone, tmp_path, work):
    result = benchmark(work(tmp_path, mask=stone))
    assert result["fraction"] == pytest.approx((Volume.open(stone).read() == 1).mean(), abs=1e-6)


@pytest.mark.parametrize(
    ("ours", "theirs", "module"),
    [(connecting, connecting_by_cc3d, "cc3d"), (pairing, pairing_by_numpy, "cc3d")],
)
def test_clusters_are_those_of_the_whole_array(stone, tmp_path, ours, theirs, module):
    pytest.importorskip(module)
    found, peer = (work(tmp_path, mask=stone)() for work in (ours, theirs))
    assert set(found) == set(peer)
    assert found["clusters"] > 1 if "clusters" in found else found["c2_z"][1] > 0
    for name, values in found.items():
        np.testing.assert_allclose(values, peer[name], rtol=0, atol=1e-12)


def test_betti_curves_are_those_of_gudhi(stone, tmp_path):
    pytest.importorskip("gudhi")
    found, peer = (work(tmp_path, mask=stone)() for work in (curves, curves_by_gudhi))
    assert found == peer
    assert max(found["betti_1"]) > 0
