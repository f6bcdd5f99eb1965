"""Memory of scores, of what is measured of scans, and of evaluation keeps to its plan."""

import numpy as np
import pytest

from poroscale.engine import volume_from_array
from poroscale.volume import VolumeSpec
from tests.engine.peak import probes

SHAPE = (128, 128, 256)


@pytest.fixture(scope="module")
def scores(tmp_path_factory):
    """Scores of noise, for which labels are many, with a truth and a prediction beside them."""
    folder = tmp_path_factory.mktemp("memory")
    rng = np.random.default_rng(0)
    noise = rng.random(SHAPE, np.float32)
    truth = np.where(noise > 0.97, 2, 1).astype(np.uint8)
    truth[:, :20] = 0
    grey = np.where(truth == 1, 30000, 8000) + 2000 * noise

    def store(array, name):
        spec = VolumeSpec(array.shape, array.dtype, (4.0, 4.0, 4.0))
        return volume_from_array(array, folder / name, spec=spec)

    store(truth, "truth.zarr")
    store(grey.astype(np.uint16), "grey.zarr")
    store(grey[:64, :128, :128].astype(np.uint16), "corner.zarr")  # four windows of the network
    store((128 + 100 * np.sin(np.arange(256) / 9) * noise).astype(np.uint8), "predicted.zarr")
    return store((noise * (0.5 + 0.5 * rng.random(SHAPE))).astype(np.float16), "scores.zarr")


@pytest.fixture(scope="module")
def measure():
    with probes() as measure:
        yield measure


@pytest.mark.parametrize(
    "verb",
    [
        "evaluate",
        "grey_baselines",
        "scan_traits",
        "segment_scores",
        "postprocess",
        "segment_by_network",
    ],
)
def test_measured_projected_allowed(verb, measure, scores, tmp_path):
    seen = measure(verb, scores, tmp_path / "out")
    assert seen["peak"] <= seen["projected"] <= seen["allowed"], seen
    assert seen["told"] is None or seen["peak"] <= seen["told"] <= seen["allowed"], seen
