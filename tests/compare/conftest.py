import pytest

from poroscale.compare import CompareConfig, compare_samples
from tests.compare.parts import make_part

CONFIG = CompareConfig(windows=8, splits=6, bootstrap=20)


@pytest.fixture(scope="session")
def parts(tmp_path_factory):
    """Three measured parts: two of one law, and one of smaller pores."""
    folder = tmp_path_factory.mktemp("parts")
    return [
        make_part(folder, seed=1),
        make_part(folder, seed=2),
        make_part(folder, seed=3, pore_diameter=14.0, porosity=0.015, surface=False),
    ]


@pytest.fixture(scope="session")
def comparison(parts):
    return compare_samples(parts[:1], parts[1:2], config=CONFIG)
