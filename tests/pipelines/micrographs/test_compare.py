"""The plan of a comparison: it holds, prints, and refuses what does not fit by one sentence."""

import re

import numpy as np
import pytest

from poroscale.compare.micrographs.config import CompareSemConfig
from poroscale.engine import Run
from poroscale.engine.plan import MIB
from poroscale.pipelines.micrographs.compare import compare_sem, plan_compare_sem
from tests.engine.peak import probes
from tests.micrographs.noise import noise_set

FEW = CompareSemConfig(conditions="rate=continuous", chips=30, splits=2, resamples=10, directions=4)


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    folder = tmp_path_factory.mktemp("noise") / "set"
    return noise_set(folder, 2, images=4, edge=512, dtype=np.uint16)


def test_peak_memory_keeps_to_the_plan(noise, tmp_path):
    with probes() as measure:
        seen = measure("compare_sem", noise.images, tmp_path / "out")
    assert seen["peak"] <= seen["told"] <= min(1.6 * seen["peak"], seen["allowed"]), seen


def test_what_does_not_fit_is_refused_before_it_begins(noise, tmp_path):
    pair = (noise.folder, noise.folder)
    with pytest.raises(MemoryError, match=r"for 2 settings of 30 chips of 128 x 128 pix.*") as page:
        compare_sem(*pair, tmp_path / "out", config=FEW, run=Run(memory="50MiB"))
    assert str(page.value).endswith("got 50 MiB; raise `memory`")
    least = int(re.search(r"at least (\d+) MiB", str(page.value))[1])
    many = FEW.model_copy(update={"chips": 196, "directions": 20_000})
    with pytest.raises(MemoryError) as setting:
        compare_sem(*pair, tmp_path / "out", config=many, run=Run(memory=(least + 30) * MIB))
    assert str(setting.value).endswith("raise `memory`, or take fewer `chips` or a smaller `chip`")
    assert not (tmp_path / "out").exists()


def test_the_plan_names_settings_and_chips(noise):
    plan = plan_compare_sem(noise.folder, noise.folder, config=FEW)
    assert set(plan.stages) == {"settings", "page"}
    assert "2 blocks of 30 x 128 x 128, 1 at a time" in str(plan)
    assert plan.disk == 0
