"""Micrographs of a known law: precipitates on a noisy background, by the conditions."""

from poroscale.phantoms.micrographs.images import MicrographTruth, PhantomMicrographs
from poroscale.phantoms.micrographs.law import Population, PrecipitateLaw, TemperLaw
from poroscale.phantoms.micrographs.series import PhantomSeries, write_phantom_series

__all__ = [
    "MicrographTruth",
    "PhantomMicrographs",
    "PhantomSeries",
    "Population",
    "PrecipitateLaw",
    "TemperLaw",
    "write_phantom_series",
]
