"""X-rays through metal: tube spectra, attenuation coefficients, transmission.

Mass attenuation coefficients: Hubbell and Seltzer, NIST Standard Reference Database 126
(NISTIR 5632), table 3. The alloys are taken as their main element at the density of the alloy.
Tube spectrum: Kramers' law for a thick target (H. A. Kramers, Phil. Mag. 46, 836, 1923), without
characteristic lines, behind an aluminium filter, weighted by energy as in a scintillator detector.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

ENERGIES = np.array([10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 80.0, 100.0, 150.0, 200.0])  # keV
MASS_ATTENUATION = {  # cm²/g
    "aluminium": np.array(
        [26.23, 7.955, 3.441, 1.128, 0.5685, 0.3681, 0.2778, 0.2018, 0.1704, 0.1378, 0.1223]
    ),
    "titanium": np.array(
        [110.7, 35.87, 15.85, 4.972, 2.214, 1.213, 0.7661, 0.4052, 0.2721, 0.1649, 0.1314]
    ),
    "steel": np.array(
        [170.6, 57.08, 25.68, 8.176, 3.629, 1.958, 1.205, 0.5952, 0.3717, 0.1964, 0.1460]
    ),
}
DENSITY = {"aluminium": 2.67, "titanium": 4.43, "steel": 7.95}  # g/cm³: AlSi10Mg, Ti6Al4V, 316L
FILTER_CM = 0.3
AIMED_TRANSMISSION = 0.3
"""Through the thickest part. Less means more noise and hardening, more means less contrast."""


def attenuation(material: str, energies: FloatArray) -> FloatArray:
    """Linear attenuation coefficient in 1/cm at energies in keV (log-log interpolation)."""
    table = np.log(MASS_ATTENUATION[material])
    return np.asarray(
        DENSITY[material] * np.exp(np.interp(np.log(energies), np.log(ENERGIES), table))
    )


def spectrum(voltage: float) -> tuple[FloatArray, FloatArray]:
    """Energies in keV and their shares of the detector's signal, at a tube voltage in kV."""
    energies = np.arange(12.5, voltage, 5.0)
    photons = (voltage - energies) / energies
    behind_filter = photons * np.exp(-FILTER_CM * attenuation("aluminium", energies))
    signal = behind_filter * energies
    return energies, signal / signal.sum()


def transmission(lengths_cm: FloatArray, *, material: str, voltage: float) -> FloatArray:
    """Share of the signal that passes a length of material; any shape, float64.

    It falls more slowly than an exponential, because the soft part of the beam is lost first.
    """
    energies, shares = spectrum(voltage)
    passed = np.zeros(np.shape(lengths_cm))
    for mu, share in zip(attenuation(material, energies), shares, strict=True):
        passed += share * np.exp(-mu * lengths_cm)
    return passed


def fitting_voltage(thickness_cm: float, material: str) -> float:
    """Tube voltage in kV (40-200) that lets about a third of the signal through a thickness."""
    voltages = np.arange(40.0, 201.0, 10.0)
    passed = [
        float(transmission(np.array(thickness_cm), material=material, voltage=float(v)))
        for v in voltages
    ]
    return float(voltages[np.abs(np.log(np.array(passed) / AIMED_TRANSMISSION)).argmin()])
