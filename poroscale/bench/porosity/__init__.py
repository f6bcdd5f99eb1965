"""How well each segmentation finds the porosity of scans whose porosity is known."""

from poroscale.bench.porosity.cases import PorosityCases
from poroscale.bench.porosity.methods import METHODS, Found, Method
from poroscale.bench.porosity.part import porosity_part

__all__ = ["METHODS", "Found", "Method", "PorosityCases", "porosity_part"]
