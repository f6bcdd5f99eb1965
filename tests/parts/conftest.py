"""A model that several tests draw from."""

import pytest

from tests.parts.makers import model_of, scan_of


@pytest.fixture(scope="session")
def scan():
    return scan_of(600, seed=1)


@pytest.fixture(scope="session")
def model(scan):
    return model_of([scan])
