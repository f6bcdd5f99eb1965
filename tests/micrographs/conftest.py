"""A small set of phantom micrographs, and a model of a few steps on it."""

import pytest

from poroscale.micrographs.gan.config import SemChipConfig, SemGanConfig
from poroscale.micrographs.gan.fit import train_micrograph_gan
from poroscale.phantoms.micrographs import PhantomSeries, write_phantom_series
from poroscale.pipelines.micrographs.gather import GatherSemConfig, gather_sem

KINDS = {"temper": "category", "feed_rate": "continuous"}
CHIPS = SemChipConfig(edge=32, stride=16, validation=0.3)
TINY = SemGanConfig(
    latents="lattice",
    noise=6,
    embedding=4,
    shared=2,
    generator=(8, 6),
    critic=(4, 6, 8),
    epochs=2,
    steps=2,
    batch=6,
    critic_steps=2,
    learning_rate=1e-3,
    average=0.5,
)


@pytest.fixture(scope="session")
def small_set(tmp_path_factory):
    """Twelve images of three tempers, two feed rates and two specimens each."""
    folder = tmp_path_factory.mktemp("micrographs")
    series = PhantomSeries(("T5", "T6", "none"), (2.5, 12.5), 2, 1, height=64, width=80)
    write_phantom_series(series, folder / "pictures")
    config = GatherSemConfig(chip=32)
    return gather_sem(folder / "pictures/conditions.csv", folder / "set", config=config)


@pytest.fixture(scope="session")
def tiny_model(small_set, tmp_path_factory):
    """A generator on a lattice after four steps."""
    folder = tmp_path_factory.mktemp("models") / "lattice"
    return train_micrograph_gan(small_set, folder, kinds=KINDS, config=TINY, chips=CHIPS)
