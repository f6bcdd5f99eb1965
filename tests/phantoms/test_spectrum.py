from __future__ import annotations

import numpy as np
import pytest

from poroscale.phantoms.spectrum import attenuation, fitting_voltage, spectrum, transmission


def test_attenuation_goes_through_the_tabulated_points():
    iron = attenuation("steel", np.array([20.0, 60.0, 100.0]))
    np.testing.assert_allclose(iron / 7.95, [25.68, 1.205, 0.3717], rtol=1e-9)
    middle = attenuation("aluminium", np.array([35.0])) / 2.67
    assert 0.5685 < middle[0] < 1.128


def test_a_spectrum_is_a_share_below_the_voltage():
    energies, shares = spectrum(120.0)
    assert shares.sum() == pytest.approx(1)
    assert energies.max() < 120
    assert 40 < (energies * shares).sum() < 90


def test_the_beam_hardens():
    lengths = np.array([0.01, 0.05, 0.2])
    passed = transmission(lengths, material="steel", voltage=120.0)
    effective = -np.log(passed) / lengths
    assert (np.diff(effective) < 0).all()
    assert transmission(np.zeros(1), material="steel", voltage=120.0)[0] == pytest.approx(1)


def test_thicker_and_denser_parts_get_more_voltage():
    assert fitting_voltage(0.05, "steel") < fitting_voltage(0.5, "steel")
    assert fitting_voltage(0.3, "aluminium") < fitting_voltage(0.3, "steel")
