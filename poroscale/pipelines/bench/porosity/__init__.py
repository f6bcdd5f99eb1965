"""How well each segmentation finds the porosity of scans whose porosity is known."""

from poroscale.pipelines.bench.porosity.cases import PorosityCases
from poroscale.pipelines.bench.porosity.methods import METHODS, Found, Method
from poroscale.pipelines.bench.porosity.part import porosity_part

__all__ = ["METHODS", "Found", "Method", "PorosityCases", "porosity_part"]
