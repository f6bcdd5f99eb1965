from __future__ import annotations

import numpy as np
import pytest

from poroscale.phantoms.config import PhantomConfig
from poroscale.phantoms.part import PartPhases
from poroscale.phantoms.tomography import TomographyScan, set_beam

SHAPE = (20, 64, 64)


def scan(**settings):
    config = PhantomConfig(shape=SHAPE, roughness=0, **({"projections": 60} | settings))
    return TomographyScan(config)((0, 0, 0), SHAPE).astype(float)


def core():
    phases = PartPhases(PhantomConfig(shape=SHAPE, roughness=0))((0, 0, 0), SHAPE)
    y, x = np.mgrid[: SHAPE[1], : SHAPE[2]] - 31.5
    return (np.hypot(y, x) < 20) & (phases == 1)


@pytest.mark.parametrize("beam", ["parallel", "cone"])
def test_solid_and_air_get_their_levels(beam):
    grey = scan(beam=beam, porosity=0, noise=0, rings=0, projections=120)
    y, x = np.mgrid[:64, :64] - 31.5
    radius = np.hypot(y, x)
    solid = grey[4:-4, radius < 27]
    air = grey[4:-4, (radius > 30) & (radius < 32)]
    assert solid.mean() == pytest.approx(38000, rel=0.05)
    assert air.mean() == pytest.approx(9000, abs=0.06 * 29000)


def test_the_beam_hardening_darkens_the_axis():
    grey = scan(porosity=0, noise=0, rings=0)
    y, x = np.mgrid[:64, :64] - 31.5
    radius = np.hypot(y, x)
    rim, axis = grey[:, (radius > 20) & (radius < 25)].mean(), grey[:, radius < 6].mean()
    assert rim > axis + 0.02 * 29000


def test_a_beam_of_one_energy_leaves_the_solid_flat():
    grey = scan(beam="parallel", porosity=0, noise=0, rings=0, projections=120, hardening=False)
    y, x = np.mgrid[:64, :64] - 31.5
    radius = np.hypot(y, x)
    rim, axis = grey[:, (radius > 20) & (radius < 25)].mean(), grey[:, radius < 6].mean()
    assert rim == pytest.approx(axis, abs=0.004 * 29000)
    assert grey[:, radius < 25].mean() == pytest.approx(38000, abs=0.01 * 29000)


@pytest.mark.parametrize("beam", ["parallel", "cone"])
def test_half_of_the_exposure_makes_the_noise_sqrt_2_as_strong(beam):
    clean = scan(beam=beam, noise=0, rings=0)
    full, half = (scan(beam=beam, rings=0, exposure=e) - clean for e in (1.0, 0.5))
    inside = core()
    assert half[inside].std() / full[inside].std() == pytest.approx(2**0.5, rel=0.07)


def test_fewer_projections_make_a_worse_image():
    clean = scan(noise=0, rings=0, projections=240)
    errors = [np.std((scan(projections=n, rings=0) - clean)[core()]) for n in (240, 60, 20)]
    assert errors[0] < 0.7 * errors[1] < 0.7 * errors[2]


def test_noise_at_full_sampling_is_of_the_asked_order():
    full = int(np.pi / 2 * 80)
    noise = scan(projections=full, rings=0) - scan(projections=full, rings=0, noise=0)
    assert 0.4 < noise[core()].std() / (0.04 * 29000) < 1.2


def test_pores_are_dark_where_they_are():
    config = PhantomConfig(
        shape=SHAPE, porosity=0.02, projections=90, pore_diameter=40, open_fraction=0, seed=1
    )
    grey = TomographyScan(config)((0, 0, 0), SHAPE).astype(float)
    phases = PartPhases(config)((0, 0, 0), SHAPE)
    assert (phases == 2).sum() > 100
    assert grey[phases == 2].mean() < 0.75 * grey[phases == 1].mean()


def test_a_box_is_a_crop_and_a_scan_is_repeatable():
    config = PhantomConfig(shape=SHAPE, projections=20)
    whole = TomographyScan(config)((0, 0, 0), SHAPE)
    assert (TomographyScan(config)((3, 10, 20), (9, 8, 7)) == whole[3:12, 10:18, 20:27]).all()
    TomographyScan(config.model_copy(update={"seed": 1}))((0, 0, 0), (1, 1, 1))
    assert (TomographyScan(config)((0, 0, 0), SHAPE) == whole).all()


def test_the_voltage_can_be_set():
    config = PhantomConfig(shape=SHAPE, projections=20)
    assert set_beam(config.model_copy(update={"tube_voltage": 160.0})).voltage == 160
    thick = set_beam(config.model_copy(update={"voxel_size": 50.0}))
    assert thick.voltage > set_beam(config).voltage
