"""Comparison of segmentations on scans whose porosity is known."""

from poroscale.benchmarks.porosity.cases import PorosityCases
from poroscale.benchmarks.porosity.methods import METHODS, Found, Method
from poroscale.benchmarks.porosity.part import porosity_part

__all__ = ["METHODS", "Found", "Method", "PorosityCases", "porosity_part"]
