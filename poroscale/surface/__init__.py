"""The free surface of a part: its radius map, its parameters, and new surfaces like it."""

from poroscale.surface.config import SurfaceConfig
from poroscale.surface.measure import SurfaceMap, measure_surface

__all__ = ["SurfaceConfig", "SurfaceMap", "measure_surface"]
