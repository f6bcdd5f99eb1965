from pathlib import Path

import pytest

from poroscale.benchmarks.data import coupon, sparse_pores

EDGE = 64


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("inputs")


@pytest.fixture(scope="session")
def mask(inputs: Path) -> str:
    return str(sparse_pores(inputs, EDGE))


@pytest.fixture(scope="session")
def scan(inputs: Path) -> Path:
    return coupon(inputs, EDGE)
