from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poroscale.phantoms.config import PhantomConfig
from poroscale.phantoms.image import ImageScan
from poroscale.phantoms.part import PartPhases, PoreIds, SolidFraction

SHAPE = (40, 56, 60)
CONFIG = PhantomConfig(shape=SHAPE, porosity=0.03, open_fraction=0.2, seed=4, gradient=0.1)
CUBE = CONFIG.model_copy(update={"part": "cube", "ends": "capped"})
SAMPLERS = [
    make(config)
    for make in (PartPhases, PoreIds, SolidFraction, ImageScan)
    for config in (CONFIG, CUBE)
]


def named(sampler):
    return f"{type(sampler).__name__}-{sampler.config.part}"


@pytest.mark.parametrize("sampler", SAMPLERS, ids=named)
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_any_box_is_a_crop_of_the_whole(sampler, data):
    start = tuple(data.draw(st.integers(-5, n - 1)) for n in SHAPE)
    size = tuple(data.draw(st.integers(1, 30)) for _ in SHAPE)
    around = sampler((-5, -5, -5), tuple(n + 40 for n in SHAPE))
    box = sampler(start, size)
    crop = around[tuple(slice(s + 5, s + 5 + n) for s, n in zip(start, size, strict=True))]
    assert box.shape == size
    assert box.tobytes() == np.ascontiguousarray(crop).tobytes()


@pytest.mark.parametrize("sampler", SAMPLERS, ids=named)
def test_samplers_travel_light(sampler):
    text = pickle.dumps(sampler)
    assert len(text) < 3000
    assert pickle.loads(text) == sampler


def test_ids_and_phases_tell_the_same():
    phases, ids = PartPhases(CONFIG)((0, 0, 0), SHAPE), PoreIds(CONFIG)((0, 0, 0), SHAPE)
    assert ((phases == 2) == (ids > 0)).all()
    assert set(np.unique(phases)) == {0, 1, 2}
    assert phases.dtype == np.uint8


def test_the_solid_fraction_is_that_of_the_phases():
    solid = SolidFraction(CONFIG)((0, 0, 0), SHAPE)
    phases = PartPhases(CONFIG)((0, 0, 0), SHAPE)
    assert solid.min() >= 0
    assert solid.max() <= 1
    assert solid[phases == 1].min() > 0.2
    assert solid[phases != 1].max() < 0.8
    assert solid.sum(dtype=float) == pytest.approx((phases == 1).sum(), rel=0.003)


def test_the_part_runs_through_unless_it_is_capped():
    assert PartPhases(CONFIG)((0, 28, 30), (SHAPE[0], 1, 1)).all()
    assert not PartPhases(CUBE)((0, 28, 30), (2, 1, 1)).any()


def test_without_noise_and_blur_the_scan_is_the_solid_fraction():
    config = CONFIG.model_copy(
        update={"noise": 0.0, "blur": 0.0, "cupping": 0.0, "rings": 0.0, "gradient": 0.0}
    )
    grey = ImageScan(config)((0, 0, 0), SHAPE).astype(float)
    solid = SolidFraction(config)((0, 0, 0), SHAPE)
    clean = config.air_level + (config.solid_level - config.air_level) * solid
    assert np.abs(grey - clean).max() <= 0.51


def test_noise_has_the_asked_strength():
    quiet = CONFIG.model_copy(update={"noise": 0.0})
    box = ((0, 0, 0), SHAPE)
    noise = ImageScan(CONFIG)(*box).astype(float) - ImageScan(quiet)(*box)
    assert noise.std() == pytest.approx(0.04 * (38000 - 9000), rel=0.05)
