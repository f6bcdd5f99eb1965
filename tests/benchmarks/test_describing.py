"""Statistics of a rock and their peers agree on its fraction, whatever the time."""

import pytest

from poroscale.benchmarks.data import rock
from poroscale.benchmarks.describing import correlating, counting, reading, transforming
from poroscale.volume import Volume


@pytest.fixture(scope="module")
def stone(tmp_path_factory):
    return str(rock(tmp_path_factory.mktemp("rock"), 48))


@pytest.mark.parametrize("work", [reading, counting, correlating, transforming])
def test_fraction(benchmark, stone, tmp_path, work):
    result = benchmark(work(tmp_path, mask=stone))
    assert result["fraction"] == pytest.approx((Volume.open(stone).read() == 1).mean(), abs=1e-6)
