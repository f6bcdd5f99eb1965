"""A levelled field and its peers have the fraction that was asked for."""

import pytest

from poroscale.benchmarks.sampling import (
    FRACTION,
    filtering_whole,
    fitted_section,
    generating,
)


@pytest.fixture(scope="module")
def section(tmp_path_factory):
    return str(fitted_section(tmp_path_factory.mktemp("bench"), lambda _line: None))


@pytest.mark.parametrize("work", [generating, filtering_whole])
def test_fractions_are_those_of_the_section(benchmark, section, tmp_path, work):
    result = benchmark.pedantic(work(tmp_path, model=section, edge=72), rounds=1)
    assert result["share"] == pytest.approx(FRACTION, abs=0.06)
